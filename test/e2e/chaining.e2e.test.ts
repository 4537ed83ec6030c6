import { expect, inject, it } from 'vitest';
import { createE2eClient, eventually } from '../helpers/e2e-client.ts';
import { sources } from '../helpers/e2e-sources.ts';

const client = createE2eClient(inject('platform'));

it('an algorithm calls another one, of another language and without a key, and the tree of calls is shown', async () => {
  const inner = await client.deploy(
    sources.javascript('ChainInner', 'exports.apply = async (input) => `inner got ${input}`;\n'),
  );
  const outer = await client.deploy(
    sources.python(
      'ChainOuter',
      `import Algorithmia
client = Algorithmia.client()
def apply(input):
    return client.algo("${inner.reference}").pipe(input).result
`,
    ),
  );
  const answer = await client.call(outer.reference, { body: 'this' });
  expect(answer.json()).toMatchObject({ result: 'inner got this' });
  const shown = await client.cli(['request', answer.headers.get('x-request-id') ?? '']);
  expect(shown.stderr).toBe('');
  expect(shown.stdout).toMatch(/ChainOuter@.*\n.*ChainInner@.*succeeded/);
});

it('reserved sandboxes are warm without a call, listed by status, and given up', async () => {
  const { reference } = await client.deploy(sources.python('Kept', 'def apply(input): return input\n'));
  const reserve = async (...words: string[]): Promise<string> => {
    const { code, stderr, stdout } = await client.cli(['reserve', ...words]);
    expect([code, stderr]).toEqual([0, '']);
    return stdout;
  };
  expect(await reserve(reference, '--min', '1')).toMatch(/Kept@.*: 1 kept warm for admin/);
  const shown = await eventually(async () => {
    const { stdout } = await client.cli(['status']);
    return /Kept@\S+ +admin +1 +1/.test(stdout) ? stdout : undefined;
  });
  expect(shown).toContain('RESERVED');
  await reserve(reference, '--remove');
  expect(await reserve()).not.toContain('Kept');
});
