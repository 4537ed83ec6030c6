import { randomBytes } from 'node:crypto';
import { chmod, link, mkdir, readFile, stat, unlink, writeFile } from 'node:fs/promises';
import path from 'node:path';

const ownerOnly = 0o600;

const isCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;

const read = async (file: string): Promise<string | undefined> => {
  try {
    const { mode } = await stat(file);
    if ((mode & 0o077) !== 0) await chmod(file, ownerOnly);
    return (await readFile(file, 'utf8')).trimEnd();
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw error;
  }
};

/** A file appears under its name whole or not at all: it is written aside, then linked, which fails when it exists. */
const publish = async (file: string, text: string): Promise<void> => {
  const aside = `${file}.${randomBytes(8).toString('hex')}`;
  await writeFile(aside, `${text}\n`, { mode: ownerOnly, flag: 'wx', flush: true });
  try {
    await link(aside, file);
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error;
  } finally {
    await unlink(aside);
  }
};

/**
 * The text of a secret file, without the newline at its end; made by `make` when there is no such file. Readable by its
 * owner only (an existing file is tightened). May run in several processes at once: all get the same text.
 */
export const ensureSecretFile = async (file: string, make: () => string): Promise<string> => {
  const existing = await read(file);
  if (existing !== undefined) return existing;
  await mkdir(path.dirname(file), { recursive: true });
  await publish(file, make());
  const text = await read(file);
  if (text === undefined) throw new Error(`${file} was removed while it was being made`);
  return text;
};
