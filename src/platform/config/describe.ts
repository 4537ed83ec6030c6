import type { TObject } from 'typebox';
import { expectationOf, isOptional, type VariableSchema, variablesOf } from './variable.ts';

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

const defaultOf = (schema: TObject, name: string, variable: VariableSchema): string => {
  if (variable.default === undefined) return isOptional(schema, name) ? 'unset' : 'must be set';
  const value = Array.isArray(variable.default) ? variable.default.join(',') : variable.default;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text === '' ? 'empty' : `\`${text}\``;
};

const row = (schema: TObject, name: string, variable: VariableSchema): string => {
  const takes = variable.secret === true ? 'a secret; never printed' : expectationOf(variable);
  return `| \`${name}\` | ${cell(takes)} | ${cell(defaultOf(schema, name, variable))} | ${cell(variable.description ?? '')} |`;
};

const section = (schema: TObject & { readonly title?: string }): string =>
  [
    `## ${schema.title ?? 'Other'}`,
    '',
    '| variable | takes | default | what it does |',
    '| --- | --- | --- | --- |',
    ...variablesOf(schema).map(([name, variable]) => row(schema, name, variable)),
  ].join('\n');

/** The page `docs/config.md`: one table per schema, headed by the schema's `title`. */
export const describeConfig = (schemas: readonly TObject[]): string =>
  [
    '# Configuration',
    '',
    'Generated from the schemas in the code; do not edit. Everything is set by environment variables. An empty value counts as',
    'unset. A process that finds a wrong or unknown `MILLRACE_` variable says what is wrong with all of them and does not start.',
    '',
    ...schemas.flatMap((schema) => [section(schema), '']),
  ].join('\n');
