/**
 * Port of the places of accounts: how many calls of one account may run at a time. Drivers: `memory.ts` counts for one
 * ingress, `redis.ts` for all of an installation.
 */
export interface Places {
  /**
   * Takes a place. Returns nothing when it has been taken at once, which is the rule, and a promise where others have to
   * be asked. Throws or rejects with `INGRESS_ACCOUNT_BUSY` when the account has as many as it may.
   */
  take(account: string): Promise<void> | undefined;
  /** Gives back a place that was taken; once. */
  giveBack(account: string): void;
  /** Gives back all that this process holds. */
  close(): Promise<void>;
}
