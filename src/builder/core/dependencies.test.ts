import { describe, expect, test } from 'vitest';
import type { BuildEnvironment } from '../builder.ts';
import { layerKey, namesDependencies } from './dependencies.ts';

const python: BuildEnvironment = {
  id: 'python3',
  language: 'python3',
  dependencyFile: 'requirements.txt',
  interpreter: 'python3 --version',
  lockFile: null,
  dependencies: 'pip',
  dependenciesLocked: null,
  dependencyFolder: 'dependencies',
  dependencyTarget: '/opt/dependencies',
  finish: null,
  test: null,
  variables: {},
};
const javascript: BuildEnvironment = { ...python, id: 'javascript', dependencyFile: 'package.json' };

describe('namesDependencies', () => {
  test('sees through comments and empty lines', () => {
    expect(namesDependencies(python, '# nothing\n\n')).toBe(false);
    expect(namesDependencies(python, '# one\nsix\n')).toBe(true);
  });

  test('looks at the dependencies of package.json only', () => {
    expect(namesDependencies(javascript, '{"devDependencies":{"mocha":"1"}}')).toBe(false);
    expect(namesDependencies(javascript, '{"dependencies":{"suncalc":"2"}}')).toBe(true);
  });

  test('leaves a package.json that does not parse to npm, which says what is wrong', () => {
    expect(namesDependencies(javascript, '{')).toBe(true);
  });
});

test('a layer is shared exactly by builds that would resolve the same', () => {
  const parts = { environment: python, interpreter: '3.11.2', dependencies: 'six', lock: null };
  expect(layerKey(parts)).toBe(layerKey({ ...parts }));
  expect(layerKey(parts)).not.toBe(layerKey({ ...parts, interpreter: '3.12.0' }));
  expect(layerKey(parts)).not.toBe(layerKey({ ...parts, lock: 'six==1' }));
  expect(layerKey(parts)).not.toBe(layerKey({ ...parts, environment: javascript }));
});
