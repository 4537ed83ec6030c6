import { describe, expect, test } from 'vitest';
import { type BuildLock, keyOf, lockedDependencies, lockedSystem, parseLock, textDigest } from './lock.ts';

const libpq = {
  name: 'libpq5',
  version: '15.20-0+deb12u1',
  architecture: 'amd64',
  sizeBytes: 205_248,
  sha256: 'a'.repeat(64),
  path: 'pool/main/p/postgresql-15/libpq5_15.20-0%2bdeb12u1_amd64.deb',
};
const requirements = { name: 'requirements.txt', declared: textDigest('psycopg2\n') };
const lock: BuildLock = {
  lockVersion: 1,
  environment: 'python3',
  system: { declared: ['libpq5'], platform: 'debian 12 amd64', packages: [libpq] },
  dependencies: {
    declared: requirements.declared,
    interpreter: 'Python 3.11.2',
    content: { packages: [{ name: 'psycopg2', version: '2.9.10' }] },
  },
};

const withPackage = (changes: Partial<typeof libpq>): string =>
  JSON.stringify({ ...lock, system: { ...lock.system, packages: [{ ...libpq, ...changes }] } });

describe('parseLock', () => {
  test('reads what a build has kept', () => {
    expect(parseLock(JSON.stringify(lock), 'python3')).toEqual(lock);
  });

  test('names what is wrong with a file', () => {
    expect(() => parseLock('{', 'python3')).toThrow(/millrace\.lock: it is not valid JSON/);
    expect(() => parseLock(withPackage({ sha256: 'abc' }), 'python3')).toThrow(/system.*sha256/);
  });

  test('refuses the lock of another environment', () => {
    expect(() => parseLock(JSON.stringify(lock), 'javascript')).toThrow(
      /for the environment python3, not for javascript/,
    );
  });

  test('refuses paths and names that would be more than that in an address or a command', () => {
    for (const path of ['/etc/passwd', '-o', 'http://x y', "a'b"]) {
      expect(() => parseLock(withPackage({ path }), 'python3')).toThrow(/path/);
    }
    expect(() => parseLock(withPackage({ name: '-t' }), 'python3')).toThrow(/name/);
  });
});

describe('a lock is used for what it was made for', () => {
  test('gives nothing where there is none', () => {
    expect(lockedSystem(null, ['libpq5'])).toBeNull();
    expect(lockedDependencies(null, requirements)).toBeNull();
  });

  test('gives its parts to the same declarations', () => {
    expect(lockedSystem(lock, ['libpq5'])).toBe(lock.system);
    expect(lockedDependencies(lock, requirements)).toBe(lock.dependencies);
  });

  test('is refused for other packages and for a changed dependency file', () => {
    expect(() => lockedSystem(lock, [])).toThrow(/made for the packages libpq5, millrace.yaml names none/);
    expect(() => lockedDependencies(lock, { ...requirements, declared: textDigest('six\n') })).toThrow(
      /made for another requirements\.txt/,
    );
  });
});

test('a key tells apart everything that decides a layer', () => {
  expect(keyOf('system', ['a', 'b'])).toBe(keyOf('system', ['a', 'b']));
  expect(keyOf('system', ['a', 'b'])).not.toBe(keyOf('system', ['a'], ['b']));
  expect(keyOf('system', null)).not.toBe(keyOf('system', 'null'));
});
