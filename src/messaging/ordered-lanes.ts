import { createFifo, type Fifo } from './fifo.ts';

/** Runs items one at a time per lane, in the order offered, and several lanes beside each other. */
export interface OrderedLanes<T> {
  /** Items that run now. */
  readonly running: number;
  /** Items that wait. */
  readonly waiting: number;
  /** Queues the item behind those of its lane, or runs it. */
  offer(lane: string, item: T): void;
  /** Takes out waiting items that match; running ones go on. */
  remove(matches: (item: T) => boolean): T[];
  /** Resolves when nothing runs or waits. */
  idle(): Promise<void>;
}

export interface OrderedLanesOptions<T> {
  /** Lanes that run at the same time at most. */
  readonly width: number;
  run(item: T): Promise<void>;
  /** `run` rejected or threw: a bug or the end of the process. The lane goes on with its next item. */
  onFailed(error: unknown): void;
}

/** Present while an item of it runs or waits. Most lanes see one item only: those have no queue. */
interface Lane<T> {
  items: Fifo<T> | null;
  running: boolean;
}

class WideLanes<T> implements OrderedLanes<T> {
  readonly #options: OrderedLanesOptions<T>;
  readonly #lanes = new Map<string, Lane<T>>();
  /** Names of lanes that have items and run none. */
  readonly #ready = createFifo<string>();
  readonly #whenIdle: (() => void)[] = [];
  #running = 0;
  #waiting = 0;

  constructor(options: OrderedLanesOptions<T>) {
    this.#options = options;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiting;
  }

  offer(name: string, item: T): void {
    const known = this.#lanes.get(name);
    const lane = known ?? { items: null, running: false };
    if (known === undefined) this.#lanes.set(name, lane);
    if (known === undefined && this.#running < this.#options.width) this.#run(name, lane, item);
    else this.#queue(name, lane, item);
  }

  remove(matches: (item: T) => boolean): T[] {
    const removed = [...this.#lanes.values()].flatMap((lane) => lane.items?.remove(matches) ?? []);
    this.#waiting -= removed.length;
    this.#start();
    return removed;
  }

  async idle(): Promise<void> {
    if (this.#running === 0 && this.#waiting === 0) return;
    await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }

  #queue(name: string, lane: Lane<T>, item: T): void {
    lane.items ??= createFifo<T>();
    lane.items.push(item);
    this.#waiting += 1;
    if (!lane.running && lane.items.size === 1) this.#ready.push(name);
  }

  #start(): void {
    while (this.#running < this.#options.width) {
      const name = this.#ready.shift();
      if (name === undefined) break;
      const lane = this.#lanes.get(name);
      // A lane whose items were taken out may still stand here, and once more when it got new ones.
      if (lane === undefined || lane.running) continue;
      const item = lane.items?.shift();
      if (item === undefined) {
        this.#lanes.delete(name);
        continue;
      }
      this.#waiting -= 1;
      this.#run(name, lane, item);
    }
    if (this.#running === 0 && this.#waiting === 0) for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  #run(name: string, lane: Lane<T>, item: T): void {
    this.#running += 1;
    lane.running = true;
    const failed = (error: unknown): void => {
      this.#options.onFailed(error);
      this.#ended(name, lane);
    };
    try {
      this.#options.run(item).then(() => {
        this.#ended(name, lane);
      }, failed);
    } catch (error) {
      failed(error);
    }
  }

  #ended(name: string, lane: Lane<T>): void {
    this.#running -= 1;
    lane.running = false;
    if (lane.items !== null && lane.items.size > 0) this.#ready.push(name);
    else this.#lanes.delete(name);
    this.#start();
  }
}

/** Makes lanes; at most `width` items run at a time. */
export const createOrderedLanes = <T>(options: OrderedLanesOptions<T>): OrderedLanes<T> => new WideLanes(options);
