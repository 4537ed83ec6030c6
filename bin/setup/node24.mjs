import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { mustRun, run } from './command.mjs';
import { places } from './places.mjs';
import { SetupProblem } from './problem.mjs';
import { isStamped, stamp } from './stamp.mjs';

const stampFile = join(places.modules, '.millrace-node');

const lockedVersion = () => {
  try {
    return JSON.parse(readFileSync(places.nodePackage, 'utf8')).version;
  } catch {
    return '';
  }
};

const works = (version) =>
  existsSync(places.nodeBinary) &&
  spawnSync(places.nodeBinary, ['--version'], { encoding: 'utf8' }).stdout?.trim() === `v${version}`;

/** The npm package `node` fetches its binary by an install script, which some npm set-ups do not run. */
const fetchBinary = async (version, tell) => {
  const aside = join(places.modules, '.millrace-node-binary');
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  mkdirSync(aside, { recursive: true });
  tell(`${name}@${version}`);
  await mustRun('npm', [
    'install',
    '--prefix',
    aside,
    '--no-save',
    '--no-package-lock',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    `${name}@${version}`,
  ]);
  mkdirSync(dirname(places.nodeBinary), { recursive: true });
  copyFileSync(join(aside, 'node_modules', name, 'bin', 'node'), places.nodeBinary);
  rmSync(aside, { recursive: true, force: true });
};

/** Node 24, of the lock file; this machine's own only has to run npm. */
export const node24 = {
  title: 'node 24',
  isDone: () => {
    const version = lockedVersion();
    return existsSync(places.nodeBinary) && isStamped(stampFile, version);
  },
  run: async (tell) => {
    const version = lockedVersion();
    if (version === '') throw new SetupProblem('node_modules/node is missing. Run: npm ci');
    if (!works(version)) await run('npm', ['rebuild', 'node'], { onLine: tell });
    if (!works(version)) await fetchBinary(version, tell);
    if (!works(version))
      throw new SetupProblem(
        `Node ${version} does not run on this machine (${process.platform} ${process.arch}): ${places.nodeBinary}`,
      );
    stamp(stampFile, version);
    return `${version}, from the lock file; this machine's is ${process.versions.node}`;
  },
};
