import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Row } from './figures.ts';
import type { Product } from './product.ts';

const parentOf = (pid: string): string =>
  readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')[1] ?? '';

/** Proportional set size of a process, bytes: pages shared by several count once in their sum. */
const pssOf = (pid: string): number =>
  Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0) * 1024;

const read = <Value>(get: () => Value, otherwise: Value): Value => {
  try {
    return get();
  } catch {
    return otherwise; // ended meanwhile
  }
};

/** The process and everything that it started. */
const familyOf = (root: number): readonly string[] => {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const parents = new Map(pids.map((pid) => [pid, read(() => parentOf(pid), '')]));
  const family = new Set([String(root)]);
  for (let size = 0; size !== family.size; ) {
    size = family.size;
    for (const [pid, parent] of parents) if (family.has(parent)) family.add(pid);
  }
  return [...family];
};

/** Memory of a process and of everything that it started, bytes; shared pages count once. */
export const memoryBelow = (root: number): number =>
  familyOf(root).reduce((sum, pid) => sum + read(() => pssOf(pid), 0), 0);

/** Memory of the whole platform, Kafka included, after the demonstration, when the sandboxes that it used have expired. */
export const measureMemory = async (
  product: Product,
  say: (text: string) => void,
): Promise<Row & { readonly mib: number }> => {
  await product.cli('demo');
  await pause((product.idleExpiryS + 5) * 1000);
  const mib = memoryBelow(product.pid) / 2 ** 20;
  say(`memory ${mib.toFixed(0)} MiB`);
  const none = { rps: 0, p50_ms: 0, p95_ms: 0, p99_ms: 0, rps_min: 0, rps_max: 0, failed: 0 };
  return { case: 'memory', side: 'product', concurrency: 0, ...none, runs: 1, mib };
};
