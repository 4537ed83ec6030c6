import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Interpreter, Interpreters, WantedInterpreter } from '../sandboxes/interpreters.ts';
import { catalogErrors } from './errors.ts';

/** What stands in an environment's file, unchecked: each reader checks and keeps what is its own. */
export type EnvironmentText = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is EnvironmentText =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Fields of `own` over those of `base`; sections are merged field by field, everything else is replaced. */
const merge = (base: EnvironmentText, own: EnvironmentText): EnvironmentText => ({
  ...base,
  ...Object.fromEntries(
    Object.entries(own).map(([name, value]) => {
      const before = base[name];
      return [name, isObject(before) && isObject(value) ? merge(before, value) : value];
    }),
  ),
});

const readFile = (folder: string, id: string): EnvironmentText => {
  const path = join(folder, id, 'environment.yaml');
  const file: unknown = parse(readFileSync(path, 'utf8'));
  if (isObject(file)) return file;
  throw catalogErrors.ENVIRONMENT_FILE_INVALID({ message: `${path}: it must be a list of fields with values.` });
};

/** The file of one environment; what it does not say is said by the one that it `extends`, if any. */
const resolve = (folder: string, id: string): EnvironmentText => {
  const { extends: base, ...own } = readFile(folder, id);
  return typeof base === 'string' ? merge(resolve(folder, base), own) : own;
};

/**
 * The files `<folder>/<id>/environment.yaml`, by id. Reads at the moment it is called, for program starts. Throws
 * `CATALOG_ENVIRONMENT_FILE_INVALID` or what reading and parsing throw.
 */
export const readEnvironmentFolder = (folder: string): ReadonlyMap<string, EnvironmentText> => {
  const ids = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
  return new Map(ids.map((id) => [id, resolve(folder, id)]));
};

const wantedBy = ({ interpreter }: EnvironmentText): WantedInterpreter | null => {
  if (!isObject(interpreter)) return null;
  const { program, command } = interpreter;
  return typeof program === 'string' && typeof command === 'string' ? { program, command } : null;
};

/** An environment that can be used on this machine, and what runs it; null where the platform brings that itself. */
export interface UsableEnvironment {
  readonly text: EnvironmentText;
  readonly interpreter: Interpreter | null;
}

/** The environments whose interpreter this machine has. Throws as `readEnvironmentFolder`. */
export const usableEnvironments = (
  folder: string,
  interpreters: Interpreters,
): ReadonlyMap<string, UsableEnvironment> => {
  const usable = new Map<string, UsableEnvironment>();
  for (const [id, text] of readEnvironmentFolder(folder)) {
    const wanted = wantedBy(text);
    const interpreter = wanted === null ? null : interpreters.find(wanted);
    if (wanted === null || interpreter !== null) usable.set(id, { text, interpreter });
  }
  return usable;
};
