import type { Assignment, InRecord, JoinOptions } from '../messaging.ts';
import type { Feed, FeedTarget } from './feed.ts';
import type { Fetcher } from './fetcher.ts';
import type { CommittedOffset } from './group-calls.ts';

export interface AssignmentOptions {
  readonly topic: string;
  readonly fullName: string;
  readonly partition: number;
  readonly generation: number;
  readonly join: JoinOptions;
  readonly fetch: (offsets: readonly bigint[]) => Promise<readonly InRecord[]>;
  readonly readCommitted: () => Promise<CommittedOffset | null>;
  readonly failed: (error: Error) => void;
}

/** One period of owning a partition: from the broker's assignment to the release or the loss. */
export class KafkaAssignment implements Assignment, FeedTarget {
  readonly topic: string;
  readonly fullName: string;
  readonly partition: number;
  readonly generation: number;
  readonly #options: AssignmentOptions;
  #state: 'owned' | 'draining' | 'ended' = 'owned';
  #committed: CommittedOffset | null = null;
  #next = 0n;
  #paused = false;
  #seekable = false;
  #feed: Feed | null = null;
  #announced: Promise<void> | null = null;
  #holds = 0;
  #unheld: (() => void)[] = [];

  constructor(options: AssignmentOptions) {
    this.#options = options;
    this.topic = options.topic;
    this.fullName = options.fullName;
    this.partition = options.partition;
    this.generation = options.generation;
  }

  get state(): 'owned' | 'draining' | 'ended' {
    return this.#state;
  }

  get committed(): CommittedOffset | null {
    return this.#committed;
  }

  get next(): bigint {
    return this.#next;
  }

  /** Tells the owner, then reads from where it wants. */
  async begin(fetcher: Fetcher, committed: CommittedOffset | null, start: bigint): Promise<void> {
    if (this.#state !== 'owned') return;
    this.#committed = committed;
    this.#next = start;
    this.#seekable = true;
    const announced = this.#announce();
    this.#announced = announced.catch(() => {});
    try {
      await announced;
    } finally {
      this.#seekable = false;
    }
    // The broker may have taken the partition back while the owner prepared.
    if ((this.#state as string) !== 'owned') return;
    this.#feed = fetcher.add(this, this.#next);
    this.#feed.paused = this.#paused;
  }

  async #announce(): Promise<void> {
    await this.#options.join.onAssigned(this);
  }

  /** The owner was told of it, or is being told. */
  get announced(): boolean {
    return this.#announced !== null;
  }

  /** Resolves when the owner has been told. */
  async told(): Promise<void> {
    await this.#announced;
  }

  seek(offset: bigint): void {
    if (!this.#seekable) throw new Error('An assignment can be moved to another offset inside onAssigned only.');
    this.#next = offset;
  }

  pause(): void {
    this.#paused = true;
    if (this.#feed !== null) this.#feed.paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#feed?.resume();
  }

  async fetch(offsets: readonly bigint[]): Promise<readonly InRecord[]> {
    return await this.#options.fetch(offsets);
  }

  async readCommitted(): Promise<CommittedOffset | null> {
    return await this.#options.readCommitted();
  }

  /** No records from now on; commits are still allowed. */
  drain(): void {
    if (this.#state === 'owned') this.#state = 'draining';
    this.#feed?.close();
  }

  end(): void {
    this.#state = 'ended';
    this.#feed?.close();
  }

  /** A commit for this period is under way: it is not released before {@link unhold}. */
  hold(): void {
    this.#holds += 1;
  }

  unhold(): void {
    this.#holds -= 1;
    if (this.#holds > 0) return;
    const waiting = this.#unheld;
    this.#unheld = [];
    for (const resolve of waiting) resolve();
  }

  /** Resolves when no commit is under way. */
  async unheld(): Promise<void> {
    if (this.#holds === 0) return;
    await new Promise<void>((resolve) => {
      this.#unheld.push(resolve);
    });
  }

  deliver(records: readonly InRecord[], next: bigint): Promise<void> | void {
    this.#next = next;
    return this.#options.join.onRecords(this, records);
  }

  passed(next: bigint): void {
    this.#next = next;
  }

  failed(error: Error): void {
    this.#options.failed(error);
  }
}
