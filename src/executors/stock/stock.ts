import type { Clock } from '../../kernel/clock.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Sandbox, SandboxNetwork } from '../../sandboxes/sandbox.ts';
import type { Endpoint } from '../endpoint/endpoint.ts';
import type { Language } from '../languages.ts';

/** Named hosts are another network for each build. */
type Network = Extract<SandboxNetwork, string>;

/** A sandbox in which a language's runner waits for an algorithm. */
export interface Prewarmed {
  readonly sandbox: Sandbox;
  readonly endpoint: Endpoint;
}

/** Sandboxes that are started before anybody calls, for the next class that has none. */
export interface Stock {
  /** Hands out one that nobody else gets; null: there is none now. What is missing comes with the next `refill`. */
  take(language: Language, network: Network): Prewarmed | null;
  /** Starts what is missing, in the background. May be called at any time. */
  refill(): void;
  /** Sandboxes that wait, as `prewarmed:LANGUAGE`. */
  counts(): Readonly<Record<string, number>>;
  /** Memory that the pool must leave to it. */
  memoryBytes(): number;
  /** Ends those that wait. May be called twice; never rejects. */
  close(): Promise<void>;
}

export interface StockDeps {
  /** Kept ready of each language, without a network; with one as well once it was asked for. */
  readonly size: number;
  readonly languages: Iterable<Language>;
  /** Resolves when its runner waits. */
  start(language: Language, network: Network): Promise<Prewarmed>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What is kept of one kind. */
interface Shelf {
  readonly language: Language;
  readonly network: Network;
  readonly waiting: Prewarmed[];
  starting: number;
}

/** One that was handed out is replaced a little later: its first call has the machine to itself. */
const refillAfterMs = 100;

class SandboxStock implements Stock {
  readonly #deps: StockDeps;
  readonly #shelves: Shelf[] = [];
  readonly #pending = new Set<Promise<void>>();
  #cancelRefill: (() => void) | null = null;
  #closed = false;

  constructor(deps: StockDeps) {
    this.#deps = deps;
    for (const language of new Set(deps.languages)) this.#shelfOf(language, 'none');
  }

  take(language: Language, network: Network): Prewarmed | null {
    return this.#shelfOf(language, network).waiting.shift() ?? null;
  }

  refill(): void {
    if (this.#closed || this.#cancelRefill !== null) return;
    this.#cancelRefill = this.#deps.clock.after(refillAfterMs, () => {
      this.#cancelRefill = null;
      for (const shelf of this.#shelves) this.#fill(shelf);
    });
  }

  counts(): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const { language, waiting } of this.#shelves) {
      const key = `prewarmed:${language.name}`;
      if (waiting.length > 0) counts[key] = (counts[key] ?? 0) + waiting.length;
    }
    return counts;
  }

  memoryBytes(): number {
    return this.#shelves.reduce((sum, { language }) => sum + this.#deps.size * language.emptyBytes, 0);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelRefill?.();
    await Promise.all(this.#pending);
    await Promise.all(this.#shelves.flatMap(({ waiting }) => waiting.splice(0)).map(end));
  }

  #shelfOf(language: Language, network: Network): Shelf {
    const found = this.#shelves.find((shelf) => shelf.language === language && shelf.network === network);
    if (found !== undefined) return found;
    const shelf = { language, network, waiting: [], starting: 0 };
    this.#shelves.push(shelf);
    return shelf;
  }

  #fill(shelf: Shelf): void {
    for (let have = shelf.waiting.length + shelf.starting; have < this.#deps.size; have += 1) {
      const adding = this.#add(shelf);
      this.#pending.add(adding);
      void adding.finally(() => this.#pending.delete(adding));
    }
  }

  async #add(shelf: Shelf): Promise<void> {
    const { language, network, waiting } = shelf;
    shelf.starting += 1;
    try {
      const prewarmed = await this.#deps.start(language, network);
      waiting.push(prewarmed);
      void prewarmed.sandbox.exited.then(() => {
        const at = waiting.indexOf(prewarmed);
        if (at < 0) return;
        waiting.splice(at, 1);
        void prewarmed.endpoint.close();
      });
    } catch (error) {
      // Not tried again before somebody takes or misses one: whatever is wrong, calls find it out as well.
      const reason = error instanceof Error ? error.message : String(error);
      this.#deps.logger.warn({ event: 'sandbox.not-prewarmed', language: language.name, network, reason });
    } finally {
      shelf.starting -= 1;
    }
  }
}

const end = async ({ sandbox, endpoint }: Prewarmed): Promise<void> => {
  await sandbox.stop(0);
  await endpoint.close();
};

/** A stock that is never filled, for machines on which it cannot be. */
export const noStock: Stock = {
  take: () => null,
  refill: () => {},
  counts: () => ({}),
  memoryBytes: () => 0,
  close: () => Promise.resolve(),
};

/** Makes an empty stock; `refill` fills it. */
export const createStock = (deps: StockDeps): Stock => new SandboxStock(deps);
