import { describe, expect, test } from 'vitest';
import { planOf } from './plan.ts';

describe('planOf', () => {
  test('gives every default without a file', () => {
    expect(planOf(null)).toEqual({
      commands: [],
      test: null,
      run: {
        pool: 'cpu',
        isolation: 'account',
        memoryBytes: 512 * 2 ** 20,
        cpus: 1,
        processes: 256,
        loadTimeoutS: 60,
        diskBytes: 2 * 2 ** 30,
        fileBytes: 2 * 2 ** 30,
        gpus: 0,
        hosts: null,
      },
    });
  });

  test('takes one command or several', () => {
    expect(planOf('build: make').commands).toEqual(['make']);
    expect(planOf('build:\n  - make\n  - make install').commands).toEqual(['make', 'make install']);
  });

  test('names an unknown field and the known ones', () => {
    expect(() => planOf('memmory_mb: 12')).toThrow(/unknown field "memmory_mb".*memory_mb/);
  });

  test('names the field whose value is wrong', () => {
    expect(() => planOf('memory_mb: lots')).toThrow(/memory_mb/);
    expect(() => planOf('isolation: none')).toThrow(/isolation/);
  });

  test('refuses text that is not YAML', () => {
    expect(() => planOf('a: [')).toThrow(/not valid YAML/);
  });
});
