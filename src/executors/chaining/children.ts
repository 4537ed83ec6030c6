import type { IncomingMessage, ServerResponse } from 'node:http';
import { limits } from '../../kernel/limits.ts';
import { refuse } from '../endpoint/respond.ts';
import type { Chaining } from './forward.ts';

/** The calls that code in one sandbox makes, told apart by the run that makes them. */
export interface Children {
  /** A call begins: what is asked from now on is asked for it. Null: it cannot call others. */
  begin(chaining: Chaining | null): void;
  /** The call is over: what it still waits for is cut. */
  end(): void;
  /** Answers a `POST /v1/algo/…`. */
  take(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** True once code of an earlier call was heard: the sandbox must run nothing more. */
  readonly leftover: boolean;
}

/** Header in which our clients say for which run of the sandbox (from 1) they ask. Others do not say. */
const runHeader = 'x-millrace-run';

class SandboxChildren implements Children {
  readonly #onLeftover: () => void;
  #chaining: Chaining | null = null;
  /** How many calls this sandbox was given; runners count the same. */
  #number = 0;
  #running = false;
  #leftover = false;
  /** Requests of the present run that are not answered yet. */
  #cut: AbortController | null = null;
  #open = 0;

  constructor(onLeftover: () => void) {
    this.#onLeftover = onLeftover;
  }

  get leftover(): boolean {
    return this.#leftover;
  }

  begin(chaining: Chaining | null): void {
    this.#number += 1;
    this.#running = true;
    this.#chaining = chaining;
  }

  end(): void {
    this.#running = false;
    this.#chaining = null;
    if (this.#cut === null) return;
    this.#cut.abort();
    this.#cut = null;
    this.#open = 0;
  }

  async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refusal = this.#refusal(request);
    const chaining = this.#chaining;
    if (refusal !== null || chaining === null) {
      request.resume();
      const { status, message } = refusal ?? { status: 501, message: 'Algorithms cannot be called from here.' };
      refuse(response, status, message);
      return;
    }
    const { run, forwarder } = chaining;
    this.#cut ??= new AbortController();
    const cut = this.#cut;
    this.#open += 1;
    if (this.#open === 1) run.link.onWaits(true);
    await forwarder.forward(run, { request, response, signal: cut.signal });
    // Otherwise the run is over, and whatever waits now is another's.
    if (this.#cut !== cut) return;
    this.#open -= 1;
    if (this.#open === 0) run.link.onWaits(false);
  }

  #refusal(request: IncomingMessage): { readonly status: number; readonly message: string } | null {
    const said = request.headers[runHeader];
    const stale = said !== undefined && said !== String(this.#number);
    if (!this.#running && this.#number === 0) {
      return { status: 409, message: 'No call runs here yet: algorithms are called while one does, for its caller.' };
    }
    if (!this.#running || stale) {
      this.#hearLeftover();
      return { status: 409, message: 'The call for which this is asked is over.' };
    }
    if (this.#open < limits.childrenAtOnceMax) return null;
    const message = `This call waits for ${this.#open} calls that it made, the most that it may at once.`;
    return { status: 429, message };
  }

  #hearLeftover(): void {
    if (this.#leftover) return;
    this.#leftover = true;
    this.#onLeftover();
  }
}

/** Makes the door for the calls that one sandbox makes. `onLeftover` is called once, when code of an earlier call was heard. */
export const createChildren = (onLeftover: () => void): Children => new SandboxChildren(onLeftover);
