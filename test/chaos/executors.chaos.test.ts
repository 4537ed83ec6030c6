import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { deadNames, headerText } from '../../src/kernel/contracts/envelope.ts';
import { type LoadCall, startLoad } from '../helpers/chaos-load.ts';
import { type ChaosPlatform, startChaosPlatform } from '../helpers/chaos-platform.ts';
import { beginScene, countById, expectPromisesKept, failuresOf, succeeded } from '../helpers/chaos-promises.ts';
import { longestStall, partitionsServedBy, recoveryOf } from '../helpers/chaos-recovery.ts';

let platform: ChaosPlatform;

beforeAll(async () => {
  platform = await startChaosPlatform({ port: 21_800 });
}, 110_000);

afterAll(async () => {
  await platform.stop();
});

const load = () =>
  startLoad({ ...platform, paths: ['/v1/algo/admin/echo', '/v1/algo/admin/slow'], callersPerPath: 16 });

it('an executor that is killed costs no call, and its lanes are answered again within 5 s', async () => {
  const scene = await beginScene(platform.messaging);
  const [victim] = platform.executors;
  const calls = load();
  await calls.answered(400);
  const pid = victim.pid ?? 0;
  const under = calls.waiting;
  const killedAtMs = performance.now();
  await victim.kill();
  await calls.answered(200);
  await victim.start();
  await calls.answered(400);
  const all = await calls.stop();
  const after = await scene.aftermath();
  const recovery = recoveryOf(all, after, { killedAtMs, pid });
  console.log(
    `executor killed under ${under} calls of ${all.length}: its ${recovery.partitions} partitions answered again after ${recovery.firstMs} to ${recovery.lastMs} ms`,
  );
  expectPromisesKept(all, after);
  expect([...failuresOf(all)]).toEqual([]);
  expect(recovery.partitions).toBeGreaterThan(0);
  expect(recovery.lastMs).toBeLessThan(5_000);
});

const openedCarefully = (): number =>
  platform.executors.flatMap((each) => each.log()).filter((line) => line['event'] === 'partition.opened-carefully')
    .length;

it('an executor that leaves and one that joins cost no call, and other lanes stall for 1 s at most', async () => {
  const scene = await beginScene(platform.messaging);
  const [leaving, staying] = platform.executors;
  const carefulBefore = openedCarefully();
  const calls = load();
  await calls.answered(300);
  const quietFromMs = performance.now();
  await calls.answered(400);
  const stayingPid = staying.pid ?? 0;
  const leftAtMs = performance.now();
  const under = calls.waiting;
  await leaving.terminate();
  const goneAtMs = performance.now();
  await calls.answered(400);
  const joinedAtMs = performance.now();
  await leaving.start();
  await calls.answered(400);
  const settledAtMs = performance.now();
  const all = await calls.stop();
  const after = await scene.aftermath();
  const untouched = partitionsServedBy(all, after, { pid: stayingPid, fromMs: 0, toMs: leftAtMs });
  const quietStall = longestStall(all, after, { partitions: untouched, fromMs: quietFromMs, toMs: leftAtMs });
  const leavingStall = longestStall(all, after, { partitions: untouched, fromMs: leftAtMs, toMs: goneAtMs + 1_000 });
  const kept = partitionsServedBy(all, after, { pid: stayingPid, fromMs: settledAtMs - 200, toMs: Infinity });
  const joiningStall = longestStall(all, after, { partitions: kept, fromMs: joinedAtMs, toMs: settledAtMs });
  console.log(
    `executor left under ${under} calls of ${all.length} in ${Math.round(goneAtMs - leftAtMs)} ms; lanes of the other stalled ${leavingStall} ms while it left, ${joiningStall} ms while it joined, ${quietStall} ms before`,
  );
  expectPromisesKept(all, after);
  expect([...failuresOf(all)]).toEqual([]);
  expect(untouched.size, 'lanes of the executor that stays').toBeGreaterThan(0);
  expect(kept.size, 'lanes that it keeps').toBeGreaterThan(0);
  expect(leavingStall).toBeLessThan(1_000);
  expect(joiningStall).toBeLessThan(1_000);
  const lost = leaving.log().filter((line) => line['event'] === 'group.member.lost');
  expect(lost, 'what an executor that left in order says').toEqual([]);
  expect(openedCarefully(), 'partitions whose owner seemed to have died').toBe(carefulBefore);
});

const post = async (id: string): Promise<Pick<LoadCall, 'status' | 'text' | 'requestId'>> => {
  const response = await platform.api('POST', '/v1/algo/admin/echo', { body: { id } });
  return { status: response.status, requestId: response.headers.get('x-request-id'), text: await response.text() };
};

it('a request that kills its executor twice is parked and answered, and no other request with it', async () => {
  const marker = 'poison-that-kills';
  const scene = await beginScene(platform.messaging);
  const fragile = platform.prepare('fragile', join(import.meta.dirname, '../fixtures/fragile-executor.ts'), [marker]);
  await Promise.all(platform.executors.map(async (each) => await each.terminate()));
  await fragile.start();
  const calls = load();
  await calls.answered(100);
  const under = calls.waiting;
  const answer = post(marker);
  let deaths = 0;
  const answered = answer.then(() => true);
  while (!(await Promise.race([fragile.ended().then(() => false), answered]))) {
    deaths += 1;
    await fragile.start();
  }
  const { status, text, requestId } = await answer;
  await calls.answered(100);
  const all = await calls.stop();
  const after = await scene.aftermath();
  await fragile.terminate();
  await Promise.all(platform.executors.map(async (each) => await each.start()));
  console.log(`a poisonous request under ${under} calls of ${all.length} killed its executor ${deaths} times: ${text}`);
  expectPromisesKept(all, after);
  // While the only executor starts again, the door says so.
  expect(all.filter((call) => !succeeded(call) && !call.text.includes('no executor of pool cpu is alive'))).toEqual([]);
  expect(status).toBe(200);
  expect(text).toContain('executors ended 2 times');
  expect(countById(after.results).get(requestId ?? '')).toBe(1);
  expect(after.dead.map((record) => headerText(record.headers, deadNames.code))).toEqual(['EXECUTOR_POISON']);
  // Once unmarked among others, then twice alone.
  expect(deaths).toBeLessThanOrEqual(3);
});
