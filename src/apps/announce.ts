import type { Enforcement } from '../sandboxes/sandbox.ts';

/** Progress of a start for a person: one line per part, with what it is and how long it took. */
export interface Announcer {
  heading(title: string, text?: string): void;
  /** A part that is there, since the last line. */
  done(name: string, text: string): void;
}

const escape = String.fromCharCode(27);

/** Writes to standard error; colour only on a terminal. */
export const createAnnouncer = (nowMs: () => number): Announcer => {
  const { stderr } = process;
  const style = (code: number, text: string): string => (stderr.isTTY ? `${escape}[${code}m${text}${escape}[0m` : text);
  let since = nowMs();
  return {
    heading: (title, text = '') => {
      since = nowMs();
      stderr.write(`\n${style(1, title.padEnd(33))}${text}\n`);
    },
    done: (name, text) => {
      const seconds = ((nowMs() - since) / 1000).toFixed(1);
      since = nowMs();
      stderr.write(
        `  ${style(32, '✓')} ${name.padEnd(28)} ${text}${' '.repeat(Math.max(1, 56 - text.length))}${seconds} s\n`,
      );
    },
  };
};

/** One sentence about what this machine lets a sandbox enforce, and one for each thing that it does not. */
export const describeEnforcement = (driver: string, enforcement: readonly Enforcement[]): string => {
  const enforced = enforcement.filter((each) => each.enforced).map((each) => each.what);
  const missing = enforcement.filter((each) => !each.enforced).map((each) => `${each.what} not (${each.how})`);
  return [`${driver}: ${enforced.join(', ') || 'nothing'} enforced`, ...missing].join('; ');
};
