import type { Clock } from '../../src/kernel/clock.ts';
import type { MemoryBroker } from '../../src/messaging/memory/broker.ts';
import { createMemoryMessaging } from '../../src/messaging/memory/memory-messaging.ts';
import type { MemoryFault } from '../../src/messaging/memory/network.ts';
import type { Messaging } from '../../src/messaging/messaging.ts';
import type { SeededRandom } from '../helpers/seeded-random.ts';

/** How rough the world is; one in so many, 0 for never. */
export interface Weather {
  delayMaxMs: number;
  faultOneIn: number;
  killOneIn: number;
}

export interface SimProcessOptions {
  readonly name: string;
  readonly broker: MemoryBroker;
  readonly clock: Clock;
  readonly random: SeededRandom;
  readonly weather: Weather;
  /** The process died, by a kill or because it must end. Called once. */
  onDead(process: SimProcess): void;
}

const lost: readonly [MemoryFault, ...MemoryFault[]] = ['lost-request', 'lost-answer'];

/** One process: its clock and its connection die with it, at any request or timer. */
export class SimProcess {
  readonly name: string;
  readonly clock: Clock;
  readonly messaging: Messaging;
  readonly random: SeededRandom;
  readonly #crash: () => void;
  readonly #onDead: (process: SimProcess) => void;
  #alive = true;

  constructor(options: SimProcessOptions) {
    const { clock, random, weather } = options;
    this.name = options.name;
    this.random = random;
    this.#onDead = (process) => options.onDead(process);
    this.clock = {
      nowMs: () => clock.nowMs(),
      monotonicMs: () => clock.monotonicMs(),
      after: (delayMs, run) =>
        clock.after(delayMs, () => {
          if (this.#alive) run();
        }),
    };
    const messaging = createMemoryMessaging({
      broker: options.broker,
      network: {
        delayMs: () => {
          if (weather.killOneIn > 0 && random.once(weather.killOneIn)) this.kill();
          return 1 + random.below(weather.delayMaxMs);
        },
        fault: () => (weather.faultOneIn > 0 && random.once(weather.faultOneIn) ? random.pick(lost) : 'none'),
      },
    });
    this.messaging = messaging;
    this.#crash = () => messaging.crash();
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Ends it as `kill -9` does. May be called twice. */
  kill(): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.#crash();
    this.#onDead(this);
  }

  /** It left in order. */
  ended(): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.#onDead(this);
  }
}
