import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type LoadCall, startLoad } from '../helpers/chaos-load.ts';
import { type ChaosPlatform, startChaosPlatform } from '../helpers/chaos-platform.ts';
import type { ChaosProcess } from '../helpers/chaos-process.ts';
import { beginScene, expectPromisesKept, failuresOf, succeeded } from '../helpers/chaos-promises.ts';
import { createSeededRandom } from '../helpers/seeded-random.ts';

const seed = Number(process.env['CHAOS_SEED'] ?? Date.now() % 1_000_000);
const minutes = Number(process.env['CHAOS_MINUTES'] ?? 5);

const [echo, slow] = ['/v1/algo/admin/echo', '/v1/algo/admin/slow'];
const paths = [echo, slow, slow, `${echo}?output=void`];

let platform: ChaosPlatform;

beforeAll(async () => {
  platform = await startChaosPlatform({ port: 21_860 });
}, 110_000);

afterAll(async () => {
  await platform.stop();
});

const processes = () => [platform.control, platform.builder, platform.router, platform.ingress, ...platform.executors];

/** Something that befalls the platform; what was ended runs again when it resolves. */
interface Fault {
  readonly name: string;
  /** The door itself goes: callers' connections break. */
  readonly breaksConnections: boolean;
  befall(pauseMs: number, executor: number): Promise<void>;
}

const killAndStart = (name: 'ingress' | 'router' | 'control' | 'builder'): Fault => ({
  name: `kill -9 of ${name}`,
  breaksConnections: name === 'ingress',
  befall: async (pauseMs) => {
    await platform[name].kill();
    await delay(pauseMs);
    await platform[name].start();
  },
});

const executorAt = (index: number): ChaosProcess => platform.executors[index === 0 ? 0 : 1];

const killBroker = (): void => {
  process.kill(platform.log.pid() ?? 0, 'SIGKILL');
};

const faults: readonly [Fault, ...Fault[]] = [
  killAndStart('ingress'),
  killAndStart('router'),
  killAndStart('control'),
  killAndStart('builder'),
  {
    name: 'kill -9 of an executor',
    breaksConnections: false,
    befall: async (pauseMs, executor) => {
      await executorAt(executor).kill();
      await delay(pauseMs);
      await executorAt(executor).start();
    },
  },
  {
    name: 'an executor leaves and joins',
    breaksConnections: false,
    befall: async (pauseMs, executor) => {
      await executorAt(executor).terminate();
      await delay(pauseMs);
      await executorAt(executor).start();
    },
  },
  {
    name: 'kill -9 of the broker',
    breaksConnections: false,
    befall: async () => {
      const killed = platform.log.pid();
      killBroker();
      while (platform.log.pid() === undefined || platform.log.pid() === killed) await delay(50);
    },
  },
  {
    name: 'kill -9 of the broker and an executor',
    breaksConnections: false,
    befall: async (pauseMs, executor) => {
      killBroker();
      await delay(pauseMs);
      await executorAt(executor).kill();
      await executorAt(executor).start();
    },
  },
  {
    name: 'kill -9 of everything',
    breaksConnections: true,
    befall: async () => {
      killBroker();
      await Promise.all(processes().map(async (each) => await each.kill()));
      await Promise.all(processes().map(async (each) => await each.start()));
    },
  },
];

/** From that moment to the first answer of a call that was sent after it, ms. */
const firstAnswerMs = (calls: readonly LoadCall[], momentMs: number): number => {
  const answered = calls.filter((call) => succeeded(call) && call.sentAtMs > momentMs);
  return Math.round(Math.min(...answered.map((call) => call.endedAtMs)) - momentMs);
};

it('faults that follow each other for minutes cost no acknowledged call, and end no process but those that they kill', async () => {
  const random = createSeededRandom(seed);
  console.log(`seed ${seed}, ${minutes} minutes (CHAOS_SEED, CHAOS_MINUTES)`);
  const endMs = performance.now() + minutes * 60_000;
  let under = 0;
  for (let round = 1; performance.now() < endMs; round += 1) {
    const fault = random.pick(faults);
    const [waitMs, pauseMs, executor] = [random.below(1_500), random.below(2_000), random.pick([0, 1])];
    const scene = await beginScene(platform.messaging);
    console.log(`${round}. ${fault.name}, ${waitMs} ms into the load, pause ${pauseMs} ms, executor ${executor}`);
    const load = startLoad({ ...platform, paths, callersPerPath: 32 / paths.length });
    await load.answered(100);
    await delay(waitMs);
    under += load.waiting;
    const momentMs = performance.now();
    await fault.befall(pauseMs, executor);
    const whole = performance.now();
    await load.answered(300);
    const calls = await load.stop();
    const after = await scene.aftermath();
    const failures = [...failuresOf(calls)];
    console.log(
      `under ${calls.length} calls: whole again after ${Math.round(whole - momentMs)} ms, first answer ${firstAnswerMs(calls, momentMs)} ms after the fault, ${firstAnswerMs(calls, whole)} ms after that; failures ${JSON.stringify(failures)}`,
    );
    expectPromisesKept(calls, after);
    expect(after.dead.length, 'requests that were parked').toBe(0);
    const strange = calls.filter(
      ({ status }) => status !== 200 && status !== 503 && !(status === null && fault.breaksConnections),
    );
    expect(strange.slice(0, 3), 'calls that ended in another way').toEqual([]);
    const ended = processes().filter((each) => each.pid === undefined);
    expect(ended.map((each) => [each.name, each.log().slice(-3)])).toEqual([]);
    expect(firstAnswerMs(calls, whole), 'first answer once all run again, ms').toBeLessThan(5_000);
  }
  console.log(`${under} calls were under way when a fault befell them`);
});
