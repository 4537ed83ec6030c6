/** The right to have a marked record open; given back once, later calls do nothing. */
export interface Turn {
  release(): void;
}

/**
 * When marked records may be open at the same time. Those that nobody suspects may, one of each partition. A record
 * that was open when an owner died is a suspect, as all that were marked then: it is open alone, so that the next death
 * tells the cause from its bystanders. First come, first served, so that neither kind waits for ever.
 */
export interface CarefulTurns {
  take(alone: boolean): Promise<Turn>;
}

interface Waiter {
  readonly alone: boolean;
  begin(): void;
}

class FairTurns implements CarefulTurns {
  readonly #waiters: Waiter[] = [];
  #open = 0;
  #alone = false;

  async take(alone: boolean): Promise<Turn> {
    await new Promise<void>((resolve) => {
      this.#waiters.push({ alone, begin: resolve });
      this.#next();
    });
    let released = false;
    return {
      release: () => {
        if (released) return;
        released = true;
        this.#open -= 1;
        this.#alone = false;
        this.#next();
      },
    };
  }

  #next(): void {
    for (let first = this.#waiters[0]; first !== undefined; first = this.#waiters[0]) {
      if (this.#alone || (first.alone && this.#open > 0)) return;
      this.#waiters.shift();
      this.#open += 1;
      this.#alone = first.alone;
      first.begin();
    }
  }
}

/** Makes the turns of one consumer. */
export const createCarefulTurns = (): CarefulTurns => new FairTurns();
