import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Files that only algorithms of one language have, in the order in which they are looked for. */
const tellTales: readonly { readonly file: RegExp; readonly language: string }[] = [
  { file: /^requirements\.txt$/, language: 'python3' },
  { file: /^environment\.yml$/, language: 'anaconda3' },
  { file: /^package\.json$/, language: 'javascript' },
  { file: /^Gemfile$/, language: 'ruby' },
  { file: /^Cargo\.toml$/, language: 'rust' },
  { file: /^pom\.xml$/, language: 'java' },
  { file: /^build\.sbt$/, language: 'scala' },
  { file: /^packages\.txt$/, language: 'r' },
  { file: /\.csproj$/, language: 'csharp' },
];

const sources: readonly { readonly file: RegExp; readonly language: string }[] = [
  { file: /\.py$/, language: 'python3' },
  { file: /\.[cm]?js$/, language: 'javascript' },
];

const namesIn = async (folder: string): Promise<readonly string[]> => await readdir(folder).catch(() => []);

/** The language of a folder that does not say which: by its dependency file, else by its sources, else Python. */
export const languageByFiles = async (folder: string): Promise<string> => {
  const [names, inSource] = await Promise.all([namesIn(folder), namesIn(join(folder, 'src'))]);
  const found =
    tellTales.find(({ file }) => names.some((name) => file.test(name))) ??
    sources.find(({ file }) => inSource.some((name) => file.test(name)));
  return found?.language ?? 'python3';
};
