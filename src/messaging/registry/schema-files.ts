import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One version of one contract as it lies in `schemas/<contract>/v<version>.avsc`. */
export interface SchemaFile {
  readonly contract: string;
  readonly version: number;
  /** The file's text, byte for byte. */
  readonly text: string;
  /** For messages: `schemas/request/v1.avsc`. */
  readonly name: string;
}

/** Where the contracts of this release lie. */
export const schemasFolder = join(import.meta.dirname, '../../../schemas');

/** Reads every version of every contract, by contract name, then version. Throws what the file system throws. */
export const readSchemaFiles = (folder: string = schemasFolder): readonly SchemaFile[] =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort()
    .flatMap((contract) => readVersions(folder, contract));

const readVersions = (folder: string, contract: string): readonly SchemaFile[] =>
  readdirSync(join(folder, contract))
    .flatMap((file) => {
      const version = /^v([1-9]\d*)\.avsc$/.exec(file)?.[1];
      return version === undefined ? [] : [Number(version)];
    })
    .sort((left, right) => left - right)
    .map((version) => ({
      contract,
      version,
      text: readFileSync(join(folder, contract, `v${version}.avsc`), 'utf8'),
      name: `schemas/${contract}/v${version}.avsc`,
    }));

/** The newest version of each contract. */
export const newestOf = (files: readonly SchemaFile[]): readonly SchemaFile[] =>
  files.filter((file) => !files.some((other) => other.contract === file.contract && other.version > file.version));
