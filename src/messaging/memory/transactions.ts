import type { Clock } from '../../kernel/clock.ts';
import { messagingErrors } from '../errors.ts';
import type { MemoryGroup, Recorded } from './group.ts';
import type { MemoryLog, MemoryTransaction } from './log.ts';

/** An offset that takes effect when its transaction is committed. */
export interface PendingOffset {
  readonly group: MemoryGroup;
  readonly recorded: Recorded;
}

interface OpenTransaction extends MemoryTransaction {
  readonly logs: Set<MemoryLog>;
  readonly offsets: PendingOffset[];
  readonly cancelTimeout: () => void;
}

interface Producer {
  epoch: number;
  open: OpenTransaction | null;
  /** How the transaction of the present epoch that was ended last, ended: a repeated request is answered alike. */
  lastTimedOut: boolean;
}

/** The broker's transaction coordinator: one producer per transactional id, the youngest epoch wins. */
export class MemoryTransactions {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #producers = new Map<string, Producer>();

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /** Aborts what an earlier producer of that id left open and bars it. Gives the new epoch. */
  init(id: string): number {
    const producer = this.#producers.get(id) ?? { epoch: -1, open: null, lastTimedOut: false };
    this.#producers.set(id, producer);
    if (producer.open !== null) this.#end(producer, 'aborted');
    producer.epoch += 1;
    producer.lastTimedOut = false;
    return producer.epoch;
  }

  /** The open transaction of that producer, begun if there is none. Throws `MESSAGING_FENCED`, `MESSAGING_ABORTED`. */
  begin(id: string, epoch: number): OpenTransaction {
    const producer = this.#check(id, epoch);
    if (producer.lastTimedOut) throw aborted(id);
    producer.open ??= {
      state: 'open',
      logs: new Set(),
      offsets: [],
      cancelTimeout: this.#clock.after(this.#timeoutMs, () => {
        this.#timeOut(producer);
      }),
    };
    return producer.open;
  }

  /** Ends the open transaction; does nothing when none is open. Throws `MESSAGING_FENCED`, `MESSAGING_ABORTED`. */
  end(id: string, epoch: number, state: 'committed' | 'aborted'): void {
    const producer = this.#check(id, epoch);
    const timedOut = producer.lastTimedOut;
    producer.lastTimedOut = false;
    if (timedOut && state === 'committed') throw aborted(id);
    if (producer.open !== null) this.#end(producer, state);
  }

  #timeOut(producer: Producer): void {
    if (producer.open === null) return;
    this.#end(producer, 'aborted');
    producer.lastTimedOut = true;
  }

  #check(id: string, epoch: number): Producer {
    const producer = this.#producers.get(id);
    if (producer?.epoch === epoch) return producer;
    throw messagingErrors.FENCED({
      message: `Another process took the transactional id '${id}' over. This one must end.`,
      details: { transactionalId: id, epoch },
    });
  }

  #end(producer: Producer, state: 'committed' | 'aborted'): void {
    const transaction = producer.open;
    if (transaction === null) return;
    producer.open = null;
    transaction.cancelTimeout();
    transaction.state = state;
    if (state === 'committed') for (const { group, recorded } of transaction.offsets) group.apply(recorded);
    for (const log of transaction.logs) log.mark(transaction);
  }
}

const aborted = (id: string) =>
  messagingErrors.ABORTED({
    message: `The broker aborted the transaction of '${id}': it took too long. Append again.`,
  });
