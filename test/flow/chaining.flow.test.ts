import { afterEach, describe, expect, it } from 'vitest';
import type { ExecutorsConfig } from '../../src/executors/config.ts';
import { annsKey } from '../helpers/chain-ingress.ts';
import { type Deployed, type ExecutorScenario, openExecutorScenario } from '../helpers/executor-scenario.ts';

/** Calls the first of the references that it is given with the others; the last one answers. */
const pythonLink = {
  'src/link.py': `
import Algorithmia
client = Algorithmia.client()
def apply(references):
    if not references:
        return ["end"]
    return [references[0]] + client.algo(references[0]).pipe(references[1:]).result
`,
  'algorithmia.conf': '{"algoname":"link"}',
};
const javascriptLink = {
  'src/link.js': `
const algorithmia = require('algorithmia');
exports.apply = async ([next, ...others]) => {
  if (next === undefined) return ['end'];
  const answer = await algorithmia.client().algo(next).pipe(others);
  return [next, ...answer.get()];
};
`,
  'algorithmia.conf': '{"algoname":"link"}',
};

interface Answer {
  readonly result?: unknown;
  readonly error?: { readonly message: string; readonly error_type?: string };
}

describe('calls that running calls make', () => {
  let scenario: ExecutorScenario;
  let address: string;
  const open = async (config: Partial<ExecutorsConfig> = {}, executors = 1): Promise<void> => {
    scenario = await openExecutorScenario('bubblewrap', config);
    for (let each = 0; each < executors; each += 1) await scenario.startExecutor();
    address = await scenario.startIngress();
  };
  const referenceOf = (name: string, { build }: Deployed): string => `ann/${name}/${build.hash}`;
  const call = async (reference: string, body: unknown, query = ''): Promise<Answer> => {
    const response = await fetch(`${address}/v1/algo/${reference}${query}`, {
      method: 'POST',
      headers: { authorization: `Simple ${annsKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return (await response.json()) as Answer;
  };
  afterEach(async () => {
    await scenario.close();
    expect(scenario.failures).toEqual([]);
  });

  it.each([
    ['python3', pythonLink],
    ['javascript', javascriptLink],
  ])('go five deep in a pool of two slots, in %s', async (environment, files) => {
    await open({ MILLRACE_SLOTS: 2 });
    const references: string[] = [];
    for (const name of ['One', 'Two', 'Three', 'Four', 'Five']) {
      references.push(referenceOf(name, await scenario.deploy(files, { environment, name })));
    }
    const [first = '', ...others] = references;
    expect(await call(first, others, '?timeout=20')).toMatchObject({ result: [...others, 'end'] });
  });
});
