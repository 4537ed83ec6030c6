import { sleep } from '../kernel/clock.ts';
import { type CommitAttempt, type CommitLoop, createCommitLoop } from './commit-loop.ts';
import { isRefusal } from './errors.ts';
import type { Appender, AppendSink, OutRecord } from './messaging.ts';
import type { Taken } from './offset-tracker.ts';
import {
  asError,
  isPassing,
  type Outputs,
  offsetsOf,
  type SettledPartition,
  type Settlement,
  type Settler,
  type SettlerOptions,
  tellRefused,
} from './settle.ts';

const pauseMs = (tries: number): number => Math.min(5_000, 100 * 2 ** Math.min(tries, 6));

interface EntryParts {
  readonly partition: SettledPartition;
  readonly taken: Taken;
  readonly patient: boolean;
  readonly resolve: (settlement: Settlement) => void;
  readonly reject: (error: Error) => void;
  /** Whether that failure passes, so that the output is to be sent again. */
  passes(entry: Entry, error: Error, output: OutRecord): boolean;
  /** Every output was answered once; these failed in passing. */
  onTried(entry: Entry, left: readonly OutRecord[]): void;
}

/** The outputs of one record on their way into the log. */
class Entry implements AppendSink {
  readonly parts: EntryParts;
  tries = 0;
  #unanswered = 0;
  #left: OutRecord[] = [];

  constructor(parts: EntryParts) {
    this.parts = parts;
  }

  get patient(): boolean {
    return this.parts.patient;
  }

  send(outputs: readonly OutRecord[], appender: Pick<Appender, 'send'>): void {
    this.#left = [];
    this.#unanswered = outputs.length;
    if (outputs.length === 0) this.parts.onTried(this, []);
    for (const output of outputs) appender.send(output, this);
  }

  appended(): void {
    this.#unanswered -= 1;
    if (this.#unanswered === 0) this.parts.onTried(this, this.#left);
  }

  failed(error: Error, output: OutRecord): void {
    if (this.parts.passes(this, error, output)) this.#left.push(output);
    this.appended();
  }
}

/** Appends outputs, in order and again when that failed in passing, and commits the offsets of what was acknowledged. */
class AppendSettler implements Settler {
  readonly #options: SettlerOptions;
  readonly #appender: Appender;
  readonly #loop: CommitLoop<SettledPartition>;
  #failed: Error | null = null;

  constructor(options: SettlerOptions, appender: Appender) {
    this.#options = options;
    this.#appender = appender;
    const attempt = async (partitions: readonly SettledPartition[]) => await this.#attempt(partitions);
    this.#loop = createCommitLoop({ clock: options.clock, everyMs: options.everyMs, attempt });
  }

  async settle(partition: SettledPartition, taken: Taken, outputs: Outputs): Promise<Settlement> {
    return await new Promise<Settlement>((resolve, reject) => {
      const { patient, records } = outputs;
      const [passes, onTried] = [this.#passes, this.#onTried];
      this.#send(new Entry({ partition, taken, patient, resolve, reject, passes, onTried }), records);
    });
  }

  async commitNow(partition: SettledPartition): Promise<void> {
    await this.#loop.flush(partition);
  }

  async idle(): Promise<void> {
    await this.#loop.idle();
  }

  async close(): Promise<void> {
    await this.#loop.stop();
    await this.#appender.close();
  }

  #send(entry: Entry, outputs: readonly OutRecord[]): void {
    if (this.#failed !== null) entry.parts.reject(this.#failed);
    else if (entry.parts.partition.over) this.#end(entry, 'released');
    else entry.send(outputs, this.#appender);
  }

  readonly #passes = ({ parts }: Entry, error: Error, output: OutRecord): boolean => {
    if (isPassing(error)) return true;
    if (isRefusal(error)) tellRefused(this.#options.logger, output, parts.partition, error);
    else this.#fail(error);
    return false;
  };

  readonly #onTried = (entry: Entry, left: readonly OutRecord[]): void => {
    if (this.#failed !== null) entry.parts.reject(this.#failed);
    else if (left.length === 0) this.#end(entry, 'settled');
    else void this.#sendLater(entry, left);
  };

  async #sendLater(entry: Entry, outputs: readonly OutRecord[]): Promise<void> {
    await sleep(this.#options.clock, pauseMs(entry.tries));
    entry.tries += 1;
    this.#send(entry, outputs);
  }

  #end(entry: Entry, settlement: Settlement): void {
    const { partition, taken, resolve } = entry.parts;
    if (settlement === 'settled' && !partition.over) {
      partition.finish(taken);
      this.#loop.touch(partition);
    }
    partition.leave();
    resolve(settlement);
  }

  async #attempt(partitions: readonly SettledPartition[]): Promise<CommitAttempt> {
    if (this.#failed !== null) return 'committed';
    const { membership, offsets } = offsetsOf(this.#options.membership(), partitions);
    if (offsets.length === 0) return 'committed';
    try {
      await membership.commit(offsets);
      return 'committed';
    } catch (error) {
      if (isPassing(error)) return 'later';
      this.#fail(error);
      return 'committed';
    }
  }

  #fail(error: unknown): void {
    if (this.#failed !== null) return;
    this.#failed = asError(error);
    this.#options.onFailed(this.#failed);
  }
}

/** Settles by appending the outputs, then committing offsets: outputs may repeat after a crash. */
export const createAppendSettler = (options: SettlerOptions, appender: Appender): Settler =>
  new AppendSettler(options, appender);
