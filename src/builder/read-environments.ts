import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { parse } from 'yaml';
import type { BuildEnvironment } from './builder.ts';

const environmentSchema = Type.Object({
  language: Type.String(),
  dependencyFile: Type.String(),
  build: Type.Object({
    interpreter: Type.String(),
    lockFile: Type.Optional(Type.String()),
    dependencies: Type.String(),
    dependenciesLocked: Type.Optional(Type.String()),
    folder: Type.String(),
    target: Type.String(),
    finish: Type.Optional(Type.String()),
    test: Type.Optional(Type.String()),
    variables: Type.Optional(Type.Record(Type.String(), Type.String())),
  }),
});

const readOne = async (folder: string, id: string): Promise<BuildEnvironment> => {
  const file = join(folder, id, 'environment.yaml');
  const { language, dependencyFile, build } = Value.Parse(environmentSchema, parse(await readFile(file, 'utf8')));
  return {
    id,
    language,
    dependencyFile,
    lockFile: build.lockFile ?? null,
    dependencies: build.dependencies,
    dependenciesLocked: build.dependenciesLocked ?? null,
    dependencyFolder: build.folder,
    dependencyTarget: build.target,
    interpreter: build.interpreter,
    finish: build.finish ?? null,
    test: build.test ?? null,
    variables: build.variables ?? {},
  };
};

/** Reads how each environment under `runtime/environments/` builds. Throws when a file there is not as declared. */
export const readBuildEnvironments = async (folder: string): Promise<ReadonlyMap<string, BuildEnvironment>> => {
  const entries = await readdir(folder, { withFileTypes: true });
  const ids = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const environments = await Promise.all(ids.map(async (id) => [id, await readOne(folder, id)] as const));
  return new Map(environments);
};
