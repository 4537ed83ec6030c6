import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Attacker, type HostileScene, openHostileScene, valueOf } from '../helpers/hostile-scene.ts';
import { driversUnderAttack } from './drivers.ts';

type Said = Readonly<Record<string, unknown>>;
const secret = 'the-secret-of-the-host';

/** The user that a process is to this host. */
const userOf = (pid: number): number => Number(/^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

/** Seconds from the start of this machine to that of a process; ticks of 10 ms on every Linux that we know. */
const startedS = (pid: number): number =>
  Number(
    readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ')[19],
  ) / 100;

describe.each(driversUnderAttack)('an algorithm that looks for what is not its own, under $kind', (driver) => {
  let scene: HostileScene;
  let attacker: Attacker;
  let hostFolder: string;
  let hostFile: string;

  beforeAll(async () => {
    process.env['HOSTILE_TEST_SECRET'] = secret;
    hostFolder = await mkdtemp(join(tmpdir(), 'hostile-host-'));
    await chmod(hostFolder, 0o755);
    hostFile = join(hostFolder, 'readable-by-all');
    await writeFile(hostFile, secret, { mode: 0o644 });
    scene = await openHostileScene(driver);
    attacker = await scene.deploy('escape');
  });
  afterAll(async () => {
    await scene.close();
    await rm(hostFolder, { recursive: true });
    delete process.env['HOSTILE_TEST_SECRET'];
  });

  const ask = async (todo: string, input: object = {}): Promise<Said> => {
    const result = await attacker.call(todo, input, { timeoutMs: 10_000 });
    expect(result.error).toBeNull();
    return valueOf(result) as Said;
  };

  it('is no user of this host, in a sandbox that was started before anybody called', async () => {
    const isRoot = process.getuid?.() === 0;
    if (isRoot) expect(scene.scenario.adopts).toBe(true);
    const visitor = await scene.deploy('escape');
    await scene.attack(visitor, async () => {
      const calledS = Number((await readFile('/proc/uptime', 'utf8')).split(' ')[0]);
      expect(valueOf(await visitor.call('ping'))).toBe('pong');
      const processes = visitor.processes();
      expect(new Set(processes.map(userOf))).toEqual(new Set([isRoot ? driver.user : process.getuid?.()]));
      if (scene.scenario.adopts) expect(Math.min(...processes.map(startedS))).toBeLessThan(calledS);
    });
  });

  it('sees its own processes only, and no environment but its own', async () => {
    await scene.attack(attacker, async () => {
      const seen = await ask('see_processes');
      expect(seen['pids']).toBeLessThan(6);
      expect(JSON.stringify(seen)).not.toContain(secret);
      expect(Object.keys(seen['own'] as object)).not.toContain('HOSTILE_TEST_SECRET');
    });
  });

  it('reads no file of the host, of the platform or of another sandbox, by whatever way', async () => {
    await scene.attack(attacker, async () => {
      const { folder } = scene.scenario;
      const paths = [
        hostFile,
        hostFolder,
        folder,
        join(folder, 'blobs'),
        join(folder, 'run/sandboxes'),
        join(folder, 'executor-0/layers'),
        '/etc/shadow',
        '/root',
        '/var/log',
        '/sys/kernel',
        '/dev/mem',
        '/dev/sda',
        '/proc/kcore',
        '/run/docker.sock',
        import.meta.filename,
      ];
      const said = await ask('read_files', { paths });
      // Missing, forbidden, or (an empty folder of the same name) nothing.
      for (const path of paths) expect(['ENOENT', 'EACCES', 'EPERM', '[]'], path).toContain(said[path]);
      const around = (await ask('read_around', { path: hostFile })) as unknown as readonly string[];
      expect(around.every((each) => ['ENOENT', 'EACCES'].includes(each))).toBe(true);
      const release = (await ask('read_around', { path: '/etc/hostname' })) as unknown as readonly string[];
      expect(release).not.toContain(await readFile('/etc/hostname', 'utf8'));
    });
  });

  it('finds no socket but the one to the platform, and reaches nobody else by one', async () => {
    await scene.attack(attacker, async () => {
      expect(await ask('find_sockets')).toEqual(['/run/millrace.sock']);
      const folder = join(scene.scenario.folder, 'executor-0/sockets');
      const sockets = existsSync(folder)
        ? readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name))
        : [];
      const paths = [...sockets, '/var/run/docker.sock', '/run/dbus/system_bus_socket', '\0/tmp/.X11-unix/X0'];
      const said = await ask('connect', { paths });
      for (const path of paths) expect(['ENOENT', 'EACCES', 'ECONNREFUSED'], path).toContain(said[path]);
    });
  });

  it('traces, reads and signals no process outside', async () => {
    await scene.attack(attacker, async () => {
      const pids = [process.pid, process.ppid, ...readdirSync('/proc').map(Number).filter(Number.isInteger)]
        .filter((pid) => pid > 100)
        .slice(0, 200);
      const said = await ask('trace', { pids });
      // Not there, or refused unseen.
      const refusal = expect.stringMatching(/^(ESRCH|EPERM)$/) as unknown;
      for (const pid of pids) expect(said[pid], `process ${pid}`).toEqual([refusal, refusal, 'ESRCH']);
    });
  });

  it('mounts nothing, enters no namespace, makes no device and becomes no other user', async () => {
    await scene.attack(attacker, async () => {
      const said = await ask('gain_rights');
      const refusals = ['EPERM', 'EACCES', 'EINVAL', 'ENOSPC', 'EROFS', 'ENOENT', 'ENOSYS', 'EBUSY'];
      for (const [what, outcome] of Object.entries(said)) expect(refusals, what).toContain(outcome);
    });
  });

  it('is refused the system calls that change the kernel or belong to all users of a machine', async () => {
    await scene.attack(attacker, async () => {
      // By number on x86-64, with how many arguments they take.
      const numbers = {
        add_key: [248, 5],
        request_key: [249, 4],
        keyctl: [250, 5],
        bpf: [321, 3],
        perf_event_open: [298, 5],
        init_module: [175, 3],
        kexec_load: [246, 4],
        swapon: [167, 2],
        reboot: [169, 4],
        acct: [163, 1],
        userfaultfd: [323, 1],
        open_by_handle_at: [304, 3],
      };
      const said = await ask('system_calls', { numbers });
      for (const [name, outcome] of Object.entries(said)) expect(outcome, name).not.toBe('ok');
    });
  });

  it('gains nothing by setuid programs', async () => {
    await scene.attack(attacker, async () => {
      const said = await ask('run_setuid');
      expect(said['copy']).toBe(String(said['uid']));
      expect(said['su']).not.toBe('0');
      const none = '0000000000000000';
      expect(said['status']).toMatchObject({ NoNewPrivs: '1', CapPrm: none, CapEff: none, CapAmb: none });
    });
  });
});
