import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BuildHash, buildHashOf, isBuildHash } from '../../kernel/ids.ts';
import { limits } from '../../kernel/limits.ts';
import { gitErrors } from './errors.ts';
import { extractTar } from './extract-tar.ts';
import type { CommitEntry, CommitOptions, GitRepositories, LogOptions, Repository } from './git.ts';
import { runGit, streamGit, tryGit } from './git-command.ts';
import { writeTree } from './write-tree.ts';

export interface BareRepositoriesOptions {
  /** Repositories lie at `<folder>/<owner>/<name>.git`. Processes of several hosts need a shared volume. */
  readonly folder: string;
}

const namePattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/;
const branchPattern = /^[A-Za-z0-9_][A-Za-z0-9_-]{0,99}$/;
const commitTries = 5;
const defaultBranch = 'master';

/** Takes the attributes of `.gitattributes` back: no conversion of line ends, no filters, nothing left out. */
const attributes = '* !text !eol !crlf !ident !filter !working-tree-encoding !export-ignore !export-subst\n';

const checkNames = (names: readonly string[]): void => {
  for (const name of names) {
    if (namePattern.test(name) && !name.endsWith('.lock')) continue;
    throw gitErrors.BAD_NAME({ message: `${JSON.stringify(name)} cannot name a repository.` });
  }
};

const refOf = (branch: string): string => {
  if (branchPattern.test(branch)) return `refs/heads/${branch}`;
  throw gitErrors.BAD_NAME({ message: `${JSON.stringify(branch)} cannot name a branch.` });
};

const isFolder = async (path: string): Promise<boolean> =>
  await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

const hasCommit = async (repository: string, hash: string): Promise<boolean> =>
  isBuildHash(hash) && (await tryGit({ repository, args: ['cat-file', '-e', `${hash}^{commit}`] })).status === 0;

const needCommit = async (repository: string, hash: string): Promise<BuildHash> => {
  if (await hasCommit(repository, hash)) return buildHashOf(hash);
  throw gitErrors.NOT_FOUND({ message: `The repository has no commit ${hash.slice(0, 60)}.`, details: { hash } });
};

/** The object that a name stands for, or null. */
const resolve = async (repository: string, name: string): Promise<string | null> => {
  const { status, stdout } = await tryGit({ repository, args: ['rev-parse', '--verify', '--quiet', name] });
  return status === 0 ? stdout.toString('latin1').trim() : null;
};

const headOf = async (repository: string, branch: string): Promise<BuildHash | null> => {
  const hash = await resolve(repository, `${refOf(branch)}^{commit}`);
  return hash === null ? null : buildHashOf(hash);
};

const identity = ({ author }: CommitOptions): Readonly<Record<string, string>> => ({
  GIT_AUTHOR_NAME: author.name,
  GIT_AUTHOR_EMAIL: author.email,
  GIT_COMMITTER_NAME: author.name,
  GIT_COMMITTER_EMAIL: author.email,
});

/** Commits the tree on the branch as it is now; null when the branch moved meanwhile. */
const commitTree = async (repository: string, tree: string, options: CommitOptions): Promise<BuildHash | null> => {
  const branch = options.branch ?? defaultBranch;
  const parent = await headOf(repository, branch);
  if (parent !== null && (await resolve(repository, `${parent}^{tree}`)) === tree) return parent;
  const args = ['commit-tree', tree, ...(parent === null ? [] : ['-p', parent])];
  const output = await runGit({ repository, args, input: options.message, env: identity(options) });
  const hash = buildHashOf(output.toString('latin1').trim());
  const old = parent ?? '0'.repeat(40);
  const moved = await tryGit({ repository, args: ['update-ref', refOf(branch), hash, old] });
  return moved.status === 0 ? hash : null;
};

const logFormat = ['%H', '%an', '%ae', '%at', '%B'];

const toCommits = (output: Buffer): readonly CommitEntry[] => {
  const fields = output.toString('utf8').split('\0');
  return Array.from({ length: Math.floor(fields.length / logFormat.length) }, (_, index) => {
    const at = index * logFormat.length;
    const [hash = '', name = '', email = '', seconds = '', message = ''] = fields.slice(at, at + logFormat.length);
    return { hash: buildHashOf(hash), author: { name, email }, atMs: Number(seconds) * 1000, message: message.trim() };
  });
};

const readLog = async (repository: string, options: LogOptions): Promise<readonly CommitEntry[]> => {
  const { since, until, commitsMax = 100 } = options;
  const newest = until === undefined ? await headOf(repository, defaultBranch) : await needCommit(repository, until);
  if (newest === null) return [];
  const range = since === undefined ? [] : ['--not', `${await needCommit(repository, since)}^@`];
  const format = `--format=tformat:${logFormat.join('%x00')}`;
  return toCommits(
    await runGit({ repository, args: ['log', '-z', `--max-count=${commitsMax}`, format, newest, ...range] }),
  );
};

/** Builds the driver over bare repositories and the machine's `git`. */
export const createBareRepositories = ({ folder }: BareRepositoriesOptions): GitRepositories => {
  const pathOf = ({ owner, name }: Repository): string => {
    checkNames([owner, name]);
    return join(folder, owner.toLowerCase(), `${name.toLowerCase()}.git`);
  };
  const existing = async (repository: Repository): Promise<string> => {
    const path = pathOf(repository);
    if (await isFolder(join(path, 'objects'))) return path;
    const { owner, name } = repository;
    throw gitErrors.NOT_FOUND({ message: `${owner}/${name} has no repository.`, details: { owner, name } });
  };

  return {
    create: async (repository) => {
      const path = pathOf(repository);
      await mkdir(path, { recursive: true });
      await runGit({
        repository: path,
        args: ['init', '--quiet', '--bare', '--template=', `--initial-branch=${defaultBranch}`],
      });
      await mkdir(join(path, 'info'), { recursive: true });
      await writeFile(join(path, 'info', 'attributes'), attributes);
    },
    exists: async (repository) => await isFolder(join(pathOf(repository), 'objects')),
    commitFolder: async (repository, source, options) => {
      const path = await existing(repository);
      const tree = await writeTree(path, source);
      for (let tried = 0; tried < commitTries; tried += 1) {
        const hash = await commitTree(path, tree, options);
        if (hash !== null) return hash;
      }
      throw gitErrors.BUSY({ message: `Others keep committing to ${repository.owner}/${repository.name}: try again.` });
    },
    checkout: async (repository, hash, target) => {
      const path = await existing(repository);
      const commit = await needCommit(path, hash);
      const bounds = { entriesMax: limits.sourceEntries, bytesMax: limits.sourceBytes };
      await streamGit({ repository: path, args: ['archive', '--format=tar', commit] }, async (tar) => {
        await extractTar(tar, target, { limits: bounds });
      });
    },
    has: async (repository, hash) => await hasCommit(await existing(repository), hash),
    head: async (repository, branch = defaultBranch) => await headOf(await existing(repository), branch),
    log: async (repository, options = {}) => await readLog(await existing(repository), options),
    remove: async (repository) => await rm(pathOf(repository), { recursive: true, force: true }),
  };
};
