import { afterAll, beforeAll, expect, it } from 'vitest';
import { type LoadCall, startLoad } from '../helpers/chaos-load.ts';
import { type ChaosPlatform, startChaosPlatform } from '../helpers/chaos-platform.ts';
import { beginScene, expectPromisesKept, failuresOf, succeeded } from '../helpers/chaos-promises.ts';

let platform: ChaosPlatform;

beforeAll(async () => {
  platform = await startChaosPlatform({ port: 21_840 });
}, 110_000);

afterAll(async () => {
  await platform.stop();
});

const load = () =>
  startLoad({ ...platform, paths: ['/v1/algo/admin/echo', '/v1/algo/admin/slow?output=void'], callersPerPath: 16 });

/** No broker is back sooner; what was on its way to callers has arrived by then. */
const settledMs = 1_000;

/** From that moment to the first answer that needed the log again. */
const serviceAfter = (calls: readonly LoadCall[], momentMs: number): number => {
  const answered = calls.filter((call) => succeeded(call) && call.endedAtMs > momentMs + settledMs);
  return Math.round(Math.min(...answered.map((call) => call.endedAtMs)) - momentMs);
};

it('a broker that is killed is back within 15 s, and no acknowledged call is lost', async () => {
  const scene = await beginScene(platform.messaging);
  const calls = load();
  await calls.answered(400);
  const under = calls.waiting;
  const killedAtMs = performance.now();
  process.kill(platform.log.pid() ?? 0, 'SIGKILL');
  await calls.answered(600);
  const all = await calls.stop();
  const after = await scene.aftermath();
  const backMs = serviceAfter(all, killedAtMs);
  console.log(
    `broker killed under ${under} calls of ${all.length}: it was down for ${platform.brokerDownMs()} ms, answers again after ${backMs} ms; failures ${JSON.stringify([...failuresOf(all)])}`,
  );
  expectPromisesKept(all, after);
  expect(all.filter((call) => call.status !== 503 && !succeeded(call)).slice(0, 3)).toEqual([]);
  expect(backMs).toBeLessThan(15_000);
  const processes = [platform.control, platform.builder, platform.router, platform.ingress, ...platform.executors];
  const ended = processes.filter((each) => each.pid === undefined).map((each) => JSON.stringify(each.log().slice(-5)));
  expect(ended, 'processes that ended').toEqual([]);
});

it('everything is killed at once and started again: all acknowledged calls are answered', async () => {
  const scene = await beginScene(platform.messaging);
  const calls = load();
  await calls.answered(600);
  const under = calls.waiting;
  const processes = [platform.ingress, platform.router, platform.control, platform.builder, ...platform.executors];
  const killedAtMs = performance.now();
  process.kill(platform.log.pid() ?? 0, 'SIGKILL');
  await Promise.all(processes.map(async (each) => await each.kill()));
  await Promise.all(processes.map(async (each) => await each.start()));
  const startedAtMs = performance.now();
  await calls.answered(400);
  const all = await calls.stop();
  const after = await scene.aftermath();
  const before = all.filter((call) => succeeded(call) && call.endedAtMs < killedAtMs);
  console.log(
    `everything killed under ${under} calls of ${all.length}, ${before.length} acknowledged before it: started again after ${Math.round(startedAtMs - killedAtMs)} ms, answers again after ${serviceAfter(all, killedAtMs)} ms`,
  );
  expectPromisesKept(all, after);
});
