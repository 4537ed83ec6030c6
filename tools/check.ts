import { spawn } from 'node:child_process';

/**
 * `npm run check`: format, lint, types, direction, dead code, generated files, unit tests. Two at a time (the machines
 * that run it have two cores), output only of what failed, exit code 1 when anything did.
 */

interface Check {
  readonly name: string;
  readonly command: readonly string[];
}

const bin = (name: string): string => `node_modules/.bin/${name}`;
const checks: readonly Check[] = [
  { name: 'lint', command: [bin('eslint'), '--cache', '--cache-location', 'node_modules/.cache/eslint/', '.'] },
  { name: 'unit tests', command: [bin('vitest'), 'run', '--project', 'unit'] },
  { name: 'types', command: [bin('tsc'), '-p', '.'] },
  { name: 'direction', command: [bin('depcruise'), '--config', '.dependency-cruiser.cjs', 'src'] },
  { name: 'dead code', command: [bin('knip'), '--no-progress'] },
  { name: 'format', command: [bin('biome'), 'check', '.'] },
  { name: 'generated files', command: [process.execPath, 'tools/generate.ts', '--check'] },
];

const run = async (check: Check): Promise<boolean> => {
  const begin = performance.now();
  const [program, ...words] = check.command;
  const child = spawn(program ?? '', words, { stdio: ['ignore', 'pipe', 'pipe'] });
  const output: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => output.push(chunk));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  console.log(`${code === 0 ? '✓' : '✗'} ${check.name.padEnd(16)} ${seconds} s`);
  if (code !== 0) console.log(Buffer.concat(output).toString('utf8'));
  return code === 0;
};

const begin = performance.now();
const waiting = [...checks];
const results: boolean[] = [];
const worker = async (): Promise<void> => {
  for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) results.push(await run(check));
};
await Promise.all([worker(), worker()]);
const failed = results.filter((passed) => !passed).length;
console.log(
  `${results.length - failed} of ${results.length} checks passed in ${((performance.now() - begin) / 1000).toFixed(0)} s`,
);
process.exitCode = failed === 0 ? 0 : 1;
