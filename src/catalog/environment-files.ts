import { join } from 'node:path';
import { Value } from 'typebox/value';
import { type Interpreters, systemInterpreters } from '../sandboxes/interpreters.ts';
import { type Environment, environmentKind } from './catalog.ts';
import { type EnvironmentText, usableEnvironments } from './environment-folder.ts';
import { catalogErrors } from './errors.ts';

const environmentOf = (folder: string, id: string, text: EnvironmentText): Environment => {
  // Commands of the builder and of runs stand in the same file; the catalog keeps only what is its own.
  const environment = Value.Clean(environmentKind.schema, { ...text, id });
  if (Value.Check(environmentKind.schema, environment)) return environment;
  const fault = Value.Errors(environmentKind.schema, environment)[0];
  throw catalogErrors.ENVIRONMENT_FILE_INVALID({
    message: `${join(folder, id, 'environment.yaml')}: ${fault?.instancePath ?? ''} ${fault?.message ?? 'does not match'}; see the other environments for the form.`,
  });
};

/**
 * Reads `<folder>/<id>/environment.yaml` of every environment that can be used here: those whose interpreter is found.
 * Throws `CATALOG_ENVIRONMENT_FILE_INVALID`.
 */
export const readEnvironments = (
  folder: string,
  interpreters: Interpreters = systemInterpreters,
): readonly Environment[] =>
  [...usableEnvironments(folder, interpreters)].map(([id, { text }]) => environmentOf(folder, id, text));
