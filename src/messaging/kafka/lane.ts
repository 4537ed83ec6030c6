import type { Clock } from '../../kernel/clock.ts';
import type { Link } from './link.ts';
import type { PartitionLine } from './partition-line.ts';

/**
 * How long records that nobody waits for may wait for others to go out with: a request costs the broker far more than
 * a record does.
 */
const lingerMs = 10;

export interface LaneOptions {
  readonly link: Link;
  readonly clock: Clock;
  /** Sends what is ready. */
  run(lane: Lane): Promise<void>;
}

/** The way to one broker: one produce request in flight; what becomes ready meanwhile goes out with the next. */
export class Lane {
  readonly link: Link;
  ready: PartitionLine[] = [];
  busy = false;
  /** Failed attempts in a row; the next one waits accordingly. */
  failures = 0;
  readonly #options: LaneOptions;
  #due: 'no' | 'later' | 'now' = 'no';
  #cancelLater = (): void => {};

  constructor(options: LaneOptions) {
    this.#options = options;
    this.link = options.link;
  }

  /** Has what is ready sent, unless a request is in flight: soon when it is urgent, else within {@link lingerMs}. */
  schedule(urgent: boolean): void {
    if (this.#due === 'now' || this.busy || this.ready.length === 0) return;
    if (urgent) {
      this.#cancelLater();
      this.#due = 'now';
      // What the present turn of the event loop still appends goes out with this request.
      setImmediate(() => {
        this.#run();
      });
    } else if (this.#due === 'no') {
      this.#due = 'later';
      this.#cancelLater = this.#options.clock.after(lingerMs, () => {
        this.#run();
      });
    }
  }

  #run(): void {
    this.#due = 'no';
    if (!this.busy) void this.#options.run(this);
  }
}
