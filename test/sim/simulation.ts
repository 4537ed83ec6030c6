import { createMemoryBroker, type MemoryBroker } from '../../src/messaging/memory/broker.ts';
import type { WorkConsumer } from '../../src/messaging/work.ts';
import { createSeededRandom, type SeededRandom } from '../helpers/seeded-random.ts';
import { createVirtualClock, type VirtualClock } from '../helpers/virtual-clock.ts';
import { Invariants, type Violation } from './invariants.ts';
import { Callers, publish } from './sim-clients.ts';
import { SimProcess, type Weather } from './sim-process.ts';
import { type Pieces, soundPieces, startExecutor, startRouter } from './sim-roles.ts';
import { groups, simTopics } from './sim-topics.ts';

export interface SimulationEnd {
  readonly violations: readonly Violation[];
  /** Timers that fired: interleavings of that many steps. */
  readonly steps: number;
  readonly kills: number;
  readonly accepted: number;
}

const roughMs = 3_000;
/** Longest virtual time in which everything must have come to rest after the rough part. */
const calmMs = 120_000;

interface Seat {
  readonly role: 'router' | 'executor';
  readonly index: number;
  process: SimProcess | null;
  consumer: WorkConsumer | null;
  incarnation: number;
}

/** A platform of routers, executors, callers and publishers whose every chance is drawn from the seed. */
class Simulation {
  readonly #clock: VirtualClock = createVirtualClock();
  readonly #random: SeededRandom;
  readonly #broker: MemoryBroker;
  readonly #invariants: Invariants;
  readonly #pieces: Pieces;
  readonly #weather: Weather = { delayMaxMs: 12, faultOneIn: 40, killOneIn: 1_500 };
  readonly #still: Weather = { delayMaxMs: 4, faultOneIn: 60, killOneIn: 0 };
  readonly #inbox = new Set<string>();
  readonly #seats: Seat[];
  #callers: Callers;
  #kills = 0;
  #steps = 0;
  #busy = 2;

  constructor(seed: number, pieces: Pieces) {
    this.#random = createSeededRandom(seed);
    this.#pieces = pieces;
    this.#broker = createMemoryBroker({ clock: this.#clock, sessionMs: 300, transactionTimeoutMs: 2_000 });
    for (const topic of Object.values(simTopics)) this.#broker.ensureTopic(topic);
    this.#invariants = new Invariants(this.#broker);
    this.#callers = new Callers(this.#newProcess('callers', this.#still));
    const seat = (role: Seat['role'], index: number): Seat => ({
      role,
      index,
      process: null,
      consumer: null,
      incarnation: 0,
    });
    this.#seats = [seat('router', 0), seat('router', 1), seat('executor', 0), seat('executor', 1), seat('executor', 2)];
  }

  async run(): Promise<SimulationEnd> {
    for (const seat of this.#seats) this.#startLater(seat, this.#random.below(200));
    void this.#callers.call(60).then(() => this.#done());
    void publish(this.#newProcess('publishers', this.#still), 60, (id) => this.#inbox.add(id)).then(() => this.#done());
    const startMs = this.#clock.nowMs();
    this.#disturbLater();
    await this.#stepUntil(() => this.#clock.nowMs() > startMs + roughMs);
    Object.assign(this.#weather, { faultOneIn: 0, killOneIn: 0, delayMaxMs: 4 });
    Object.assign(this.#still, { faultOneIn: 0 });
    const endMs = this.#clock.nowMs() + calmMs;
    await this.#stepUntil(() => this.#isAtRest() || this.#clock.nowMs() > endMs);
    if (this.#invariants.violations.length === 0)
      this.#invariants.checkEnd({ inbox: this.#inbox, calls: this.#callers.accepted });
    return {
      violations: this.#invariants.violations,
      steps: this.#steps,
      kills: this.#kills,
      accepted: this.#inbox.size + this.#callers.accepted.size,
    };
  }

  #done(): void {
    this.#busy -= 1;
  }

  #isAtRest(): boolean {
    if (this.#busy > 0) return false;
    return this.#invariants.isComplete({ inbox: this.#inbox, calls: this.#callers.accepted });
  }

  async #stepUntil(isOver: () => boolean): Promise<void> {
    while (this.#invariants.violations.length === 0 && !isOver() && (await this.#clock.step())) {
      this.#steps += 1;
      this.#invariants.check();
    }
  }

  #newProcess(name: string, weather: Weather, onDead: (process: SimProcess) => void = () => {}): SimProcess {
    return new SimProcess({
      name,
      weather,
      broker: this.#broker,
      clock: this.#clock,
      random: createSeededRandom(this.#random.below(1_000_000_000)),
      onDead: (process) => {
        onDead(process);
      },
    });
  }

  #startLater(seat: Seat, delayMs: number): void {
    this.#clock.after(delayMs, () => {
      void this.#start(seat);
    });
  }

  async #start(seat: Seat): Promise<void> {
    seat.incarnation += this.#random.below(2);
    const process = this.#newProcess(`${seat.role}-${seat.index}-${seat.incarnation}`, this.#weather, () => {
      this.#kills += 1;
      seat.process = null;
      seat.consumer = null;
      this.#startLater(seat, 20 + this.#random.below(1_500));
    });
    seat.process = process;
    const consumer =
      seat.role === 'router'
        ? await startRouter(process, this.#pieces)
        : await startExecutor(process, this.#pieces, this.#invariants);
    if (process.alive) seat.consumer = consumer;
  }

  #disturbLater(): void {
    this.#clock.after(20 + this.#random.below(250), () => {
      if (this.#weather.killOneIn === 0) return;
      this.#disturb();
      this.#disturbLater();
    });
  }

  #disturb(): void {
    const seat = this.#seats[this.#random.below(this.#seats.length)];
    if (seat?.process === null || seat?.process === undefined) return;
    const { process, consumer } = seat;
    const kind = this.#random.below(4);
    if (kind === 0) process.kill();
    else if (kind === 1) this.#expelSomeone();
    else if (consumer !== null) {
      seat.consumer = null;
      void consumer.close().then(() => {
        process.ended();
      });
    }
  }

  /** The broker forgets a member that is alive and does not know it yet. */
  #expelSomeone(): void {
    const group = this.#broker.group(this.#random.pick([groups.routers, groups.executors]));
    const member = group.members[this.#random.below(Math.max(1, group.members.length))];
    if (member !== undefined) group.expel(member);
  }
}

/** Runs one seed to its end or to the first broken promise. */
export const simulate = async (seed: number, pieces: Partial<Pieces> = {}): Promise<SimulationEnd> =>
  await new Simulation(seed, { ...soundPieces, ...pieces }).run();
