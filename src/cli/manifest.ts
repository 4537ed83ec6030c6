import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { parse } from 'yaml';
import { CliError } from './cli-error.ts';
import { languageByFiles } from './language-by-files.ts';

/** What the folder says of itself. */
export interface Manifest {
  readonly name: string;
  readonly language: string;
}

const readOptional = async (file: string): Promise<string | null> => await readFile(file, 'utf8').catch(() => null);

/** The fields of an object; none for anything else. */
export const record = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};

/** The text that a value is; undefined for anything else, and for an empty one. */
export const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

const parseOwn = async (folder: string): Promise<Record<string, unknown>> => {
  const file = join(folder, 'millrace.yaml');
  const content = await readOptional(file);
  try {
    return content === null ? {} : record(parse(content));
  } catch (error) {
    throw new CliError(`${file} is not valid YAML: ${error instanceof Error ? error.message : ''}`);
  }
};

const parseVendor = async (folder: string): Promise<Record<string, unknown>> => {
  const file = join(folder, 'algorithmia.conf');
  const content = await readOptional(file);
  try {
    return content === null ? {} : record(JSON.parse(content));
  } catch {
    throw new CliError(`${file} is not valid JSON`);
  }
};

/** The language that an algorithmia.conf names; one of the vendor's templates misspells the key. */
const vendorLanguage = (vendor: Record<string, unknown>): string | undefined =>
  text(vendor['language']) ?? text(vendor['langauge']);

/** Reads millrace.yaml, else algorithmia.conf, else guesses by the folder's name and files. Throws for files that do not parse. */
export const readManifest = async (folder: string): Promise<Manifest> => {
  const own = await parseOwn(folder);
  const vendor = await parseVendor(folder);
  return {
    name: text(own['name']) ?? text(vendor['algoname']) ?? basename(resolve(folder)),
    language: text(own['language']) ?? vendorLanguage(vendor) ?? (await languageByFiles(folder)),
  };
};
