import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { parse } from 'yaml';
import { createE2eClient } from '../helpers/e2e-client.ts';

/** Repositories in the styles that are found in the wild, deployed as they lie there, and called. */

const folder = join(import.meta.dirname, '../fixtures/styles');

const caseSchema = Type.Object(
  {
    input: Type.Object({
      text: Type.Optional(Type.String()),
      json: Type.Optional(Type.Unknown()),
      base64: Type.Optional(Type.String()),
    }),
    result: Type.Optional(Type.Unknown()),
    contentType: Type.Optional(Type.String()),
    /** Stands in what was printed. */
    printed: Type.Optional(Type.String()),
    error: Type.Optional(
      Type.Object({
        /** The message begins so. */
        message: Type.String(),
        type: Type.String(),
        /** Stands in the stack trace. */
        trace: Type.Optional(Type.String()),
      }),
    ),
  },
  { additionalProperties: false },
);
const styleSchema = Type.Object({ title: Type.String(), cases: Type.Array(caseSchema, { minItems: 1 }) });

type Case = Static<typeof caseSchema>;

interface Answer {
  readonly result?: unknown;
  readonly error?: { readonly message: string; readonly error_type?: string; readonly stacktrace?: string };
  readonly metadata: { readonly content_type?: string; readonly stdout?: string | null };
}

const styles = readdirSync(folder).map((name) => ({
  name,
  ...Value.Parse(styleSchema, parse(readFileSync(join(folder, name, 'cases.yaml'), 'utf8'))),
}));

const bodyOf = ({ input }: Case): { readonly body: Buffer; readonly type: string } => {
  if (input.text !== undefined) return { body: Buffer.from(input.text), type: 'text/plain' };
  if (input.base64 !== undefined) {
    return { body: Buffer.from(input.base64, 'base64'), type: 'application/octet-stream' };
  }
  return { body: Buffer.from(JSON.stringify(input.json)), type: 'application/json' };
};

const client = createE2eClient(inject('platform'));

const deploy = async (style: string): Promise<string> => {
  const run = await client.cli(['deploy', join(folder, style, 'repository'), '--json']);
  expect(run.stderr).not.toContain('was run');
  if (run.code !== 0) throw new Error(`${style} was not deployed:\n${run.stderr}`);
  return (JSON.parse(run.stdout) as { readonly reference: string }).reference;
};

const check = (wanted: Case, answer: Answer): void => {
  const { error, result, contentType, printed } = wanted;
  if (error === undefined) {
    expect(answer.error).toBeUndefined();
    expect(answer.result).toEqual(result);
    if (contentType !== undefined) expect(answer.metadata.content_type).toBe(contentType);
  } else {
    expect(answer.error?.message.slice(0, error.message.length)).toBe(error.message);
    expect(answer.error?.error_type).toBe(error.type);
    if (error.trace !== undefined) expect(answer.error?.stacktrace).toContain(error.trace);
  }
  if (printed !== undefined) expect(answer.metadata.stdout).toContain(printed);
};

describe.each(styles)('$title', ({ name, cases }) => {
  let reference: string;

  beforeAll(async () => {
    reference = await deploy(name);
  }, 180_000);

  it('deploys as it lies there and answers as its author expects', async () => {
    for (const wanted of cases) {
      const answer = await client.call(`${reference}?stdout=true`, bodyOf(wanted));
      check(wanted, answer.json() as Answer);
    }
  });
});
