import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BuilderScenario, openBuilderScenario } from '../helpers/builder-scenario.ts';

let builder: BuilderScenario;

beforeAll(async () => {
  builder = await openBuilderScenario();
});

afterAll(async () => {
  await builder.close();
});

const source = { 'src/tool.py': 'def apply(input):\n    return input\n', 'src/__init__.py': '' };

test('a commit becomes an application layer, compiled ahead', async () => {
  const end = await builder.build(source);
  expect(end).toMatchObject({ status: 'succeeded', error: null, tests: null });
  expect(end.artefact).toMatchObject({ dependencies: null });
  const layer = join(builder.folder, 'layers', end.artefact?.app ?? '');
  expect(await readFile(join(layer, 'src', 'tool.py'), 'utf8')).toBe(source['src/tool.py']);
  expect((await readFile(join(layer, 'src', '__pycache__', 'tool.cpython-311.pyc'))).length).toBeGreaterThan(0);
  expect(await builder.logOf(end)).toContain('Beginning container customization of ada/tool');
}, 60_000);

test('what the build commands write becomes part of the layer, and their output reaches the log while they run', async () => {
  const end = await builder.build({
    ...source,
    'millrace.yaml': 'build:\n  - echo trained on 3 samples\n  - echo weights > model.txt\n',
  });
  expect(end.status).toBe('succeeded');
  expect(await readFile(join(builder.folder, 'layers', end.artefact?.app ?? '', 'model.txt'), 'utf8')).toBe(
    'weights\n',
  );
  await expect.poll(() => builder.lines.join('')).toContain('trained on 3 samples');
}, 60_000);

test('a command that fails ends the build with its step, the command and how it ended', async () => {
  const end = await builder.build({ ...source, 'millrace.yaml': 'build: echo no such compiler >&2; exit 3\n' });
  expect(end).toMatchObject({ status: 'failed', artefact: null });
  expect(end.error).toMatchObject({ step: 'build' });
  expect(end.error?.message).toContain('exited with code 3');
  expect(await builder.logOf(end)).toContain('no such compiler');
}, 60_000);

test('an unknown field of millrace.yaml is refused by its name', async () => {
  const end = await builder.build({ ...source, 'millrace.yaml': 'memmory: 3\n' });
  expect(end.error?.step).toBe('plan');
  expect(end.error?.message).toContain('"memmory"');
}, 60_000);

test("the algorithm's tests are run without network on what was built, and reported", async () => {
  const good = await builder.build({
    ...source,
    'millrace.yaml': 'test: python3 -c "import src.tool as t; assert t.apply(1) == 1; print(\'1 passed\')"\n',
  });
  expect(good.tests).toEqual({ passed: true, summary: '1 passed' });
  const bad = await builder.build({ ...source, 'millrace.yaml': 'test: touch src/new || exit 5\n' });
  expect(bad.status).toBe('succeeded');
  expect(bad.tests).toMatchObject({ passed: false });
  expect(bad.tests?.summary).toContain('exited with code 5');
}, 60_000);

test('tests that fail are the end of a build whose manifest makes them a gate', async () => {
  const end = await builder.build({
    ...source,
    'millrace.yaml': 'test: echo 1 of 2 failed; exit 5\ntest_gate: true\n',
  });
  expect(end).toMatchObject({ status: 'failed', artefact: null, error: { step: 'test' } });
  expect(end.error?.message).toMatch(/exited with code 5.*The log ends with:.*1 of 2 failed/s);
}, 60_000);

test('dependencies are resolved once for all builds that name the same', async () => {
  const files = { ...source, 'requirements.txt': 'six==1.17.0\n' };
  const first = await builder.build(files);
  expect(first.error).toBeNull();
  const second = await builder.build({ ...files, 'src/more.py': 'more = 1\n' });
  expect(second.artefact?.dependencies).toBe(first.artefact?.dependencies);
  expect(second.artefact?.app).not.toBe(first.artefact?.app);
  expect(await builder.logOf(first)).toContain('Successfully installed six-1.17.0');
  expect(await builder.logOf(second)).toContain('dependencies: unchanged');
}, 90_000);
