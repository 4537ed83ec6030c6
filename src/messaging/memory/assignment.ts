import type { Assignment, InRecord } from '../messaging.ts';
import type { CommittedOffset } from './group.ts';
import type { MemoryReader } from './reader.ts';

export interface MemoryAssignmentOptions {
  readonly topic: string;
  readonly partition: number;
  readonly generation: number;
  readonly committed: CommittedOffset | null;
  readonly reader: MemoryReader;
  readCommitted(): Promise<CommittedOffset | null>;
  fetch(offsets: readonly number[]): Promise<InRecord[]>;
}

/** One period of owning one partition, as the member sees it. */
export class MemoryAssignment implements Assignment {
  readonly topic: string;
  readonly partition: number;
  readonly generation: number;
  readonly committed: CommittedOffset | null;
  readonly #options: MemoryAssignmentOptions;
  state: 'owned' | 'draining' | 'ended' = 'owned';
  #reading = false;

  constructor(options: MemoryAssignmentOptions) {
    this.topic = options.topic;
    this.partition = options.partition;
    this.generation = options.generation;
    this.committed = options.committed;
    this.#options = options;
  }

  get next(): bigint {
    return BigInt(this.#options.reader.position);
  }

  seek(offset: bigint): void {
    if (this.#reading) throw new Error('Reading has begun: seek inside onAssigned only.');
    this.#options.reader.seek(Number(offset));
  }

  pause(): void {
    this.#options.reader.pause();
  }

  resume(): void {
    this.#options.reader.resume();
  }

  async readCommitted(): Promise<CommittedOffset | null> {
    return await this.#options.readCommitted();
  }

  async fetch(offsets: readonly bigint[]): Promise<readonly InRecord[]> {
    return await this.#options.fetch(offsets.map(Number));
  }

  /** Begins handing over records, unless the period is over already. */
  read(): void {
    if (this.state !== 'owned') return;
    this.#reading = true;
    void this.#options.reader.run();
  }

  /** No further records. */
  stop(state: 'draining' | 'ended'): void {
    this.state = state;
    this.#options.reader.close();
  }
}
