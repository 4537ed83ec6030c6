import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve as absolute, join } from 'node:path';

const settingsOf = (folder) => ({
  'Dir::State': folder,
  'Dir::State::status': join(folder, 'status'),
  'Dir::Cache': folder,
  'APT::Sandbox::User': '',
  'APT::Install-Recommends': 'false',
  'Acquire::ForceHash': 'SHA256',
  'Acquire::Languages': 'none',
  // Only the index of packages: none of descriptions, file lists and icons.
  ...Object.fromEntries(
    ['deb::DEP-11', 'deb::CNF', 'deb::Contents-deb', 'deb-src::Sources'].map((target) => [
      `Acquire::IndexTargets::${target}::DefaultEnabled`,
      'false',
    ]),
  ),
});

const mustRun = (program, words) => {
  const { status, error } = spawnSync(program, words, { stdio: 'inherit' });
  if (status !== 0) throw new Error(`${program} failed${error === undefined ? '' : `: ${error.message}`}.`);
};

/** `'address' file size SHA256:digest` */
const printed = /^'([^']+)' (\S+) (\d+) SHA256:([0-9a-f]{64})$/;

const digestOf = (file) => createHash('sha256').update(readFileSync(file)).digest('hex');

/** apt with a state of its own in `folder`, for which `status` is what is installed. */
export const createApt = (folder, status) => {
  const state = absolute(folder);
  for (const name of ['lists/partial', 'archives/partial']) mkdirSync(join(state, name), { recursive: true });
  writeFileSync(join(state, 'status'), status);
  const options = Object.entries(settingsOf(state)).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const ask = (program, words) =>
    execFileSync(program, [...options, ...words], { encoding: 'utf8', maxBuffer: 2 ** 26 });

  /** Where the configured sources keep their packages. Which these are belongs to this machine, so no lock names them. */
  const sources = () => {
    const words = ['indextargets', '--no-release-info', '--format', '$(REPO_URI)'];
    return [...new Set(ask('/usr/bin/apt-get', words).split('\n'))].filter((address) => address !== '');
  };

  const entryOf = (line, roots) => {
    const [, address, file, size, sha256] = printed.exec(line) ?? [];
    const root = roots.find((each) => address?.startsWith(each));
    if (root === undefined) throw new Error(`apt-get names a package without a digest or from nowhere: ${line}`);
    const [name, version, architecture] = file
      .replace(/\.deb$/, '')
      .split('_')
      .map(decodeURIComponent);
    return { name, version, architecture, sizeBytes: Number(size), sha256, path: address.slice(root.length) };
  };

  const isThere = (entry, file) => existsSync(file) && digestOf(file) === entry.sha256;

  /** Fetches what is missing from one source, all at once; what it does not have stays missing. */
  const fetchFrom = (root, missing, retries) => {
    const triples = missing.flatMap(({ entry, file }) => [root + entry.path, file, `SHA256:${entry.sha256}`]);
    const words = [...options, '-o', `Acquire::Retries=${retries}`, '-qq', 'download-file', ...triples];
    spawnSync('/usr/lib/apt/apt-helper', words, { stdio: 'ignore' });
    return missing.filter(({ entry, file }) => !isThere(entry, file));
  };

  return {
    update: () =>
      mustRun('/usr/bin/apt-get', [...options, '-q', '-o', 'Acquire::Retries=3', 'update', '--error-on=any']),
    /** What has to be installed for `names` (`name` or `name=version`) to work, sorted by name. */
    resolve: (names) => {
      const words = ['-qq', '--print-uris', 'install', '--', ...names];
      const {
        status: code,
        stdout,
        stderr,
      } = spawnSync('/usr/bin/apt-get', [...options, ...words], {
        encoding: 'utf8',
        maxBuffer: 2 ** 26,
      });
      if (code !== 0) throw new Error(`${stdout}${stderr}`.trim());
      const roots = sources();
      return stdout
        .split('\n')
        .filter((line) => line.startsWith("'"))
        .map((line) => entryOf(line, roots))
        .sort((left, right) => (left.name < right.name ? -1 : 1));
    },
    /** Files of these packages, in the same order, each with the locked digest. Throws when one is not to be had. */
    download: (entries, target) => {
      const files = entries.map(({ sha256 }) => join(absolute(target), `${sha256}.deb`));
      let missing = entries.map((entry, n) => ({ entry, file: files[n] }));
      // A source that lacks a file is asked once; only then it is worth asking again what failed everywhere.
      for (const retries of [0, 3]) {
        for (const root of sources()) missing = missing.length === 0 ? [] : fetchFrom(root, missing, retries);
      }
      if (missing.length > 0) {
        const names = missing.map(({ entry }) => `${entry.name} ${entry.version}`).join(', ');
        throw new Error(`No package source of this machine has what the lock names: ${names}. Resolve them again.`);
      }
      return files;
    },
  };
};
