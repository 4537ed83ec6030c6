import { execFileSync } from 'node:child_process';
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createBareRepositories } from './bare-repositories.ts';
import type { CommitOptions, GitRepositories } from './git.ts';

const repository = { owner: 'Ada', name: 'Hello' };
const by: CommitOptions = { author: { name: 'Ada <L>', email: 'ada@example.org' }, message: 'Say hello\n\nTwice.' };
const absent = 'ab'.repeat(20);

let root: string;
let folder: string;
let git: GitRepositories;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'millrace-git-'));
  folder = join(root, 'source');
  await mkdir(join(folder, 'src'), { recursive: true });
  await writeFile(join(folder, 'src/hello.py'), 'def apply(input):\r\n    return "hello"\n');
  git = createBareRepositories({ folder: join(root, 'git') });
  await git.create(repository);
});
afterEach(async () => await rm(root, { recursive: true, force: true }));

const write = async (path: string, content: string | Buffer): Promise<void> =>
  await writeFile(join(folder, path), content);

const bareGit = (...args: string[]): string =>
  execFileSync('git', ['--git-dir', join(root, 'git/ada/hello.git'), ...args], { encoding: 'utf8' }).trim();

describe('git repositories', () => {
  it('commits a folder and gives it back byte for byte', async () => {
    const bytes = Buffer.from([0, 13, 10, 255, 10]);
    await write('data.bin', bytes);
    await write('run.sh', '#!/bin/sh\n');
    await chmod(join(folder, 'run.sh'), 0o755);
    await symlink('src/hello.py', join(folder, 'main'));
    await write('ünïcode name.txt', 'x');
    const hash = await git.commitFolder(repository, folder, by);
    expect(hash).toMatch(/^[0-9a-f]{40}$/);
    const out = join(root, 'out');
    await git.checkout(repository, hash, out);
    expect((await readdir(out, { recursive: true })).sort()).toEqual(
      (await readdir(folder, { recursive: true })).sort(),
    );
    expect((await readFile(join(out, 'data.bin'))).equals(bytes)).toBe(true);
    expect(await readFile(join(out, 'src/hello.py'), 'utf8')).toContain('\r\n');
    expect((await lstat(join(out, 'run.sh'))).mode & 0o111).not.toBe(0);
    expect(await readlink(join(out, 'main'))).toBe('src/hello.py');
  });

  it('ignores what .gitignore and .gitattributes ask for: the commit is the folder', async () => {
    await write('.gitignore', '*\n');
    await write(
      '.gitattributes',
      '* text eol=crlf ident export-subst working-tree-encoding=UTF-16\nsecret export-ignore\n*.py filter=evil\n',
    );
    await write('.git-like', 'x');
    await write('kept', '$Id$ $Format:%H$\n');
    await write('secret', 'here\n');
    const out = join(root, 'out');
    await git.checkout(repository, await git.commitFolder(repository, folder, by), out);
    expect(await readFile(join(out, 'kept'), 'utf8')).toBe('$Id$ $Format:%H$\n');
    expect((await readdir(out)).sort()).toEqual((await readdir(folder)).sort());
  });

  it('leaves .git folders out and does not take a folder with one for a submodule', async () => {
    await mkdir(join(folder, '.git/hooks'), { recursive: true });
    await mkdir(join(folder, 'vendored/.git'), { recursive: true });
    await write('vendored/.git/HEAD', 'ref: refs/heads/main\n');
    await write('vendored/code.py', 'pass\n');
    await git.commitFolder(repository, folder, by);
    expect(bareGit('ls-tree', '-r', '--name-only', 'master').split('\n')).toEqual(['src/hello.py', 'vendored/code.py']);
  });

  it('answers the head when nothing changed, and else builds history on it', async () => {
    expect(await git.head(repository)).toBeNull();
    expect(await git.log(repository)).toEqual([]);
    const first = await git.commitFolder(repository, folder, by);
    expect(await git.commitFolder(repository, folder, { ...by, message: 'again' })).toBe(first);
    await write('second', '2');
    const second = await git.commitFolder(repository, folder, { ...by, message: 'second' });
    await rm(join(folder, 'second'));
    const third = await git.commitFolder(repository, folder, { ...by, message: '' });
    expect(await git.head(repository)).toBe(third);
    const log = await git.log(repository);
    expect(log.map((commit) => commit.hash)).toEqual([third, second, first]);
    expect(log[2]).toMatchObject({
      author: { name: 'Ada L', email: 'ada@example.org' },
      message: 'Say hello\n\nTwice.',
    });
    expect(log[2]?.atMs).toBeGreaterThan(1_700_000_000_000);
    const hashes = async (options: object) => (await git.log(repository, options)).map((commit) => commit.hash);
    expect(await hashes({ since: second })).toEqual([third, second]);
    expect(await hashes({ since: first, until: second })).toEqual([second, first]);
    expect(await hashes({ commitsMax: 1 })).toEqual([third]);
    bareGit('fsck', '--strict');
  });

  it('takes concurrent commits one after the other', async () => {
    const folders = await Promise.all(
      ['a', 'b', 'c'].map(async (name) => {
        const each = join(root, name);
        await mkdir(each);
        await writeFile(join(each, name), name);
        return each;
      }),
    );
    const hashes = await Promise.all(folders.map(async (each) => await git.commitFolder(repository, each, by)));
    expect(new Set((await git.log(repository)).map((commit) => commit.hash))).toEqual(new Set(hashes));
  });

  it('keeps branches apart', async () => {
    const hash = await git.commitFolder(repository, folder, { ...by, branch: 'draft' });
    expect(await git.head(repository)).toBeNull();
    expect(await git.head(repository, 'draft')).toBe(hash);
    await expect(git.head(repository, '../../evil')).rejects.toMatchObject({ code: 'GIT_BAD_NAME' });
  });

  it('knows its commits and no others', async () => {
    const hash = await git.commitFolder(repository, folder, by);
    expect(await git.has(repository, hash)).toBe(true);
    for (const other of [absent, 'master', '--help', hash.slice(0, 12), bareGit('rev-parse', `${hash}^{tree}`)]) {
      expect(await git.has(repository, other)).toBe(false);
      await expect(git.checkout(repository, other, join(root, 'out'))).rejects.toMatchObject({ code: 'GIT_NOT_FOUND' });
      await expect(git.log(repository, { since: other })).rejects.toMatchObject({ code: 'GIT_NOT_FOUND' });
    }
  });

  it('finds a repository whatever the case of its name, and says when there is none', async () => {
    expect(await git.exists({ owner: 'ADA', name: 'hello' })).toBe(true);
    await git.create(repository);
    await git.remove(repository);
    await git.remove(repository);
    expect(await git.exists(repository)).toBe(false);
    await expect(git.head(repository)).rejects.toMatchObject({ code: 'GIT_NOT_FOUND' });
    for (const owner of ['..', '.', '', '-x', 'a/b', 'a\0']) {
      await expect(git.create({ owner, name: 'x' })).rejects.toMatchObject({ code: 'GIT_BAD_NAME' });
    }
  });

  it('refuses an empty folder, links that lead out, pipes, and names that stand for .git elsewhere', async () => {
    const commit = async (): Promise<unknown> => await git.commitFolder(repository, folder, by);
    await rm(join(folder, 'src'), { recursive: true });
    await expect(commit()).rejects.toMatchObject({ code: 'SOURCE_EMPTY' });
    await symlink('../../etc/passwd', join(folder, 'link'));
    await expect(commit()).rejects.toMatchObject({ code: 'SOURCE_LINK_OUTSIDE' });
    await rm(join(folder, 'link'));
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    await expect(commit()).rejects.toMatchObject({ code: 'SOURCE_BAD_ENTRY' });
    await rm(join(folder, 'pipe'));
    await write('two\nlines', 'x');
    await expect(commit()).rejects.toMatchObject({ code: 'SOURCE_BAD_PATH' });
    await rm(join(folder, 'two\nlines'));
    await mkdir(join(folder, 'git~1'));
    await write('git~1/config', 'x');
    await expect(commit()).rejects.toMatchObject({ code: 'SOURCE_BAD_PATH' });
    expect(await git.head(repository)).toBeNull();
  });

  it('does not check a pushed link out that leads outside, and runs no hook', async () => {
    const blob = execFileSync('git', ['--git-dir', join(root, 'git/ada/hello.git'), 'hash-object', '-w', '--stdin'], {
      input: '/etc/passwd',
    })
      .toString()
      .trim();
    const tree = execFileSync('git', ['--git-dir', join(root, 'git/ada/hello.git'), 'mktree'], {
      input: `120000 blob ${blob}\tlink\n`,
    })
      .toString()
      .trim();
    const commit = bareGit('-c', 'user.name=e', '-c', 'user.email=e', 'commit-tree', tree, '-m', 'evil');
    await expect(git.checkout(repository, commit, join(root, 'out'))).rejects.toMatchObject({
      code: 'SOURCE_LINK_OUTSIDE',
    });
    const hooks = join(root, 'git/ada/hello.git/hooks');
    await mkdir(hooks, { recursive: true });
    for (const hook of ['reference-transaction', 'post-index-change']) {
      await writeFile(join(hooks, hook), `#!/bin/sh\ntouch ${join(root, 'ran')}\n`, { mode: 0o755 });
    }
    await git.commitFolder(repository, folder, by);
    expect(await readdir(root)).not.toContain('ran');
  });
});
