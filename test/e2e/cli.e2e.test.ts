import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { type CliOptions, type CliRun, createE2eClient, eventually, withFolder } from '../helpers/e2e-client.ts';
import { repository } from '../helpers/e2e-process.ts';
import { probe } from '../helpers/e2e-sources.ts';

const platform = inject('platform');
const client = createE2eClient(platform);
const commands = ['new', 'deploy', 'call', 'logs', 'lock', 'status', 'request', 'topics', 'dead', 'demo'];
const escape = String.fromCharCode(27);

const done = async (words: readonly string[], options?: CliOptions): Promise<CliRun> => {
  const run = await client.cli(words, options);
  expect([run.code, run.stderr.includes('error: ')], run.stderr).toEqual([0, false]);
  expect(run.stdout + run.stderr).not.toContain(escape);
  return run;
};

beforeAll(async () => {
  await client.deploy(probe('Spoken'));
});

describe('help and usage', () => {
  it('is there for the whole and for every command', async () => {
    const { stdout } = await done(['--help']);
    for (const command of commands) expect(stdout).toMatch(new RegExp(`^  ${command} +\\S`, 'm'));
    const helps = await Promise.all(commands.map(async (command) => await done([command, '--help'])));
    for (const [at, help] of helps.entries()) expect(help.stdout).toContain(`Usage: millrace ${commands[at] ?? ''}`);
  });

  it.each([
    [[]],
    [['fly']],
    [['deploy']],
    [['deploy', 'x', '--fast']],
    [['call', 'nothing', '--text', 'x']],
    [['call', 'a/b', '--text', 'x', '--json', '1']],
    [['logs']],
    [['lock']],
    [['request']],
    [['dead', 'raise']],
    [['dead', 'show', 'x']],
    [['new', '9lives']],
    [['new', 'x', '--language', 'cobol']],
  ])('%j is wrong usage: exit code 2', async (words) => {
    const run = await client.cli(words);
    expect(run.code).toBe(2);
    expect(run.stdout + run.stderr).toContain('millrace');
  });

  it('tells when the platform does not answer: exit code 3', async () => {
    const run = await client.cli(['status'], { address: 'http://127.0.0.1:1' });
    expect([run.code, run.stdout]).toEqual([3, '']);
    expect(run.stderr).toContain('http://127.0.0.1:1 does not answer');
    expect(run.stderr).toContain('MILLRACE_API');
  });

  it('tells what the platform refused: exit code 1', async () => {
    const run = await client.cli(['status'], { key: 'simNobody' });
    expect([run.code, run.stdout, run.stderr]).toEqual([1, '', 'error: the API key is not known or was revoked\n']);
  });
});

describe('call', () => {
  it('sends text, JSON and bytes and prints the result as it is', async () => {
    expect((await done(['call', 'admin/Spoken', '--text', 'Grüße'])).stdout).toBe('Grüße\n');
    expect((await done(['call', 'admin/Spoken/0.1.0', '--json', '{"a":[1]}'])).stdout).toBe('{"a":[1]}\n');
    expect((await done(['call', 'admin/Spoken'], { input: '[true]' })).stdout).toBe('[true]\n');
    expect((await done(['call', 'admin/Spoken'], { input: 'no JSON' })).stdout).toBe('no JSON\n');
    const bytes = await withFolder(
      { 'a.bin': 'bytes' },
      async (cwd) => await done(['call', 'admin/Spoken', '--file', 'a.bin'], { cwd }),
    );
    expect(bytes.stdout).toBe('bytes');
    const whole = await done(['call', 'admin/Spoken', '--text', 'x', '--output', 'json']);
    expect(JSON.parse(whole.stdout)).toMatchObject({ result: 'x', metadata: { content_type: 'text' } });
  });

  it('fails with type, message and trace of what the algorithm raised', async () => {
    const run = await client.cli(['call', 'admin/Spoken', '--json', '{"do":"raise","type":"InputError"}']);
    expect([run.code, run.stdout]).toEqual([1, '']);
    expect(run.stderr).toContain('error: InputError: went wrong');
    expect(run.stderr).toContain('in fail');
  });

  it('prints the id of a call that it does not wait for, and request shows its hops', async () => {
    const id = (await done(['call', 'admin/Spoken', '--text', 'x', '--void'])).stdout.trim();
    expect(id).toMatch(/^req-/);
    const shown = await eventually(async () => {
      const { stdout } = await done(['request', id]);
      return stdout.includes('succeeded') ? stdout : undefined;
    });
    for (const hop of ['accepted', 'taken', 'started', 'finished']) expect(shown).toMatch(new RegExp(`^${hop} `, 'm'));
    expect(JSON.parse((await done(['request', id, '--json'])).stdout)).toMatchObject({ request_id: id, result: 'x' });
  });

  it('is there as bin/millrace, which finds the platform by its address', async () => {
    const child = spawn(join(repository, 'bin/millrace'), ['call', 'admin/Spoken', '--text', 'x'], {
      env: { ...process.env, MILLRACE_API: platform.address, MILLRACE_API_KEY: platform.adminKey },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
    });
    expect([await once(child, 'close'), printed]).toEqual([[0, null], 'x\n']);
  });
});

describe('status', () => {
  it('shows broker, processes with their slots, and lag', async () => {
    const { stdout } = await done(['status']);
    expect(stdout).toContain(`broker 127.0.0.1:${platform.kafkaPort} up`);
    expect(stdout).toMatch(/^PROCESS +ROLES +POOL +SLOTS/m);
    expect(stdout).toMatch(/ executor +cpu +\d+\/\d+ /);
    const parsed = JSON.parse((await done(['status', '--json'])).stdout) as { processes: { roles: string[] }[] };
    const roles = new Set(parsed.processes.flatMap((each) => each.roles));
    expect([...roles].sort()).toEqual(['builder', 'control', 'executor', 'ingress', 'router']);
  });
});

describe('lock', () => {
  it('prints what the newest build was resolved to', async () => {
    const { stdout } = await done(['lock', 'admin/Spoken']);
    expect(JSON.parse(stdout)).toEqual({ lockVersion: 1, environment: 'python3', system: null, dependencies: null });
  });
});

describe('logs', () => {
  it('prints what runs wrote, and goes on with --follow until it is interrupted', async () => {
    const print = ['call', 'admin/Spoken', '--json', '{"do":"print"}'];
    await done(print);
    const before = await eventually(async () => {
      const { stdout } = await done(['logs', 'admin/Spoken']);
      return stdout.includes('to stdout') && stdout.includes('to stderr') ? stdout : undefined;
    });
    const lines = (text: string): number => text.split('to stdout').length - 1;
    const child = spawn(process.execPath, [join(repository, 'src/cli/main.ts'), 'logs', 'admin/Spoken', '--follow'], {
      env: { PATH: process.env['PATH'], MILLRACE_API: platform.address, MILLRACE_API_KEY: platform.adminKey },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const closed = once(child, 'close');
    let followed = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      followed += text;
    });
    const linesAtLeast = async (wanted: number): Promise<void> => {
      const seen = async (): Promise<true | undefined> =>
        await Promise.resolve(lines(followed) >= wanted ? true : undefined);
      await eventually(seen, { what: `line ${wanted} of the followed log` });
    };
    await linesAtLeast(lines(before));
    await done(print);
    await linesAtLeast(lines(before) + 1);
    child.kill('SIGINT');
    expect(await closed).toEqual([0, null]);
  });
});

describe('new', () => {
  it.each(['python', 'javascript'])('makes a %s algorithm that is deployed and answers', async (language) => {
    const name = `fresh_${language}`;
    await withFolder({}, async (cwd) => {
      const made = await done(['new', name, '--language', language, '--json'], { cwd });
      const { files } = JSON.parse(made.stdout) as { files: string[] };
      for (const file of files) expect(existsSync(join(cwd, name, file))).toBe(true);
      const again = await client.cli(['new', name], { cwd });
      expect([again.code, again.stderr]).toEqual([1, `error: the folder ${name} exists and is not empty\n`]);
      const deployed = await done(['deploy', name], { cwd });
      expect(deployed.stdout).toMatch(
        new RegExp(`^admin/${name}/0\\.1\\.0 {2}ready in [0-9.]+ s {2}\\(build [0-9a-f]{8}\\)\n$`),
      );
      expect(deployed.stderr).not.toContain('test: failed');
      expect((await done(['call', `admin/${name}`, '--text', 'you'])).stdout).toBe('hello you\n');
      const same = JSON.parse((await done(['deploy', name, '--json'], { cwd })).stdout) as object;
      expect(same).toMatchObject({ reference: `admin/${name}/0.1.0`, unchanged: true });
    });
  });
});
