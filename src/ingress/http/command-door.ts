import { createHash } from 'node:crypto';
import type { Caller } from '../../accounts/accounts.ts';
import { PlatformError } from '../../kernel/errors.ts';
import type { Commands } from '../../messaging/state-view.ts';

/** A change that a caller asks for. */
export interface Change {
  readonly caller: Caller;
  /** `entity.verb` */
  readonly name: string;
  readonly body: unknown;
  /** The caller's `Idempotency-Key`: the same change with the same key is carried out once and answered alike. */
  readonly idempotencyKey?: string | undefined;
}

/** Asks control for changes. */
export interface CommandDoor {
  /** The reply, when this replica's view holds the change. Throws the refusal, or `MESSAGING_UNAVAILABLE`. */
  send(change: Change): Promise<unknown>;
}

/** The command id of a keyed change: the same for the same key of the same API key and the same kind of change. */
export const commandIdOfKey = (keyId: string, name: string, idempotencyKey: string): string => {
  const hex = createHash('sha256').update(`${keyId}\u0000${name}\u0000${idempotencyKey}`).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
};

export const createCommandDoor = (commands: Commands): CommandDoor => ({
  send: async ({ caller, name, body, idempotencyKey }) => {
    const id = idempotencyKey === undefined ? {} : { id: commandIdOfKey(caller.key.id, name, idempotencyKey) };
    const outcome = await commands.send({ name, actor: caller.account.name, keyId: caller.key.id, body, ...id });
    if (outcome.kind === 'done') return outcome.reply;
    throw new PlatformError(outcome.code, outcome.error, { message: outcome.message, details: outcome.details });
  },
});

/** The `Idempotency-Key` header of a management request. */
export const idempotencyKeyIn = (
  headers: Readonly<Record<string, string | string[] | undefined>>,
): string | undefined => {
  const key = headers['idempotency-key'];
  return typeof key === 'string' && key !== '' && key.length <= 255 ? key : undefined;
};
