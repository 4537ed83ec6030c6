import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cloudEventNames, headerText } from '../../src/kernel/contracts/envelope.ts';
import { limits } from '../../src/kernel/limits.ts';
import { repliesPartitions } from '../../src/kernel/topics.ts';
import {
  type Answered,
  type Deployed,
  type ExecutorScenario,
  openExecutorScenario,
  until,
} from '../helpers/executor-scenario.ts';

/** Does as its input says. */
const work = `
import os, sys, time
calls = 0

class Refused(Exception):
    error_type = "InputError"

class Strange(Exception):
    error_type = "SomethingStrange"

def apply(input):
    global calls
    calls += 1
    if not isinstance(input, dict):
        return input
    todo = input["do"]
    if todo == "count":
        return {"pid": os.getpid(), "started": started, "calls": calls}
    if todo == "print":
        print("to stdout")
        print("to stderr", file=sys.stderr)
        return None
    if todo == "sleep":
        time.sleep(input["seconds"])
        return "slept"
    if todo == "exit":
        os._exit(input["code"])
    if todo == "refuse":
        raise Refused("not this")
    if todo == "strange":
        raise Strange("odd")
    if todo == "large":
        return "x" * input["bytes"]
    if todo == "report":
        import json, urllib.error, urllib.request
        base = os.environ["ALGORITHMIA_API"]
        def post(path, value):
            try:
                with urllib.request.urlopen(base + path, json.dumps(value).encode()) as response:
                    return response.status
            except urllib.error.HTTPError as error:
                return error.code
        return [post("/v1/insights", input["insights"]), post("/v1/algo/ann/other", 1)]
    if todo == "binary":
        return bytes(range(256))

started = time.time_ns()
`;
const workFiles = { 'src/work.py': work, 'algorithmia.conf': '{"algoname":"work"}' };

const timedOut = 'Failed to run algorithm - may have timed-out or hit out-of-memory error';
const textOf = (body: Buffer | null): string => body?.toString('utf8') ?? '';
/** What the input "count" is answered with. */
interface Count {
  readonly pid: number;
  readonly started: number;
  readonly calls: number;
}
const countOf = ({ result }: Answered): Count => JSON.parse(textOf(result.body)) as Count;
const ask = (todo: string, more: object = {}): string => JSON.stringify({ do: todo, ...more });

describe('an executor with real sandboxes', () => {
  let scenario: ExecutorScenario;
  let deployed: Deployed;

  beforeAll(async () => {
    scenario = await openExecutorScenario('bubblewrap');
    deployed = await scenario.deploy(workFiles);
    await scenario.startExecutor();
  });
  afterAll(async () => {
    await scenario.close();
    expect(scenario.failures).toEqual([]);
  });

  it('runs a request and publishes its result, with stage times, and an insight', async () => {
    const { id, partition, result } = await scenario.call(deployed, ask('nothing'));
    expect(textOf(result.body)).toBe('null');
    expect(result).toMatchObject({
      status: 'succeeded',
      error: null,
      contentType: 'json',
      account: 'ann',
      build: deployed.build.hash,
    });
    expect(partition).toBeGreaterThanOrEqual(repliesPartitions);
    expect(result.startedAtMs).toBeGreaterThanOrEqual(result.acceptedAtMs);
    expect(result.finishedAtMs).toBeGreaterThanOrEqual(result.startedAtMs);
    await until(() => scenario.insights.some((each) => each.requestId === id));
    expect(scenario.insights.find((each) => each.requestId === id)).toMatchObject({
      status: 'succeeded',
      account: 'ann',
    });
  });

  it('hands bodies through as they are, whatever their type', async () => {
    expect(textOf((await scenario.call(deployed, '[1, 2.50,"ä"]')).result.body)).toBe('[1,2.5,"\\u00e4"]');
    const text = (await scenario.call(deployed, 'ä "quoted"\nline', { contentType: 'text' })).result;
    expect([text.contentType, textOf(text.body)]).toEqual(['text', 'ä "quoted"\nline']);
    const bytes = Buffer.from([0, 1, 2, 254, 255]);
    const binary = (await scenario.call(deployed, bytes, { contentType: 'binary' })).result;
    expect([binary.contentType, binary.body]).toEqual(['binary', bytes]);
  });

  it('answers on the partition that a waiting replica chose', async () => {
    expect((await scenario.call(deployed, '1', { replyPartition: 2 })).partition).toBe(2);
  });

  it('keeps a sandbox for later calls of the same account', async () => {
    const first = countOf(await scenario.call(deployed, ask('count')));
    const again = await scenario.call(deployed, ask('count'));
    expect(countOf(again)).toEqual({ ...first, calls: first.calls + 1 });
    expect(again.result.cold).toBe(false);
  });

  it('never lets two accounts share a sandbox', async () => {
    const ann = countOf(await scenario.call(deployed, ask('count')));
    const answer = await scenario.call(deployed, ask('count'), { account: 'bob' });
    const bob = countOf(answer);
    expect(answer.result.cold).toBe(true);
    expect(bob.calls).toBe(1);
    expect(bob.started).not.toBe(ann.started);
  });

  it('lets accounts share a sandbox where the build says so', async () => {
    const shared = await scenario.deploy(workFiles, { run: { isolation: 'shared' } });
    const ann = countOf(await scenario.call(shared, ask('count')));
    const bob = countOf(await scenario.call(shared, ask('count'), { account: 'bob' }));
    expect(bob.started).toBe(ann.started);
  });

  it('gives up a call that takes longer than its deadline, and runs the next one', async () => {
    const { result } = await scenario.call(deployed, ask('sleep', { seconds: 30 }), {
      deadlineMs: scenario.clock.nowMs() + 700,
    });
    expect(result).toMatchObject({
      status: 'timeout',
      error: { message: timedOut, errorType: 'TimeoutError', stacktrace: null },
    });
    expect(textOf((await scenario.call(deployed, '7')).result.body)).toBe('7');
  });

  it('does not run a request whose deadline has passed', async () => {
    const { result } = await scenario.call(deployed, ask('count'), { deadlineMs: scenario.clock.nowMs() - 1 });
    expect(result).toMatchObject({
      status: 'timeout',
      durationS: 0,
      error: { message: timedOut, errorType: 'TimeoutError' },
    });
  });

  it('answers a crash of the algorithm and runs the next call in a fresh sandbox', async () => {
    const { result } = await scenario.call(deployed, ask('exit', { code: 3 }));
    expect(result).toMatchObject({
      status: 'failed',
      error: { message: 'exited with code 3', errorType: 'SystemExit' },
    });
    expect(countOf(await scenario.call(deployed, ask('count'))).calls).toBe(1);
  });

  it('passes on the error types that algorithms may raise, and makes others AlgorithmError', async () => {
    const refused = (await scenario.call(deployed, ask('refuse'))).result.error;
    expect(refused).toMatchObject({ message: 'not this', errorType: 'InputError' });
    expect(refused?.stacktrace).toContain('Refused');
    expect((await scenario.call(deployed, ask('strange'))).result.error).toMatchObject({ errorType: 'AlgorithmError' });
  });

  it('tells every caller why an algorithm does not load, without loading it for each', async () => {
    const broken = await scenario.deploy({ ...workFiles, 'src/work.py': 'raise RuntimeError("no model here")' });
    const answers = await Promise.all([1, 2, 3].map(async () => await scenario.call(broken, '1')));
    for (const { result } of answers) {
      expect(result).toMatchObject({ status: 'failed', error: { errorType: 'InitializationError' } });
      expect(result.error?.message).toContain('no model here');
    }
  });

  it('drops a later copy of the same id and attempt', async () => {
    const id = await scenario.send(deployed, ask('count'));
    await scenario.answerOf(id);
    await scenario.send(deployed, ask('count'), { id });
    await scenario.call(deployed, ask('count'));
    expect(scenario.answers.filter((each) => each.id === id)).toHaveLength(1);
    await scenario.send(deployed, ask('count'), { id, attempt: 2 });
    await until(() => scenario.answers.filter((each) => each.id === id).length === 2);
  });

  it('publishes what a run wrote, and returns it where the caller asked for it', async () => {
    const { id, result } = await scenario.call(deployed, ask('print'), { wantsStdout: true });
    expect(result.stdout).toContain('to stdout\n');
    await until(() => scenario.logLines.some((each) => each.subjectId === id));
    const line = scenario.logLines.find((each) => each.subjectId === id);
    expect(line?.text).toContain('to stderr\n');
    expect((await scenario.call(deployed, ask('print'))).result.stdout).toBe(null);
  });

  it('adds what an algorithm reports to the insight of its run, and to no other', async () => {
    const insights = [{ insight_key: 'accuracy', insight_value: 0.97 }];
    const { id, result } = await scenario.call(deployed, ask('report', { insights }));
    expect(textOf(result.body)).toBe('[200,501]');
    const next = await scenario.call(deployed, '1');
    const metricsOf = (request: string) => scenario.insights.find((each) => each.requestId === request)?.metrics;
    await until(() => metricsOf(next.id) !== undefined);
    expect(metricsOf(id)).toEqual({ accuracy: 0.97 });
    expect(metricsOf(next.id)).toEqual({});
    const wrong = await scenario.call(
      deployed,
      ask('report', { insights: [{ insight_key: 'timestamp', insight_value: 1 }] }),
    );
    expect(textOf(wrong.result.body)).toBe('[400,501]');
  });

  it('takes and gives large bodies by reference', async () => {
    const bytes = limits.inlineBodyBytes + 1_000;
    const given = await scenario.call(deployed, JSON.stringify('y'.repeat(bytes)));
    expect(given.result.body).toBe(null);
    expect(textOf(await scenario.claimCheck.get(given.result))).toHaveLength(bytes);
    const large = await scenario.call(deployed, ask('large', { bytes: limits.resultBodyBytes + 1 }));
    expect(large.result).toMatchObject({ status: 'failed', error: { errorType: 'TooLargeError' } });
  });

  it('replies to an account on its own topic with CloudEvents headers', async () => {
    const ok = await scenario.call(deployed, '5', { replyAccount: 'ann', causation: 'order-5' });
    const bad = await scenario.call(deployed, ask('refuse'), { replyAccount: 'ann' });
    await until(() => scenario.replies.length === 2);
    const replyOf = (id: string) =>
      scenario.replies.find((each) => headerText(each.headers, cloudEventNames.id) === id);
    const good = replyOf(ok.id);
    expect(textOf(good?.value ?? null)).toBe('5');
    expect(headerText(good?.headers ?? [], cloudEventNames.causationId)).toBe('order-5');
    expect(headerText(good?.headers ?? [], cloudEventNames.type)).toBe('millrace.result.succeeded');
    const failed = replyOf(bad.id);
    expect(JSON.parse(textOf(failed?.value ?? null))).toEqual({
      error: { message: 'not this', error_type: 'InputError' },
    });
    expect(headerText(failed?.headers ?? [], cloudEventNames.type)).toBe('millrace.result.failed');
  });

  it('fails a request for a build that nobody knows', async () => {
    const unknown = { ...deployed, build: { ...deployed.build, hash: 'f'.repeat(40) } };
    expect((await scenario.call(unknown, '1')).result).toMatchObject({
      status: 'failed',
      error: { errorType: 'SystemError' },
    });
  });

  it('parks what it cannot read and goes on', async () => {
    const first = scenario.dead.length;
    await scenario.appendRaw(Buffer.from('rubbish'), 'req-00000000-0000-4000-8000-000000000001' as never);
    await until(() => scenario.dead.length > first);
    expect(headerText(scenario.dead.at(-1)?.headers ?? [], 'dead.code')).toBe('MESSAGING_UNDECODABLE');
    expect(textOf((await scenario.call(deployed, '9')).result.body)).toBe('9');
  });

  it('runs JavaScript, and finds the dependencies of both languages', async () => {
    const python = await scenario.deploy(
      {
        'src/work.py': 'import greeting\ndef apply(input):\n    return greeting.text',
        'algorithmia.conf': '{"algoname":"work"}',
      },
      { dependencies: { 'greeting.py': 'text = "from a layer"' } },
    );
    expect(textOf((await scenario.call(python, '1')).result.body)).toBe('from a layer');
    const javascript = await scenario.deploy(
      {
        'src/work.js': 'const greeting = require("greeting");\nexports.apply = (input) => greeting + input;',
        'node_modules/.keep': '',
      },
      { environment: 'javascript', dependencies: { 'greeting/index.js': 'module.exports = "hello ";' } },
    );
    expect(textOf((await scenario.call(javascript, '"you"')).result.body)).toBe('hello you');
  });

  it('answers every one of many calls exactly once', async () => {
    const ids = await Promise.all(
      Array.from({ length: 200 }, async (_, each) => await scenario.send(deployed, String(each))),
    );
    const answered = await Promise.all(ids.map(async (id) => await scenario.answerOf(id)));
    expect(answered.map(({ result }) => textOf(result.body))).toEqual(ids.map((_, each) => String(each)));
    expect(new Set(scenario.answers.map(({ id }) => id)).size).toBe(scenario.answers.length - 1);
  });

  it('finishes what runs and leaves the rest to others when it stops', async () => {
    const second = await openExecutorScenario('bubblewrap', { MILLRACE_SLOTS: 1 });
    const slow = await second.deploy(workFiles);
    const first = await second.startExecutor();
    await second.call(slow, '0');
    const ids = [
      await second.send(slow, ask('sleep', { seconds: 0.5 })),
      await second.send(slow, '1'),
      await second.send(slow, '2'),
    ];
    await until(() => first.presence().busy === 1);
    await first.stop();
    expect(first.ready()).toBe(false);
    expect(second.answers.map(({ id }) => id)).toContain(ids[0]);
    await second.startExecutor();
    await Promise.all(ids.map(async (id) => await second.answerOf(id)));
    expect(second.answers).toHaveLength(4);
    await second.close();
  });
});
