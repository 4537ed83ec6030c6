import { describe, expect, test } from 'vitest';
import type { BuildEnvironment } from '../builder.ts';
import { namesDependencies } from './dependencies.ts';

const python: BuildEnvironment = {
  id: 'python3',
  language: 'python3',
  dependencyFile: 'requirements.txt',
  interpreter: 'python3 --version',
  systemBase: ['python3'],
  lockFile: 'lock.json',
  ownLock: false,
  resolve: 'pip',
  install: 'pip',
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
