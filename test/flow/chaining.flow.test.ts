import { afterEach, describe, expect, it } from 'vitest';
import type { ExecutorsConfig } from '../../src/executors/config.ts';
import { headerNames, headerText } from '../../src/kernel/contracts/envelope.ts';
import { annsKey } from '../helpers/chain-ingress.ts';
import { type Deployed, type ExecutorScenario, openExecutorScenario, until } from '../helpers/executor-scenario.ts';

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

/** Does as it is told, beside calling. */
const probe = {
  'src/probe.py': `
import json, os, threading, time, urllib.error, urllib.request
from concurrent.futures import ThreadPoolExecutor
import Algorithmia
client = Algorithmia.client()

def post(reference, value, headers={}):
    url = os.environ["ALGORITHMIA_API"] + "/v1/algo/" + reference
    request = urllib.request.Request(url, json.dumps(value).encode(), {"Content-Type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request) as response:
            return json.loads(response.read())
    except urllib.error.HTTPError as error:
        return {"status": error.code, **json.loads(error.read())}

def apply(input):
    todo = input["do"]
    if todo == "raw":
        return post(input["to"], input["with"], input.get("headers", {}))
    if todo == "pipe":
        return client.algo(input["to"]).pipe(input["with"]).result
    if todo == "parallel":
        with ThreadPoolExecutor(input["count"]) as threads:
            return list(threads.map(lambda n: post(input["to"], {"do": "wait", "seconds": input["seconds"]}), range(input["count"])))
    if todo == "wait":
        time.sleep(input["seconds"])
        return "waited"
    if todo == "fail":
        error = Exception("on purpose")
        error.error_type = "InputError"
        raise error
    if todo == "leave":
        def later():
            time.sleep(input["seconds"])
            post(input["to"], {"do": "wait", "seconds": 0})
        threading.Thread(target=later).start()
        return started
    if todo == "stale":
        return post(input["to"], {"do": "wait", "seconds": 0}, {"X-Millrace-Run": "7"})
    return started

started = str(time.time_ns())
`,
  'algorithmia.conf': '{"algoname":"probe"}',
};

/** A sandbox that takes 110 MiB. */
const heavy = { 'src/link.py': `kept = bytearray(100 << 20)\n${pythonLink['src/link.py']}` };

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
  /** What a call made, and what that made. */
  const treeOf = async (id: string): Promise<unknown> => {
    const response = await fetch(`${address}/v1/requests/${id}/calls`, { headers: { authorization: annsKey } });
    return await response.json();
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

  it('are made for the caller of the call that makes them, in its tree and its trace', async () => {
    await open();
    const [outer, inner] = [
      await scenario.deploy(probe, { name: 'Outer' }),
      await scenario.deploy(probe, { name: 'Inner' }),
    ];
    const to = referenceOf('Inner', inner);
    expect(await call(referenceOf('Outer', outer), { do: 'raw', to, with: { do: 'wait', seconds: 0 } })).toMatchObject({
      result: { result: 'waited', metadata: { content_type: 'text' } },
    });
    await until(() => scenario.answers.length === 2);
    const answers = scenario.answers.map(({ id, result }) => ({ id, ...result }));
    const [child, parent] = (['child', 'rest'] as const).map((from) => answers.find(({ origin }) => origin === from));
    expect(parent).toMatchObject({ origin: 'rest', parent: null, session: parent?.id, algorithm: 'ann/Outer' });
    expect(child).toMatchObject({
      origin: 'child',
      parent: parent?.id,
      session: parent?.id,
      algorithm: 'ann/Inner',
      account: 'ann',
      keyId: 'key',
    });
    const root = `ann/Outer@${outer.build.hash.slice(0, 12)}`;
    expect(await treeOf(parent?.id ?? '')).toMatchObject({
      session: parent?.id,
      root,
      calls: [{ request_id: child?.id, parent: parent?.id, algorithm: 'ann/Inner', state: 'succeeded' }],
    });
    const uuid = String(parent?.id).replaceAll(/^req-|-/g, '');
    const headers = scenario.nested.flatMap((record) => record.headers);
    expect(headerText(headers, headerNames.traceparent)).toBe(`00-${uuid}-${uuid.slice(0, 16)}-01`);
    expect(headerText(headers, headerNames.chain)).toBe(root);
  });

  it('end as errors of the client with the type that the callee raised', async () => {
    await open();
    const deployed = await scenario.deploy(probe, { name: 'Probe' });
    const to = referenceOf('Probe', deployed);
    expect((await call(to, { do: 'pipe', to, with: { do: 'fail' } })).error).toMatchObject({
      error_type: 'InputError',
    });
  });

  it('run side by side, 24 at most', async () => {
    await open({ MILLRACE_SLOTS: 4 });
    const deployed = await scenario.deploy(probe, { name: 'Probe', run: { processes: 128 } });
    const to = referenceOf('Probe', deployed);
    const four = await call(to, { do: 'parallel', to, count: 4, seconds: 0.3 });
    expect(four.result).toEqual(
      Array.from({ length: 4 }, () => expect.objectContaining({ result: 'waited' }) as Answer),
    );
    const answered = await call(to, { do: 'parallel', to, count: 27, seconds: 0.3 });
    expect(answered.error).toBeUndefined();
    const many = answered.result as Answer[];
    const refused = many.filter(({ error }) => error !== undefined);
    expect(refused).toHaveLength(3);
    expect(refused[0]).toMatchObject({
      status: 429,
      error: { message: 'This call waits for 24 calls that it made, the most that it may at once.' },
    });
  });

  it('are refused where pipeline_enabled is off', async () => {
    await open();
    const deployed = await scenario.deploy(probe, { name: 'Closed', pipelineEnabled: false });
    const to = referenceOf('Closed', deployed);
    expect((await call(to, { do: 'raw', to, with: 1 })).result).toEqual({
      status: 403,
      error: { message: 'ann/Closed may not call other algorithms: its setting pipeline_enabled is off' },
    });
  });

  it('fail instead of waiting for each other when no memory is left for one more sandbox', async () => {
    await open({ MILLRACE_EXECUTOR_MEMORY_MB: 300 });
    const references: string[] = [];
    for (const name of ['One', 'Two', 'Three']) {
      const run = { memoryBytes: 128 * 1024 * 1024 };
      references.push(referenceOf(name, await scenario.deploy({ ...pythonLink, ...heavy }, { name, run })));
    }
    const [first = '', ...others] = references;
    expect((await call(first, others)).error?.message).toContain(
      'There is no memory for one more sandbox while 2 wait',
    );
  });

  it('of a call that is over are refused, and its sandbox ends', async () => {
    await open();
    const deployed = await scenario.deploy(probe, { name: 'Probe' });
    const to = referenceOf('Probe', deployed);
    const left = await call(to, { do: 'leave', to, seconds: 0.2 });
    await until(async () => (await scenario.sandboxes()).length === 0);
    expect(scenario.nested).toEqual([]);
    expect((await call(to, { do: 'started' })).result).not.toBe(left.result);
  });

  it('that say they are of another run are refused, and the sandbox runs nothing more', async () => {
    await open();
    const deployed = await scenario.deploy(probe, { name: 'Probe' });
    const to = referenceOf('Probe', deployed);
    const before = await call(to, { do: 'started' });
    expect((await call(to, { do: 'stale', to })).result).toMatchObject({ status: 409 });
    expect(scenario.nested).toEqual([]);
    expect((await call(to, { do: 'started' })).result).not.toBe(before.result);
  });

  it('cannot bring a token of their own', async () => {
    await open();
    const deployed = await scenario.deploy(probe, { name: 'Probe' });
    const to = referenceOf('Probe', deployed);
    const headers = { Authorization: 'Run forged', Traceparent: `00-${'1'.repeat(32)}-${'1'.repeat(16)}-01` };
    expect((await call(to, { do: 'raw', to, with: { do: 'wait', seconds: 0 }, headers })).result).toMatchObject({
      result: 'waited',
    });
    expect(headerText(scenario.nested[0]?.headers ?? [], headerNames.traceparent)).not.toContain('1'.repeat(32));
  });

  it('go to the host of the call that makes them, while that one keeps up', async () => {
    await open({ MILLRACE_SLOTS: 4 }, 2);
    const [outer, inner] = [
      await scenario.deploy(probe, { name: 'Outer' }),
      await scenario.deploy(probe, { name: 'Inner' }),
    ];
    const to = referenceOf('Inner', inner);
    const todo = { do: 'pipe', to, with: { do: 'wait', seconds: 0 } };
    for (let round = 0; round < 6; round += 1) await call(referenceOf('Outer', outer), todo);
    await until(() => scenario.answers.length === 12);
    const hosts = new Map(scenario.answers.map(({ id, result }) => [id, result.executor]));
    const nested = scenario.answers.flatMap(({ result }) => (result.origin === 'child' ? [result] : []));
    expect(nested.map(({ executor }) => executor)).toEqual(nested.map(({ parent }) => hosts.get(parent ?? '')));
  });
});
