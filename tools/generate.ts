import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSchemaFiles } from '../src/messaging/registry/schema-files.ts';
import { contractsSource } from './generate-contracts.ts';

/**
 * Writes every generated file; with `--check` only says which are stale and ends with 1.
 * Run: `node tools/generate.ts [--check]`.
 */

const root = join(import.meta.dirname, '..');

/** A generated file: where it lies below the root, and how its text is made. */
interface Generated {
  readonly path: string;
  readonly text: () => string;
}

const generated: readonly Generated[] = [
  { path: 'src/kernel/contracts/contracts.gen.ts', text: () => contractsSource(readSchemaFiles()) },
];

const present = (path: string): string | undefined => {
  try {
    return readFileSync(join(root, path), 'utf8');
  } catch {
    return undefined;
  }
};

const isCheck = process.argv.includes('--check');
for (const { path, text } of generated) {
  const fresh = text();
  if (present(path) === fresh) continue;
  if (isCheck) {
    process.stderr.write(`${path} is stale: run tools/generate.ts\n`);
    process.exitCode = 1;
  } else {
    writeFileSync(join(root, path), fresh);
    process.stdout.write(`${path} written\n`);
  }
}
