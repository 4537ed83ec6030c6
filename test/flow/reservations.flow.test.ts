import { afterEach, expect, it } from 'vitest';
import { type ExecutorScenario, openExecutorScenario, until } from '../helpers/executor-scenario.ts';

const files = { 'src/work.py': 'def apply(input): return input', 'algorithmia.conf': '{"algoname":"work"}' };
let scenario: ExecutorScenario;

afterEach(async () => {
  await scenario.close();
  expect(scenario.failures).toEqual([]);
});

it('reserved sandboxes are warm before anybody calls, stay so, and end with their reservation', async () => {
  scenario = await openExecutorScenario('bubblewrap', { MILLRACE_IDLE_EXPIRY_S: 1 });
  const deployed = await scenario.deploy(files);
  const key = `${deployed.algorithmId}@${deployed.build.hash}`;
  const executor = await scenario.startExecutor();
  await scenario.reserve(deployed, 2);
  await until(() => executor.presence().warm[key] === 2);
  const { result } = await scenario.call(deployed, '1');
  expect([result.status, result.cold]).toEqual(['succeeded', false]);
  const other = await scenario.deploy(files);
  await scenario.call(other, '1');
  // The other one's, which nobody reserved, ends of idleness.
  await until(async () => (await scenario.sandboxes()).length === 2);
  expect(executor.presence().warm).toEqual({ [key]: 2 });
  await scenario.reserve(deployed, 0);
  await until(async () => (await scenario.sandboxes()).length === 0);
});
