import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { mustRun, run } from './command.mjs';
import { places } from './places.mjs';
import { SetupProblem } from './problem.mjs';
import { isStamped, stamp } from './stamp.mjs';

const folders = () => [
  ...new Set([...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin']),
];

/** The real path of a program; undefined when it is not installed. */
const find = (program) => {
  const file = folders()
    .map((folder) => join(folder, program))
    .find((candidate) => existsSync(candidate));
  return file === undefined ? undefined : realpathSync(file);
};

const succeeds = (program, words) => spawnSync(program, words, { stdio: 'ignore' }).status === 0;

const javaIsRecent = () => {
  const { stderr } = spawnSync('java', ['-version'], { encoding: 'utf8' });
  return Number(/version "(\d+)/.exec(stderr ?? '')?.[1] ?? 0) >= 17;
};

/**
 * What sandboxes and builds need: the program that shows it is there, Debian's packages (of alternatives the first that
 * exists), and a closer look.
 */
const forSandboxes = [
  {
    program: 'python3',
    debian: [['python3'], ['python3-venv'], ['python3-pip']],
    name: 'Python 3 with venv and pip',
    check: () => succeeds('python3', ['-c', 'import venv, ensurepip, pip']),
  },
  { program: 'bwrap', debian: [['bubblewrap']], name: 'bubblewrap' },
  { program: 'slirp4netns', debian: [['slirp4netns']], name: 'slirp4netns' },
  { program: 'setpriv', debian: [['util-linux']], name: 'setpriv (util-linux)' },
  { program: 'ip', debian: [['iproute2']], name: 'ip (iproute2)' },
];

/** What the platform needs besides. */
const forPlatform = [
  {
    program: 'java',
    debian: [['openjdk-17-jre-headless', 'openjdk-21-jre-headless', 'default-jre-headless']],
    name: 'Java 17 or later',
    check: javaIsRecent,
  },
  { program: 'mvn', debian: [['maven']], name: 'Maven' },
  { program: 'git', debian: [['git']], name: 'git' },
  { program: 'kcat', debian: [['kcat']], name: 'kcat' },
];

/** Where the programs lie; when one moves, the closer look is taken again. */
const inventoryOf = (list) => list.map(({ program }) => `${program}=${find(program) ?? ''}`).join(' ');
const lackingOf = (list) => list.filter(({ program, check }) => find(program) === undefined || check?.() === false);

const hasLists = () => {
  try {
    return readdirSync('/var/lib/apt/lists').some((name) => name.includes('_Packages'));
  } catch {
    return false;
  }
};

const isOffered = async (name) => (await run('apt-cache', ['show', '--no-all-versions', name])).ok;

const debianNames = async (missing) => {
  const names = [];
  for (const alternatives of missing.flatMap(({ debian }) => debian)) {
    let chosen = alternatives[0];
    for (const name of alternatives.length > 1 ? alternatives : []) {
      if (!(await isOffered(name))) continue;
      chosen = name;
      break;
    }
    names.push(chosen);
  }
  return names;
};

/** How to become root: not at all, by sudo without a password, or not possible. */
const rootPrefix = async () => {
  if (process.getuid?.() === 0) return [];
  return (await run('sudo', ['-n', 'true'])).ok ? ['sudo', '-n'] : undefined;
};

const installWords = (names) => ['apt-get', 'install', '-y', '--no-install-recommends', ...names];

const tellAdministrator = async (missing) => {
  const list = missing.map(({ name }) => name).join(', ');
  if (find('apt-get') === undefined) {
    throw new SetupProblem(`This machine lacks: ${list}.\nInstall them with its package manager, then start again.`);
  }
  const words = installWords(await debianNames(missing)).join(' ');
  throw new SetupProblem(
    `This machine lacks: ${list}.\nAn administrator has to run, once:\n\n  sudo sh -c 'apt-get update && ${words}'`,
  );
};

const install = async (missing, tell) => {
  const prefix = find('apt-get') === undefined ? undefined : await rootPrefix();
  if (prefix === undefined) return await tellAdministrator(missing);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const apt = async (words) => {
    const [command, ...rest] = [...prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', ...words];
    await mustRun(command, rest, { onLine: tell, env });
  };
  if (!hasLists()) await apt(['apt-get', 'update', '-q']);
  const names = await debianNames(missing);
  try {
    await apt([...installWords(names), '-q']);
  } catch {
    // The lists may be older than what the servers still have.
    await apt(['apt-get', 'update', '-q']);
    await apt([...installWords(await debianNames(missing)), '-q']);
  }
  return names;
};

/**
 * Installs what is missing of a list like `needed`; gives the packages. Throws a problem that tells what to do.
 */
export const installPrograms = async (list, tell) => {
  const missing = lackingOf(list);
  const names = missing.length === 0 ? [] : await install(missing, tell);
  const still = lackingOf(list);
  if (still.length > 0) await tellAdministrator(still);
  return names;
};

const stepOf = (list, stampName) => {
  const stampFile = join(places.modules, stampName);
  return {
    title: 'system packages',
    isDone: () => {
      const found = inventoryOf(list);
      return !found.includes('= ') && !found.endsWith('=') && isStamped(stampFile, found);
    },
    run: async (tell) => {
      const names = await installPrograms(list, tell);
      stamp(stampFile, inventoryOf(list));
      return names.length === 0 ? 'all there' : names.join(' ');
    },
  };
};

/** Programs of the machine's own package manager. */
export const systemPackages = stepOf([...forPlatform, ...forSandboxes], '.millrace-system');

/** What tests need beside: the real parts of drivers. */
export const testPackages = stepOf(
  [{ program: 'redis-server', debian: [['redis-server']], name: 'Redis' }],
  '.millrace-tests',
);

/** Those alone that run an algorithm on this machine. */
export const sandboxPackages = stepOf(forSandboxes, '.millrace-sandboxes');
