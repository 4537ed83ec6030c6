import type { BuildHash } from '../../kernel/ids.ts';

/** Names an algorithm's repository. Letters, digits, `_`, `-` and `.`; case does not matter. */
export interface Repository {
  readonly owner: string;
  readonly name: string;
}

export interface CommitOptions {
  readonly author: { readonly name: string; readonly email: string };
  readonly message: string;
  /** Default `master`. */
  readonly branch?: string;
}

/** One commit as history shows it. */
export interface CommitEntry {
  readonly hash: BuildHash;
  readonly author: { readonly name: string; readonly email: string };
  /** Milliseconds since the epoch, whole seconds. */
  readonly atMs: number;
  readonly message: string;
}

export interface LogOptions {
  /** Oldest commit wanted, itself included. Default: the first. */
  readonly since?: string;
  /** Newest commit wanted, itself included. Default: the head of master. */
  readonly until?: string;
  /** Default 100. */
  readonly commitsMax?: number;
}

/**
 * Git repositories of algorithms: the source of every build. All methods may be called concurrently; all but `create`
 * throw `GIT_NOT_FOUND` for a repository that does not exist.
 */
export interface GitRepositories {
  /** Makes an empty bare repository. Does nothing when it is there. */
  create(repository: Repository): Promise<void>;
  exists(repository: Repository): Promise<boolean>;
  /**
   * Commits the folder as it is, byte for byte (`.git` left out, nothing ignored), on top of the branch; answers the
   * head when that has this tree already. Throws `SOURCE_EMPTY`, `SOURCE_BAD_ENTRY` (a device or socket),
   * `SOURCE_BAD_PATH` and `SOURCE_LINK_OUTSIDE`.
   */
  commitFolder(repository: Repository, folder: string, options: CommitOptions): Promise<BuildHash>;
  /**
   * Writes the commit's files, byte for byte, into the folder, which is made or empty. Throws `GIT_NOT_FOUND` for an
   * unknown commit and `SOURCE_…` for content that must not be written (it may have been pushed).
   */
  checkout(repository: Repository, hash: string, folder: string): Promise<void>;
  /** True when that commit is in the repository. */
  has(repository: Repository, hash: string): Promise<boolean>;
  /** Newest commit of the branch (default `master`), null before the first. */
  head(repository: Repository, branch?: string): Promise<BuildHash | null>;
  /** Commits from `until` back to `since`, newest first. Throws `GIT_NOT_FOUND` for unknown commits. */
  log(repository: Repository, options?: LogOptions): Promise<readonly CommitEntry[]>;
  /** Removes the repository and everything in it. Nothing there is no error. */
  remove(repository: Repository): Promise<void>;
}
