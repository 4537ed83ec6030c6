import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprintOf, readReleased, schemaFaults } from '../src/messaging/registry/compatibility.ts';
import { readSchemaFiles } from '../src/messaging/registry/schema-files.ts';
import { labelOf } from '../src/messaging/registry/subjects.ts';
import { configPage } from './generate-config.ts';
import { contractsSource } from './generate-contracts.ts';
import { errorsPage } from './generate-errors.ts';
import { topicsPage } from './generate-topics.ts';

/**
 * Writes every generated file. With `--check` it only says which are stale and what is wrong with the schemas, and
 * ends with 1 when there is anything to say. With `--release` it also notes the fingerprints of schema versions that
 * go out for the first time. Run: `node tools/generate.ts [--check | --release]`.
 */

const root = join(import.meta.dirname, '..');

/** A generated file: where it lies below the root, and how its text is made. */
interface Generated {
  readonly path: string;
  readonly text: () => string;
}

const generated: readonly Generated[] = [
  { path: 'src/kernel/contracts/contracts.gen.ts', text: () => contractsSource(readSchemaFiles()) },
  { path: 'docs/topics.md', text: topicsPage },
  { path: 'docs/errors.md', text: errorsPage },
  { path: 'docs/config.md', text: configPage },
];

/** `schemas/released.json` with the versions that are new; what stands there already is never replaced. */
const releasedText = (): string => {
  const fresh = Object.fromEntries(readSchemaFiles().map((file) => [labelOf(file), fingerprintOf(file)]));
  return `${JSON.stringify({ ...fresh, ...readReleased() }, null, 2)}\n`;
};

const present = (path: string): string | undefined => {
  try {
    return readFileSync(join(root, path), 'utf8');
  } catch {
    return undefined;
  }
};

const complain = (text: string): void => {
  process.stderr.write(`${text}\n`);
  process.exitCode = 1;
};

for (const fault of schemaFaults(readSchemaFiles(), readReleased())) complain(fault);

const isCheck = process.argv.includes('--check');
const release: readonly Generated[] = process.argv.includes('--release')
  ? [{ path: 'schemas/released.json', text: releasedText }]
  : [];
for (const { path, text } of [...generated, ...release]) {
  const fresh = text();
  if (present(path) === fresh) continue;
  if (isCheck) {
    complain(`${path} is stale: run tools/generate.ts`);
  } else {
    writeFileSync(join(root, path), fresh);
    process.stdout.write(`${path} written\n`);
  }
}
