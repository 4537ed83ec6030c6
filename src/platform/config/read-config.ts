import type { Static, TObject } from 'typebox';
import { configErrors } from './errors.ts';
import { nearestName } from './nearest-name.ts';
import { type ConfigFault, expectationOf, isOptional, readVariable, variablesOf } from './variable.ts';

const prefix = 'MILLRACE_';

/** The variables of several modules in one object. */
export type ConfigOf<Schemas extends readonly TObject[]> = Schemas extends readonly [
  infer First extends TObject,
  ...infer Rest extends readonly TObject[],
]
  ? Readonly<Static<First>> & ConfigOf<Rest>
  : unknown;

/** A rule across variables: gives the faults it finds. Runs only when every variable for itself is right. */
export type ConfigRule<Config> = (config: Config) => readonly ConfigFault[];

export interface ReadConfigOptions<Schemas extends readonly TObject[]> {
  /** Schemas (`Type.Object({ MILLRACE_X: … })`) of the modules that this process is made of. */
  readonly schemas: Schemas;
  readonly rules?: readonly ConfigRule<ConfigOf<Schemas>>[];
  /** Schemas of the other modules: their variables are known here, but neither read nor checked. */
  readonly others?: readonly TObject[];
  /** Default: the environment of the process. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

type Environment = Readonly<Record<string, string | undefined>>;

const readSchema = (schema: TObject, environment: Environment, faults: ConfigFault[]): Record<string, unknown> => {
  const config: Record<string, unknown> = {};
  for (const [name, variable] of variablesOf(schema)) {
    const text = environment[name]?.trim() ?? '';
    if (text !== '') {
      const read = readVariable(name, variable, text);
      if ('fault' in read) faults.push(read.fault);
      else config[name] = read.value;
    } else if (variable.default !== undefined) {
      config[name] = Array.isArray(variable.default)
        ? Object.freeze([...(variable.default as unknown[])])
        : variable.default;
    } else if (!isOptional(schema, name)) {
      faults.push({ variable: name, wrong: 'is not set', expected: expectationOf(variable) });
    }
  }
  return config;
};

const unknownVariables = (environment: Environment, known: readonly string[]): readonly ConfigFault[] =>
  Object.keys(environment)
    .filter((name) => name.startsWith(prefix) && !known.includes(name))
    .map((variable) => {
      const meant = nearestName(variable, known);
      const expected = meant === undefined ? 'no such variable (docs/config.md lists all)' : `did you mean ${meant}?`;
      return { variable, wrong: 'is not known', expected };
    });

const report = (faults: readonly ConfigFault[]): string => {
  const lines = faults.map((fault) => `  ${fault.variable} ${fault.wrong}; expected: ${fault.expected}`);
  return `${faults.length === 1 ? 'One variable is' : `${faults.length} variables are`} wrong:\n${lines.join('\n')}`;
};

/**
 * Reads, coerces, defaults, checks and freezes the configuration. The only reader of `process.env`.
 * @throws `CONFIG_INVALID` with every fault at once, unknown `MILLRACE_` variables among them.
 */
export const readConfig = <const Schemas extends readonly TObject[]>(
  options: ReadConfigOptions<Schemas>,
): ConfigOf<Schemas> => {
  const environment = options.environment ?? process.env;
  const faults: ConfigFault[] = [];
  const parts = options.schemas.map((schema) => readSchema(schema, environment, faults));
  const known = [...options.schemas, ...(options.others ?? [])].flatMap((schema) => Object.keys(schema.properties));
  faults.push(...unknownVariables(environment, known));
  // The schemas have been checked variable by variable, so the merged object has their merged type.
  const config = Object.freeze(Object.assign({}, ...parts)) as ConfigOf<Schemas>;
  if (faults.length === 0) faults.push(...(options.rules ?? []).flatMap((rule) => rule(config)));
  if (faults.length > 0) throw configErrors.INVALID({ message: report(faults), details: { faults } });
  return config;
};

/** The configuration for the log: names in order, secrets as `***`. */
export const redactedConfig = (config: object): Readonly<Record<string, unknown>> =>
  JSON.parse(JSON.stringify(Object.fromEntries(Object.entries(config).sort()))) as Record<string, unknown>;
