import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { type UsableEnvironment, usableEnvironments } from '../catalog/environment-folder.ts';
import { type Interpreters, systemInterpreters } from '../sandboxes/interpreters.ts';
import type { BuildEnvironment } from './builder.ts';

const environmentSchema = Type.Object({
  language: Type.String(),
  dependencyFile: Type.String(),
  build: Type.Object({
    interpreter: Type.String(),
    lockFile: Type.String(),
    ownLock: Type.Optional(Type.Boolean()),
    resolve: Type.String(),
    install: Type.String(),
    systemBase: Type.Optional(Type.Array(Type.String())),
    folder: Type.String(),
    target: Type.String(),
    finish: Type.Optional(Type.String()),
    test: Type.Optional(Type.String()),
    variables: Type.Optional(Type.Record(Type.String(), Type.String())),
  }),
});

const readOne = (id: string, { text, interpreter: found }: UsableEnvironment): BuildEnvironment => {
  const { language, dependencyFile, build } = Value.Parse(environmentSchema, text);
  return {
    id,
    language,
    dependencyFile,
    systemBase: build.systemBase ?? [],
    lockFile: build.lockFile,
    ownLock: build.ownLock ?? false,
    resolve: build.resolve,
    install: build.install,
    dependencyFolder: build.folder,
    dependencyTarget: build.target,
    interpreter: build.interpreter,
    finish: build.finish ?? null,
    test: build.test ?? null,
    variables: build.variables ?? {},
    ...(found === null ? {} : { installation: found }),
  };
};

/** Reads how each environment that can be used here builds. Throws when a file is not as declared. */
export const readBuildEnvironments = (
  folder: string,
  interpreters: Interpreters = systemInterpreters,
): ReadonlyMap<string, BuildEnvironment> =>
  new Map([...usableEnvironments(folder, interpreters)].map(([id, usable]) => [id, readOne(id, usable)]));
