import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSchemaFiles } from '../src/messaging/registry/schema-files.ts';
import { contractsSource } from './generate-contracts.ts';
import { catalogues } from './generate-errors.ts';

const root = join(import.meta.dirname, '..');

const filesNamed = (name: RegExp): readonly string[] =>
  readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => name.test(path))
    .map((path) => join(root, 'src', path));

describe('generated files', () => {
  it('name every error catalogue in the code, and no code twice', () => {
    const declared = filesNamed(/(^|\/)errors\.ts$/)
      .flatMap((path) => [...readFileSync(path, 'utf8').matchAll(/= defineErrors\('(\w+)'/g)])
      .map(([, module = '']) => module);
    const codes = catalogues.flatMap((catalogue) => Object.keys(catalogue.codes));
    expect(new Set(codes).size).toBe(codes.length);
    expect(catalogues).toHaveLength(declared.length);
    for (const module of declared) expect(codes.some((code) => code.startsWith(`${module}_`))).toBe(true);
  });

  it('describe every config.ts in the code', () => {
    const page = readFileSync(join(root, 'docs/config.md'), 'utf8');
    const names = filesNamed(/(^|\/)config\.ts$/).flatMap((path) => [
      ...readFileSync(path, 'utf8').matchAll(/^ {4}(MILLRACE_\w+):/gm),
    ]);
    expect(names.length).toBeGreaterThan(10);
    for (const [, name = ''] of names) expect(page).toContain(`\`${name}\``);
  });

  it('hold one interface per contract, the same each time', () => {
    const source = contractsSource(readSchemaFiles());
    expect(contractsSource(readSchemaFiles())).toBe(source);
    expect(source).toContain("readonly 'log-line': LogLine;");
    expect(source).toContain('readonly body: Buffer | null;');
    expect(source).toContain("export type Origin = 'rest' | 'inbox' | 'flow' | 'child';");
  });

  it('are not made from two contracts that mean different things by one name', () => {
    const record = (symbols: readonly string[]): string =>
      JSON.stringify({
        type: 'record',
        name: `R${symbols.length}`,
        fields: [{ name: 'e', type: { type: 'enum', name: 'E', symbols } }],
      });
    const file = (contract: string, text: string) => ({ contract, version: 1, name: contract, text });
    expect(() => contractsSource([file('a', record(['x'])), file('b', record(['x', 'y']))])).toThrow(
      /E is declared differently/,
    );
  });
});
