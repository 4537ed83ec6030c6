import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseLock } from '../../src/builder/core/lock.ts';
import { type BuilderScenario, openBuilderScenario } from '../helpers/builder-scenario.ts';

/** Real packages from the machine's own sources, installed by a builder whose stores are empty. */

let builder: BuilderScenario;

beforeAll(async () => {
  builder = await openBuilderScenario();
});

afterAll(async () => {
  await builder.close();
});

const source = { 'src/tool.py': 'def apply(input):\n    return input\n', 'src/__init__.py': '' };

const manifestOf = (packages: readonly string[], test: string): string =>
  JSON.stringify({ packages, test, test_gate: true });

const connecting = `
import psycopg2
import psycopg2._psycopg as native

try:
    psycopg2.connect("host=127.0.0.1 port=1 connect_timeout=2")
except psycopg2.OperationalError as error:
    assert "Connection refused" in str(error), error
print(native.__file__, "with libpq", psycopg2.__libpq_version__)
`;

const psycopg = {
  ...source,
  'src/check.py': connecting,
  'requirements.txt': 'psycopg2==2.9.10\n',
  'millrace.yaml': manifestOf(['libpq-dev'], 'python3 -m src.check'),
};

const drawing = `
import cv2
import numpy

image = numpy.zeros((64, 64, 3), numpy.uint8)
cv2.circle(image, (32, 32), 16, (0, 255, 0), -1)
grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
found, _ = cv2.findContours(grey, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
png = cv2.imencode(".png", image)[1]
assert cv2.imdecode(png, cv2.IMREAD_COLOR).shape == (64, 64, 3)
print(len(found), "contour of about", round(cv2.contourArea(found[0])), "pixels")
`;

describe('system packages', () => {
  test('are seen by the algorithm that names them, and by no other', async () => {
    const greeting = await builder.build({ ...source, 'millrace.yaml': manifestOf(['hello'], 'hello') });
    expect(greeting.error).toBeNull();
    expect(greeting.tests).toEqual({ passed: true, summary: 'Hello, world!' });
    const other = await builder.build({ ...source, 'millrace.yaml': JSON.stringify({ test: 'hello' }) });
    expect(other.tests?.passed).toBe(false);
    expect(other.artefact?.system).toBeNull();
    expect(await readdir('/usr/bin')).not.toContain('hello');
  }, 120_000);

  test('are there already for the next algorithm that names the same', async () => {
    const files = { ...source, 'src/more.py': 'more = 1\n', 'millrace.yaml': manifestOf(['hello'], 'hello -t') };
    const begun = performance.now();
    const end = await builder.build(files);
    expect(performance.now() - begun).toBeLessThan(5_000);
    expect(end.error).toBeNull();
    expect(await builder.logOf(end)).toContain('packages: unchanged, layer');
  }, 30_000);

  test('that do not exist end the build in their step, with what apt said', async () => {
    const end = await builder.build({ ...source, 'millrace.yaml': 'packages: [libnonesuch42]\n' });
    expect(end.error?.step).toBe('packages');
    expect(end.error?.message).toContain('Unable to locate package libnonesuch42');
    expect(await builder.logOf(end)).toContain('build: failed in packages');
  }, 60_000);
});

describe('a lock', () => {
  test('gives the same artefact to a builder that has nothing of the first build', async () => {
    const first = await builder.build(psycopg);
    expect(first.error).toBeNull();
    expect(first.tests?.summary).toMatch(/^\/opt\/dependencies\/psycopg2\/.*\.so with libpq \d+$/);
    const text = await builder.lockOf(first);
    const lock = parseLock(text, 'python3');
    expect(lock.system?.packages.map(({ name }) => name)).toContain('libpq5');
    expect(lock.dependencies?.content).toMatchObject({ packages: [{ name: 'psycopg2', version: '2.9.10' }] });
    const elsewhere = await openBuilderScenario();
    try {
      const second = await elsewhere.build({ ...psycopg, 'millrace.lock': text });
      expect(second.error).toBeNull();
      expect(second.artefact?.system).toBe(first.artefact?.system);
      expect(second.artefact?.dependencies).toBe(first.artefact?.dependencies);
      expect(await elsewhere.logOf(second)).not.toContain('locked:');
      expect(JSON.parse(await elsewhere.lockOf(second))).toEqual(JSON.parse(text));
    } finally {
      await elsewhere.close();
    }
  }, 240_000);

  test('that was made for other packages is refused before anything is fetched', async () => {
    const made = await builder.build({ ...source, 'millrace.yaml': manifestOf(['hello'], 'hello') });
    const end = await builder.build({
      ...source,
      'millrace.yaml': manifestOf(['hello', 'libpq5'], 'hello'),
      'millrace.lock': await builder.lockOf(made),
    });
    expect(end.error).toMatchObject({ step: 'plan' });
    expect(end.error?.message).toContain('it was made for the packages hello, millrace.yaml names hello, libpq5');
  }, 60_000);

  test('of npm packages gives the same layer again, and names no registry', async () => {
    const files = {
      'src/tool.js': 'exports.apply = (input) => input;\n',
      'package.json': '{"dependencies":{"suncalc":"^1.8.0"}}',
    };
    const first = await builder.build(files, 'javascript');
    expect(first.error).toBeNull();
    const text = await builder.lockOf(first);
    expect(text).toContain('"integrity"');
    expect(text).not.toContain('://');
    const elsewhere = await openBuilderScenario();
    try {
      const second = await elsewhere.build({ ...files, 'millrace.lock': text }, 'javascript');
      expect(second.artefact?.dependencies).toBe(first.artefact?.dependencies);
    } finally {
      await elsewhere.close();
    }
  }, 120_000);
});

test('opencv draws and finds a shape with the system libraries that the algorithm names', async () => {
  const end = await builder.build({
    ...source,
    'src/check.py': drawing,
    'requirements.txt': 'opencv-python==4.10.0.84\n',
    'millrace.yaml': manifestOf(['libgl1', 'libglib2.0-0'], 'python3 -m src.check'),
  });
  expect(end.error).toBeNull();
  expect(end.tests?.summary).toMatch(/^1 contour of about \d+ pixels$/);
}, 240_000);
