import { readFileSync } from 'node:fs';
import type { Clock } from '../../kernel/clock.ts';
import { sleep } from '../../kernel/clock.ts';

/** A process for certain: its number alone may belong to another one by now. */
export interface ProcessMark {
  readonly pid: number;
  /** When it started, in the kernel's ticks since boot. */
  readonly startedTicks: string;
}

const read = (pid: number, name: string): string => {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
};

/** The mark of a running process; undefined when there is none of that number (zombies count as gone). */
export const markOf = (pid: number): ProcessMark | undefined => {
  // The command's name stands in parentheses and may hold anything, so the fields are counted from its end.
  const stat = read(pid, 'stat');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state] = fields;
  const startedTicks = fields[19];
  return startedTicks === undefined || state === 'Z' ? undefined : { pid, startedTicks };
};

/** True while that very process runs. */
export const isRunning = (mark: ProcessMark): boolean => markOf(mark.pid)?.startedTicks === mark.startedTicks;

/** The arguments that a process was started with; empty when it is gone or not ours to look at. */
export const argumentsOf = (pid: number): readonly string[] =>
  read(pid, 'cmdline')
    .split('\0')
    .filter((argument) => argument !== '');

/** Ends a process: SIGTERM, and SIGKILL when it is still there after `patienceMs`. Resolves when it is gone. */
export const endProcess = async (mark: ProcessMark, clock: Clock, patienceMs: number): Promise<void> => {
  const untilMs = clock.monotonicMs() + patienceMs;
  let killed = false;
  if (isRunning(mark)) process.kill(mark.pid, 'SIGTERM');
  while (isRunning(mark)) {
    if (!killed && clock.monotonicMs() > untilMs) {
      process.kill(mark.pid, 'SIGKILL');
      killed = true;
    }
    await sleep(clock, 20);
  }
};
