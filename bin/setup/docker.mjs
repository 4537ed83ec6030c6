import { spawn, spawnSync } from 'node:child_process';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { mustRun } from './command.mjs';
import { places } from './places.mjs';
import { SetupProblem } from './problem.mjs';
import { installPrograms } from './system-packages.mjs';

const programs = [
  { program: 'dockerd', debian: [['docker.io']], name: 'a Docker engine (docker.io)' },
  { program: 'docker', debian: [['docker.io']], name: 'the Docker client (docker.io)' },
  { program: 'iptables', debian: [['iptables']], name: 'iptables' },
  { program: 'debootstrap', debian: [['debootstrap']], name: 'debootstrap' },
];

const answers = () => spawnSync('docker', ['version'], { stdio: 'ignore' }).status === 0;
const startMs = 30_000;
const logFile = '/var/log/dockerd.log';

/** Without an init system nobody else starts it; it outlives this process, as a service would. */
const start = async () => {
  if (process.getuid?.() !== 0) {
    throw new SetupProblem(
      'No Docker engine answers. Start it, and let this user use it:\n\n  sudo systemctl start docker\n  sudo usermod -aG docker "$USER"',
    );
  }
  const log = openSync(logFile, 'a');
  spawn('dockerd', [], { cwd: '/', detached: true, stdio: ['ignore', log, log] }).unref();
  const untilMs = Date.now() + startMs;
  while (!answers()) {
    if (Date.now() > untilMs) {
      throw new SetupProblem(`The Docker engine does not start. What it said stands in ${logFile}`);
    }
    await setTimeout(100);
  }
};

/** A Docker engine that answers. Only tests and whoever sets `MILLRACE_SANDBOX=docker` need one. */
export const dockerEngine = {
  title: 'docker engine',
  isDone: answers,
  run: async (tell) => {
    await installPrograms(programs, tell);
    if (!answers()) await start();
    return (await mustRun('docker', ['version', '--format', '{{.Server.Version}}'])).trim();
  },
};

const imageTool = join(places.root, 'tools/sandbox-image.ts');

/** The image of sandboxes, made once; the driver would make it at its first start. */
export const sandboxImage = {
  title: 'sandbox image',
  isDone: () => spawnSync(places.nodeBinary, [imageTool, '--check'], { stdio: 'ignore' }).status === 0,
  run: async (tell) => {
    const text = await mustRun(places.nodeBinary, [imageTool], { onLine: tell });
    return text.trim().split('\n').at(-1);
  },
};
