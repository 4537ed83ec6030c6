import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LocalBuild } from './local.ts';

/** What was built on this machine, so that the same files are not built again. */
export interface BuildRecord extends Pick<LocalBuild, 'artefact' | 'run'> {
  /** Whose files they were. */
  readonly folder: string;
  readonly builtAtMs: number;
}

export interface BuildRecords {
  find(key: string): Promise<BuildRecord | null>;
  /** Remembers it; gives the app layers of the same folder that are too old to be kept and that no other record names. */
  add(key: string, record: BuildRecord): Promise<readonly string[]>;
  forget(key: string): Promise<void>;
}

/** An older build of a folder may still be mounted by a shell or a server: it stays for a while. */
const keptMs = 7 * 24 * 3600 * 1000;

/** Keeps one file for each build in `folder`. */
export const createBuildRecords = (folder: string): BuildRecords => {
  const fileOf = (key: string): string => join(folder, `${key}.json`);
  const read = async (key: string): Promise<BuildRecord | null> => {
    try {
      // `as`: we wrote it.
      return JSON.parse(await readFile(fileOf(key), 'utf8')) as BuildRecord;
    } catch {
      return null;
    }
  };
  const all = async (): Promise<readonly (readonly [string, BuildRecord])[]> => {
    const keys = (await readdir(folder)).filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -5));
    const records = await Promise.all(keys.map(async (key) => [key, await read(key)] as const));
    return records.flatMap(([key, record]) => (record === null ? [] : [[key, record] as const]));
  };
  const forget = async (key: string): Promise<void> => {
    await rm(fileOf(key), { force: true });
  };
  return {
    find: read,
    forget,
    add: async (key, record) => {
      await mkdir(folder, { recursive: true });
      const incoming = join(folder, `.${key}.${process.pid}`);
      await writeFile(incoming, JSON.stringify(record));
      await rename(incoming, fileOf(key));
      const records = await all();
      const old = records.filter(
        ([, each]) => each.folder === record.folder && record.builtAtMs - each.builtAtMs > keptMs,
      );
      for (const [oldKey] of old) await forget(oldKey);
      const used = new Set(records.filter((each) => !old.includes(each)).map(([, each]) => each.artefact.app));
      return old.map(([, each]) => each.artefact.app).filter((digest) => !used.has(digest));
    },
  };
};
