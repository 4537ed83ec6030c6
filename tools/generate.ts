import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readReleased, schemaFaults } from '../src/messaging/registry/compatibility.ts';
import { readSchemaFiles } from '../src/messaging/registry/schema-files.ts';
import { configPage } from './generate-config.ts';
import { contractsSource } from './generate-contracts.ts';
import { errorsPage } from './generate-errors.ts';
import { topicsPage } from './generate-topics.ts';

/**
 * Writes every generated file. With `--check` it only says which are stale and what is wrong with the schemas, and
 * ends with 1 when there is anything to say. Run: `node tools/generate.ts [--check]`.
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
for (const { path, text } of generated) {
  const fresh = text();
  if (present(path) === fresh) continue;
  if (isCheck) {
    complain(`${path} is stale: run tools/generate.ts`);
  } else {
    writeFileSync(join(root, path), fresh);
    process.stdout.write(`${path} written\n`);
  }
}
