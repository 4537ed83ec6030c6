import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import {
  type CliOptions,
  type CliRun,
  createE2eClient,
  eventually,
  runCli,
  type SourceFiles,
  withFolder,
} from '../helpers/e2e-client.ts';
import { repository } from '../helpers/e2e-process.ts';
import { probe, sources } from '../helpers/e2e-sources.ts';

const platform = inject('platform');
const remote = createE2eClient(platform);
const main = join(repository, 'src/cli/main.ts');
let data = '';

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'millrace-local-'));
});

afterAll(async () => {
  await rm(data, { recursive: true, force: true });
});

/** Nothing of the platform is told to it. */
const local = async (words: readonly string[], options?: CliOptions): Promise<CliRun> =>
  await runCli(words, { MILLRACE_DATA_DIR: data, ...options?.variables }, options);

const done = async (words: readonly string[], options?: CliOptions): Promise<CliRun> => {
  const run = await local(words, options);
  expect(run.code, run.stderr).toBe(0);
  return run;
};

interface Tested {
  readonly artefact: { readonly app: string; readonly dependencies: string | null };
  readonly tests: { readonly passed: boolean };
}

const adder = sources.python('Adder', 'from .words import word\n\n\ndef apply(input):\n    return word + input\n');
const python: SourceFiles = {
  ...adder,
  'millrace.yaml': `${adder['millrace.yaml'] ?? ''}build: python3 -c "import src.Adder; open('made.txt', 'w').write('made')"\ntest: python3 -c "import src.Adder; assert src.Adder.apply('x') == 'ahoj x'"\n`,
  'src/words.py': 'word = "ahoj "\n',
};
const javascript: SourceFiles = sources.javascript(
  'Moon',
  `const { getMoonIllumination } = require('suncalc');
exports.apply = (input, done) => done(null, { moon: getMoonIllumination(new Date(input)).fraction });
`,
  {
    'package.json': JSON.stringify({
      name: 'moon',
      version: '1.0.0',
      dependencies: { suncalc: '2.0.2' },
      scripts: { test: 'node -e "require(\'./src/Moon.js\')"' },
    }),
  },
);

describe('a folder on this machine and on the platform', () => {
  it.each([
    ['Python', 'admin/Adder', python, '"Ada"'],
    ['JavaScript', 'admin/Moon', javascript, '0'],
  ])('is the same artefact in %s and gives the same answer', async (_, reference, files, body) => {
    await remote.deploy(files);
    await withFolder(files, async (folder) => {
      const tested = JSON.parse((await done(['test', folder, '--json'])).stdout) as Tested;
      expect(tested.tests.passed).toBe(true);
      const { app, dependencies } = tested.artefact;
      for (const digest of [app, dependencies]) {
        if (digest === null) continue;
        expect(existsSync(join(platform.dataFolder, 'blobs/layers', `${digest}.tar.gz`)), digest).toBe(true);
      }
      const here = await done(['run', folder, '--json', body]);
      const there = await remote.cli(['call', reference, '--json', body]);
      expect(here.stdout).toBe(there.stdout);
      expect(here.stdout).not.toBe('');
    });
  });

  it('fails with the same words', async () => {
    const files = probe('Faulty');
    await remote.deploy(files);
    await withFolder(files, async (folder) => {
      for (const body of ['{"do":"raise","type":"InputError"}', '{"do":"exit"}', '{"do":"eat"}']) {
        const here = await local(['run', folder, '--json', body]);
        const there = await remote.cli(['call', 'admin/Faulty', '--json', body]);
        expect(here.code).toBe(1);
        expect(here.stderr.slice(here.stderr.indexOf('error: '))).toBe(there.stderr);
      }
      const slow = await local(['run', folder, '--json', '{"do":"sleep","seconds":30}', '--timeout', '0.5']);
      expect(slow.code).toBe(1);
      expect(slow.stderr).toContain('may have timed-out');
    });
  });
});

describe('run', () => {
  it('takes text, JSON, files and standard input, shows what is printed, and builds once', async () => {
    await withFolder(probe('Spoken'), async (folder) => {
      const first = await done(['run', folder, '--text', 'Grüße']);
      expect([first.stdout, first.stderr.includes('build: succeeded')]).toEqual(['Grüße\n', true]);
      const second = await done(['run', folder, '--json', '{"a":[1]}']);
      expect([second.stdout, second.stderr]).toEqual(['{"a":[1]}\n', '']);
      expect((await done(['run', folder], { input: 'no JSON' })).stdout).toBe('no JSON\n');
      await withFolder({ 'a.bin': 'bytes' }, async (cwd) => {
        expect((await done(['run', folder, '--file', join(cwd, 'a.bin')])).stdout).toBe('bytes');
      });
      const printed = await done(['run', folder, '--json', '{"do":"print"}', '--output', 'json']);
      expect(JSON.parse(printed.stdout)).toMatchObject({
        result: 'printed',
        metadata: { content_type: 'text', stdout: expect.stringContaining('to stdout') as string },
      });
    });
  });

  it('keeps the dependencies when only the code changed', async () => {
    await withFolder(javascript, async (folder) => {
      await done(['run', folder, '--json', '0']);
      await writeFile(join(folder, 'src/Moon.js'), 'exports.apply = (input, done) => done(null, "new");\n');
      const changed = await done(['run', folder, '--json', '0']);
      expect(changed.stdout).toBe('new\n');
      expect(changed.stderr).toContain('dependencies: unchanged');
    });
  });

  it.each([[['run']], [['run', '.', '--json', '1', '--text', 'x']], [['run', '.', '--text', 'x', '--timeout', 'no']]])(
    '%j is wrong usage: exit code 2',
    async (words) => {
      expect((await local(words)).code).toBe(2);
    },
  );

  it('tells what a deploy would be refused or fail for', async () => {
    await withFolder(sources.python('Wrong', 'def apply(input):\n    return 1\n', 'memory: 3\n'), async (folder) => {
      const run = await local(['run', folder, '--text', 'x']);
      expect([run.code, run.stdout]).toEqual([1, '']);
      expect(run.stderr).toContain('error: the build failed in plan: millrace.yaml: unknown field "memory"');
    });
    await withFolder(sources.python('Unloadable', 'raise RuntimeError("no model")\n'), async (folder) => {
      const run = await local(['run', folder, '--text', 'x']);
      expect(run.code).toBe(1);
      expect(run.stderr).toContain('InitializationError');
      expect(run.stderr).toContain('RuntimeError: no model');
    });
  });

  it('hands calls of other algorithms to the platform that it is told of, and says so when it is told of none', async () => {
    await remote.deploy(probe('Called'));
    const code =
      'import Algorithmia\n\n\ndef apply(input):\n    return Algorithmia.client().algo("admin/Called").pipe(input).result\n';
    await withFolder(sources.python('Caller', code), async (folder) => {
      const alone = await local(['run', folder, '--json', '[1]']);
      expect(alone.code).toBe(1);
      expect(alone.stderr).toContain('set MILLRACE_API and MILLRACE_API_KEY');
      const variables = { MILLRACE_API: platform.address, MILLRACE_API_KEY: platform.adminKey };
      expect((await done(['run', folder, '--json', '[1]'], { variables })).stdout).toBe('[1]\n');
    });
  });
});

describe('test', () => {
  it('gives exit code 1 for tests that fail, and shows them', async () => {
    const files = sources.python('Tested', 'def apply(input):\n    return 1\n', 'test: echo one failed; exit 4\n');
    await withFolder(files, async (folder) => {
      const run = await local(['test', folder]);
      expect(run.code).toBe(1);
      expect(run.stderr).toContain('one failed');
      expect(run.stderr).toContain('exited with code 4');
    });
  });
});

describe('shell', () => {
  it('runs a command in pipes as a run would see it, and ends as it did', async () => {
    await withFolder(python, async (folder) => {
      const words = ['shell', folder, '--', 'sh', '-c', 'pwd; id -u; cat made.txt; cat; touch x || exit 7'];
      const run = await local(words, { input: ' and read' });
      expect([run.code, run.stdout]).toEqual([7, '/opt/algorithm\n2222\nmade and read']);
      expect(run.stderr).toContain('Read-only file system');
    });
  });

  it('is a terminal where there is one', async () => {
    await withFolder(python, async (folder) => {
      const command = `stty rows 33 cols 99; exec ${process.execPath} ${main} shell ${folder}`;
      const child = spawn('/usr/bin/script', ['-qec', command, '/dev/null'], {
        env: { PATH: process.env['PATH'], MILLRACE_DATA_DIR: data, SHELL: '/bin/sh' },
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      let seen = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        seen += text;
      });
      const closed = once(child, 'close');
      const until = async (text: string): Promise<void> => {
        await eventually(async () => await Promise.resolve(seen.includes(text) ? true : undefined), { what: text });
      };
      await until('$ ');
      child.stdin.write('stty size; tty; python3 -c "import src.Adder as a; print(a.apply(\'pty\'))"\n');
      await until('33 99');
      await until('/dev/pts/');
      await until('ahoj pty');
      child.stdin.write('exit 5\n');
      expect(await closed).toEqual([5, null]);
    });
  });
});

describe('serve', () => {
  it('answers like the platform, takes over what changed, and keeps what works when a change does not', async () => {
    await withFolder(probe('Served'), async (folder) => {
      const file = join(folder, 'src/Served.py');
      const child = spawn(process.execPath, [main, 'serve', folder, '--port', '0', '--json'], {
        env: { PATH: process.env['PATH'], MILLRACE_DATA_DIR: data },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const closed = once(child, 'close');
      const [line] = (await once(child.stdout, 'data')) as [Buffer];
      const { address } = JSON.parse(line.toString()) as { address: string };
      const served = createE2eClient({ address, adminKey: 'anything' });
      const wire = async (path: string, body: unknown): Promise<string> =>
        (await served.ask('POST', path, { body })).text;
      const answers = async (text: string): Promise<void> => {
        await eventually(async () => ((await wire('/', 'x')).includes(text) ? true : undefined), { what: text });
      };
      await remote.deploy(probe('Served'));
      const withoutTime = (text: string): string => text.replace(/"duration":[0-9.e-]+/, '');
      for (const body of ['Grüße', { a: 1 }, Buffer.from([0, 1]), { do: 'raise', type: 'InputError' }]) {
        const there = await remote.call('admin/Served', { body });
        expect(withoutTime(await wire('/v1/algo/anybody/served/1.2.3', body))).toBe(withoutTime(there.text));
      }
      expect((await served.ask('POST', '/v1/algo/anybody/other', { body: 1 })).status).toBe(404);
      expect((await served.ask('POST', '/', { body: '{', type: 'application/json' })).status).toBe(400);
      await writeFile(file, 'def apply(input):\n    return "second"\n');
      await answers('second');
      await writeFile(file, 'raise RuntimeError("third")\n');
      await answers('second');
      await writeFile(file, 'def apply(input):\n    return "fourth"\n');
      await answers('fourth');
      child.kill('SIGINT');
      expect(await closed).toEqual([0, null]);
    });
  });
});
