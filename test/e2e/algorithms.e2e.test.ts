import { beforeAll, describe, expect, inject, it } from 'vitest';
import { type CliRun, createE2eClient, type SourceFiles, withFolder } from '../helpers/e2e-client.ts';
import { sources } from '../helpers/e2e-sources.ts';

const client = createE2eClient(inject('platform'));
const { call } = client;

const resultOf = async (reference: string, body: unknown): Promise<unknown> =>
  ((await call(reference, { body })).json() as { result?: unknown }).result;

const errorOf = async (reference: string, body: unknown): Promise<Record<string, unknown>> =>
  ((await call(reference, { body })).json() as { error: Record<string, unknown> }).error;

const deployFailing = async (files: SourceFiles): Promise<CliRun> =>
  await withFolder(files, async (folder) => await client.cli(['deploy', folder]));

describe('a Python algorithm with the development kit', () => {
  beforeAll(async () => {
    const code = `from Algorithmia import ADK
from Algorithmia.errors import AlgorithmException

from .words import greeting

loads = 0


def load(model_data=None):
    global loads
    loads += 1
    print("loading once")
    return {"greeting": greeting}


def apply(input, state):
    if input == "bad":
        raise AlgorithmException("no such name", None, "InputError")
    if input == "loads":
        return loads
    return state["greeting"] + ", " + input


algorithm = ADK(apply, load)
algorithm.init("world")
`;
    await client.deploy({ ...sources.python('Kit', code), 'src/words.py': 'greeting = "ahoj"\n' });
  });

  it('loads once, imports its own modules, and gets what it loaded', async () => {
    expect(await resultOf('admin/Kit', 'Ada')).toBe('ahoj, Ada');
    expect(await resultOf('admin/Kit', 'Eve')).toBe('ahoj, Eve');
    expect(await resultOf('admin/Kit', 'loads')).toBe(1);
  });

  it('raises with a type of its choice', async () => {
    expect(await errorOf('admin/Kit', 'bad')).toMatchObject({ error_type: 'InputError' });
  });
});

describe('a JavaScript algorithm', () => {
  beforeAll(async () => {
    const callback = `const { getMoonIllumination } = require('suncalc');
const { shout } = require('./shout.js');
exports.apply = (input, done) => {
  if (input === 'throw') throw new TypeError('thrown');
  if (input === 'fail') return done(Object.assign(new Error('refused'), { error_type: 'InputError' }));
  if (input === 'moon') return done(null, { moon: getMoonIllumination(new Date(0)).fraction });
  if (Buffer.isBuffer(input)) return done(null, Buffer.from(input).reverse());
  setTimeout(() => done(null, shout(input)), 1);
};
`;
    const promise = `exports.apply = async (input) => {
  if (input === 'reject') throw new Error('rejected');
  return { got: await Promise.resolve(input) };
};
`;
    const callbackFiles = sources.javascript('Shout', callback, {
      'package.json': JSON.stringify({ name: 'shout', version: '1.0.0', dependencies: { suncalc: '^2.0.2' } }),
      'src/shout.js': 'exports.shout = (text) => String(text).toUpperCase() + "!";\n',
    });
    await Promise.all([client.deploy(callbackFiles), client.deploy(sources.javascript('Promised', promise))]);
  });

  it('answers through a callback, later, with its own module and a package', async () => {
    expect(await resultOf('admin/Shout', 'grüße')).toBe('GRÜSSE!');
    expect(await resultOf('admin/Shout', 'moon')).toEqual({ moon: expect.any(Number) as number });
    expect(await resultOf('admin/Shout', Buffer.from([1, 2, 3]))).toBe(Buffer.from([3, 2, 1]).toString('base64'));
  });

  it('fails through the callback and by throwing', async () => {
    expect(await errorOf('admin/Shout', 'fail')).toMatchObject({ message: 'Error: refused', error_type: 'InputError' });
    expect(await errorOf('admin/Shout', 'throw')).toMatchObject({
      message: 'TypeError: thrown',
      error_type: 'AlgorithmError',
    });
  });

  it('answers with a promise, and fails by its rejection', async () => {
    expect(await resultOf('admin/Promised', [1, null])).toEqual({ got: [1, null] });
    expect(await errorOf('admin/Promised', 'reject')).toMatchObject({ message: 'Error: rejected' });
  });
});

describe('an algorithm that does not load', () => {
  it('answers each call with what it printed and raised', async () => {
    const code =
      'print("looking for the model")\nraise RuntimeError("no model here")\n\n\ndef apply(input):\n    return 1\n';
    await client.deploy(sources.python('Unloadable', code));
    const error = await errorOf('admin/Unloadable', 1);
    expect(error['error_type']).toBe('InitializationError');
    expect(error['message']).toContain('RuntimeError: no model here');
    expect(error['message']).toContain('looking for the model');
  });
});

describe('a build that fails', () => {
  const code = 'def apply(input):\n    return input\n';

  it('shows the command, how it ended, and its last lines', async () => {
    const manifest = 'build:\n  - echo the first line; echo the last line >&2; exit 7\n';
    const run = await deployFailing(sources.python('Unbuilt', code, manifest));
    expect([run.code, run.stdout]).toEqual([1, '']);
    expect(run.stderr).toContain('the first line');
    expect(run.stderr).toContain('the last line');
    expect(run.stderr).toMatch(/error: the build of admin\/Unbuilt at [0-9a-f]{8} failed/);
    expect(run.stderr).toContain('build: `echo the first line; echo the last line >&2; exit 7` exited with code 7');
    expect((await call('admin/Unbuilt', { body: 1 })).status).toBe(404);
  });

  it('shows what is wrong with the dependencies', async () => {
    const files = { ...sources.python('Dependent', code), 'requirements.txt': 'two words\n' };
    const run = await deployFailing(files);
    expect(run.code).toBe(1);
    expect(run.stderr).toContain('failed in dependencies');
    expect(run.stderr).toContain('Invalid requirement');
  });

  it('names the field of millrace.yaml that is wrong', async () => {
    const run = await deployFailing(sources.python('Misspelt', code, 'memory: 3\n'));
    expect(run.code).toBe(1);
    expect(run.stderr).toContain('failed in plan');
    expect(run.stderr).toContain('memory');
  });
});

describe('the tests of an algorithm', () => {
  it('are reported when they fail, and the version is there all the same', async () => {
    const manifest = 'test: echo one test failed; exit 1\n';
    const code = 'def apply(input):\n    return input\n';
    const run = await deployFailing(sources.python('Untested', code, manifest));
    expect(run.code).toBe(0);
    expect(run.stderr).toContain('one test failed');
    expect(run.stderr).toContain('test: failed (reported; the build goes on)');
    expect(await resultOf('admin/Untested', 'x')).toBe('x');
  });
});
