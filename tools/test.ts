import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * `npm test`: every project of vitest.config.ts, one after the other, then one line with the sum. A test that was
 * skipped counts as failed, and so does a project that ran nothing. Arguments name projects: `npm test -- unit sim`.
 * `chaos --long` repeats faults for minutes instead.
 */

const projects = ['unit', 'sim', 'contract', 'hostile', 'flow', 'e2e', 'chaos'] as const;

interface Report {
  readonly numPassedTests: number;
  readonly numTotalTests: number;
  readonly success: boolean;
}

const parse = (file: string): Report | null => {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Report;
  } catch {
    return null;
  }
};

const runProject = async (project: string, folder: string): Promise<{ passed: number; failed: number }> => {
  const file = join(folder, `${project}.json`);
  const words = ['run', '--project', project, '--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  const child = spawn('node_modules/.bin/vitest', words, { stdio: 'inherit' });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const report = parse(file);
  const passed = report?.numPassedTests ?? 0;
  const failed = (report?.numTotalTests ?? 0) - passed;
  return { passed, failed: failed === 0 && (code !== 0 || passed === 0) ? 1 : failed };
};

const words = process.argv.slice(2);
const isLong = words.includes('--long');
const wanted = words.filter((word) => word !== '--long');
const unknown = wanted.filter((name) => !projects.some((project) => project === name));
if (unknown.length > 0) {
  console.error(`unknown project ${unknown.join(', ')}: one of ${projects.join(', ')}`);
  process.exit(2);
}
if (isLong && wanted.join(' ') !== 'chaos') {
  console.error('--long belongs to chaos: npm run test:chaos -- --long');
  process.exit(2);
}
const folder = mkdtempSync(join(tmpdir(), 'millrace-test-'));
let passed = 0;
let failed = 0;
for (const project of projects.filter((name) => wanted.length === 0 || wanted.includes(name))) {
  const begin = performance.now();
  const sum = await runProject(isLong ? 'chaos-long' : project, folder);
  passed += sum.passed;
  failed += sum.failed;
  console.log(
    `${project}: ${sum.passed} passed, ${sum.failed} failed in ${((performance.now() - begin) / 1000).toFixed(0)} s\n`,
  );
}
rmSync(folder, { recursive: true, force: true });
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
