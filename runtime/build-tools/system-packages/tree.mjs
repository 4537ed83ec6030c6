import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, lstatSync, mkdirSync, readdirSync, readlinkSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { alternativesIn, linkAlternatives } from './alternatives.mjs';
import { merged, mergedPath } from './merged.mjs';

/** Scripts and lists of one package. */
const controlBytesMax = 2 ** 26;

/** Reading matter that no program needs; of the documentation the licences stay. */
const leftOut = ['man', 'info', 'locale', 'lintian', 'bug', 'help', 'gtk-doc'].map((name) => `./usr/share/${name}`);

/** An empty tree. */
export const prepareTree = (root) => {
  mkdirSync(join(root, 'usr'), { recursive: true });
  for (const name of merged) {
    mkdirSync(join(root, 'usr', name), { recursive: true });
    symlinkSync(`usr/${name}`, join(root, name));
  }
};

/** The files of a package, without owners and special rights. tar fails, too, when it is given less than all. */
export const unpack = (file, root) => {
  const words = ['-x', '-C', root, '--keep-directory-symlink', '--no-same-owner', '--no-same-permissions'];
  const without = leftOut.map((path) => `--exclude=${path}`);
  const script = 'file=$1; shift; /usr/bin/dpkg-deb --fsys-tarfile "$file" | /usr/bin/tar "$@"';
  const { status } = spawnSync('/bin/sh', ['-c', script, 'sh', file, ...words, ...without], { stdio: 'inherit' });
  if (status !== 0) throw new Error(`${file} cannot be unpacked.`);
};

function* entriesBelow(root, below = '') {
  for (const name of readdirSync(join(root, below)).sort()) {
    const path = `${below}/${name}`;
    const found = lstatSync(join(root, path));
    yield { path, found };
    if (found.isDirectory()) yield* entriesBelow(root, path);
  }
}

/** A link that leads from the root becomes one that leads from where it stands: the tree is mounted elsewhere, too. */
const makeRelative = (root, path) => {
  const target = readlinkSync(join(root, path));
  const absolute = mergedPath(posix.resolve(dirname(path), target));
  unlinkSync(join(root, path));
  const relative = posix.relative(dirname(path), absolute);
  if (absolute === path || relative === '') return;
  symlinkSync(relative, join(root, path));
};

const scriptOf = (file) => {
  const control = execFileSync('/usr/bin/dpkg-deb', ['--ctrl-tarfile', file], { maxBuffer: controlBytesMax });
  const { stdout } = spawnSync('/usr/bin/tar', ['-xO', './postinst'], { input: control, encoding: 'utf8' });
  return stdout;
};

/** Libraries in folders that a package has the loader search appear where it searches anyway. */
const linkLibraries = (root) => {
  const folder = join(root, 'etc/ld.so.conf.d');
  const standard = `/usr/lib/${execFileSync('/usr/bin/uname', ['-m'], { encoding: 'utf8' }).trim()}-linux-gnu`;
  const files = spawnSync('/bin/sh', ['-c', 'cat "$1"/*.conf', 'sh', folder], { encoding: 'utf8' }).stdout;
  const searched = files
    .split('\n')
    .filter((line) => line.startsWith('/'))
    .map(mergedPath);
  for (const from of searched.filter((each) => each !== standard && lstatIn(root, each) !== null)) {
    for (const name of readdirSync(join(root, from))
      .filter((each) => /\.so(\.|$)/.test(each))
      .sort()) {
      const at = `${standard}/${name}`;
      if (lstatIn(root, at) !== null) continue;
      mkdirSync(join(root, standard), { recursive: true });
      symlinkSync(posix.relative(standard, `${from}/${name}`), join(root, at));
    }
  }
};

const lstatIn = (root, path) => lstatSync(join(root, path), { throwIfNoEntry: false }) ?? null;

/** Everything below `usr/share/doc` but licences; folders stay, and cost nothing. */
const isReading = (path, found) =>
  path.startsWith('/usr/share/doc/') && !found.isDirectory() && !path.endsWith('/copyright');

/** Makes of what was unpacked a tree that can be laid over a system. */
export const finishTree = (root, files) => {
  for (const name of merged) rmSync(join(root, name), { force: true });
  for (const name of readdirSync(root)) {
    if (name !== 'usr' && name !== 'etc') rmSync(join(root, name), { recursive: true, force: true });
  }
  linkAlternatives(
    root,
    files.flatMap((file) => alternativesIn(scriptOf(file))),
  );
  linkLibraries(root);
  for (const { path, found } of [...entriesBelow(root)]) {
    if (isReading(path, found)) rmSync(join(root, path));
    else if (found.isSymbolicLink()) makeRelative(root, path);
    else if (found.isDirectory()) chmodSync(join(root, path), 0o755);
    else if (found.isFile()) chmodSync(join(root, path), (found.mode & 0o100) === 0 ? 0o644 : 0o755);
    else rmSync(join(root, path));
  }
  for (const name of merged) removeIfEmpty(join(root, 'usr', name));
};

const removeIfEmpty = (folder) => {
  if (readdirSync(folder).length === 0) rmSync(folder, { recursive: true });
};
