import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Value } from 'typebox/value';
import { parse } from 'yaml';
import { type Environment, environmentKind } from './catalog.ts';
import { catalogErrors } from './errors.ts';

const readEnvironment = async (folder: string, id: string): Promise<Environment> => {
  const path = join(folder, id, 'environment.yaml');
  const file: unknown = parse(await readFile(path, 'utf8'));
  // Commands of the builder stand in the same file; the catalog keeps only what is its own.
  const environment = Value.Clean(environmentKind.schema, { ...Object(file), id });
  if (!Value.Check(environmentKind.schema, environment)) {
    const fault = Value.Errors(environmentKind.schema, environment)[0];
    throw catalogErrors.ENVIRONMENT_FILE_INVALID({
      message: `${path}: ${fault?.instancePath ?? ''} ${fault?.message ?? 'does not match'}; see the other environments for the form.`,
    });
  }
  return environment;
};

/** Reads `<folder>/<id>/environment.yaml` of every environment, by id. Throws `CATALOG_ENVIRONMENT_FILE_INVALID`. */
export const readEnvironments = async (folder: string): Promise<readonly Environment[]> => {
  const entries = await readdir(folder, { withFileTypes: true });
  const ids = entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
  return await Promise.all(ids.map(async (id) => await readEnvironment(folder, id)));
};
