import type { Presence } from '../kernel/contracts/contracts.gen.ts';

/** What the executor says of itself in its process's presence. */
export type ExecutorPresence = Pick<Presence, 'pool' | 'slots' | 'busy' | 'warm' | 'queued' | 'transactionalIds'>;

/** The role that runs algorithms: consumes the requests of one pool, publishes results. */
export interface Executor {
  /** Takes its transactional id over, joins the group, begins. Throws `MESSAGING_UNAVAILABLE`. Call once. */
  start(): Promise<void>;
  /** Gives queued requests back, lets the running ones finish, commits, ends every sandbox. May be called twice. */
  stop(): Promise<void>;
  /** True while it takes requests. */
  ready(): boolean;
  /** Cheap and synchronous: for the process's presence. */
  presence(): ExecutorPresence;
}

/** Consumer group of the executors of a pool. */
export const executorGroup = (pool: string): string => `executors.${pool}`;
