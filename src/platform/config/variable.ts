import type { TObject } from 'typebox';
import { Value } from 'typebox/value';
import { Secret } from './secret.ts';

/** One thing that is wrong with the environment. */
export interface ConfigFault {
  readonly variable: string;
  /** What is wrong, as the middle of a sentence: `is "x"`, `is set, but …`. */
  readonly wrong: string;
  /** What would be right: `a whole number from 1 to 65535`. */
  readonly expected: string;
}

/** What this folder reads of a variable's JSON schema. */
export interface VariableSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly { readonly const?: unknown }[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly pattern?: string;
  readonly items?: VariableSchema;
  readonly secret?: boolean;
}

/** The variables of a module's schema by name. `as`: TypeBox's property type hides the JSON schema that it is. */
export const variablesOf = (schema: TObject): readonly (readonly [string, VariableSchema])[] =>
  Object.entries(schema.properties as Record<string, VariableSchema>);

/** True when the variable may stay unset without having a default. TypeBox lists nothing where all of them may. */
export const isOptional = (schema: { readonly required?: readonly string[] }, name: string): boolean =>
  !(schema.required ?? []).includes(name);

/** The values of a closed choice; undefined for other variables. */
export const choicesOf = (variable: VariableSchema): readonly string[] | undefined =>
  (variable.enum ?? variable.anyOf?.map((option) => option.const))?.map(String);

const range = (variable: VariableSchema, noun: string): string => {
  const { minimum, maximum } = variable;
  if (minimum !== undefined && maximum !== undefined) return `${noun} from ${minimum} to ${maximum}`;
  if (minimum !== undefined) return `${noun} of at least ${minimum}`;
  if (maximum !== undefined) return `${noun} of at most ${maximum}`;
  return noun;
};

const textForm = (variable: VariableSchema): string => {
  if (variable.pattern !== undefined) return `text of the form ${variable.pattern}`;
  if (variable.minLength !== undefined) return `text of at least ${variable.minLength} characters`;
  return 'text';
};

/** What a variable takes, in words. */
export const expectationOf = (variable: VariableSchema): string => {
  const choices = choicesOf(variable);
  if (choices !== undefined) return `one of ${choices.join(', ')}`;
  switch (variable.type) {
    case 'integer':
      return range(variable, 'a whole number');
    case 'number':
      return range(variable, 'a number');
    case 'boolean':
      return 'true or false';
    case 'array':
      return `a list separated by commas${variable.items?.pattern === undefined ? '' : `, each ${textForm(variable.items)}`}`;
    case undefined:
    default:
      return textForm(variable);
  }
};

const booleans = new Map([
  ['true', true],
  ['1', true],
  ['yes', true],
  ['false', false],
  ['0', false],
  ['no', false],
]);

/** Text as the variable's type; the text itself where it is not of that type, which the schema then refuses. */
const coerce = (variable: VariableSchema, text: string): unknown => {
  switch (variable.type) {
    case 'integer':
      return /^[+-]?\d+$/.test(text) ? Number(text) : text;
    case 'number':
      return Number.isNaN(Number(text)) ? text : Number(text);
    case 'boolean':
      return booleans.get(text.toLowerCase()) ?? text;
    case 'array':
      return text
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '');
    case undefined:
    default:
      return text;
  }
};

/** Reads one variable: its value, or the fault. An empty text counts as unset. */
export const readVariable = (
  name: string,
  variable: VariableSchema,
  text: string,
): { readonly value: unknown } | { readonly fault: ConfigFault } => {
  const value = coerce(variable, text);
  if (!Value.Check(variable, value)) {
    const wrong = variable.secret === true ? 'has a value that is not allowed' : `is ${JSON.stringify(text)}`;
    return { fault: { variable: name, wrong, expected: expectationOf(variable) } };
  }
  return { value: variable.secret === true ? new Secret(text) : value };
};
