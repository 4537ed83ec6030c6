import { describe, expect, test } from 'vitest';
import { planOf } from './plan.ts';

describe('planOf', () => {
  test('gives every default without a file', () => {
    expect(planOf(null)).toEqual({
      commands: [],
      test: null,
      testGate: false,
      packages: [],
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

  test('takes packages of the system, each once and sorted, with a version or without', () => {
    expect(planOf('packages: [ffmpeg, libpq5=15.10-0+deb12u1, ffmpeg]').packages).toEqual([
      'ffmpeg',
      'libpq5=15.10-0+deb12u1',
    ]);
  });

  test('refuses what is no name of a package: it becomes words of a command', () => {
    for (const name of ['-oDir=/', 'a b', 'libpq5;id', '../x', 'Libpq']) {
      expect(() => planOf(JSON.stringify({ packages: [name] }))).toThrow(/packages/);
    }
  });

  test('names an unknown field and the known ones', () => {
    expect(() => planOf('memmory_mb: 12')).toThrow(/unknown field "memmory_mb".*memory_mb/);
  });

  test('names the field whose value is wrong', () => {
    expect(() => planOf('memory_mb: lots')).toThrow(/memory_mb/);
    expect(() => planOf('isolation: none')).toThrow(/isolation/);
  });

  test('takes isolation, space, processors and hosts', () => {
    const text =
      'isolation: call\ndisk_mb: 64\nfile_mb: 8\ngpus: 1\nnetwork_hosts: [api.example.com, db.example.com:5432]';
    expect(planOf(text).run).toMatchObject({
      isolation: 'call',
      diskBytes: 64 * 2 ** 20,
      fileBytes: 8 * 2 ** 20,
      gpus: 1,
      hosts: ['api.example.com', 'db.example.com:5432'],
    });
    expect(planOf('disk_mb: 64').run.fileBytes).toBe(64 * 2 ** 20);
  });

  test.each([
    '10.0.0.1',
    'localhost',
    'a.localhost',
    '*.example.com',
    'https://example.com',
    'a.example:0',
    '[::1]',
    '',
  ])('refuses "%s" as a host', (host) => {
    expect(() => planOf(`network_hosts: ["${host}"]`)).toThrow(/network_hosts: ".*" is not a host name like/);
  });

  test('refuses text that is not YAML', () => {
    expect(() => planOf('a: [')).toThrow(/not valid YAML/);
  });
});
