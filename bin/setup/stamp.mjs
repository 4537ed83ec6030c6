import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';

const read = (file) => {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
};

/** SHA-256 of a file, in hex; empty when it cannot be read. */
export const hashOf = (file) => {
  try {
    return createHash('sha256').update(readFileSync(file)).digest('hex');
  } catch {
    return '';
  }
};

/** True when `file` says that the step was done for `what`. */
export const isStamped = (file, what) => what !== '' && read(file) === what;

/** Writes down that the step was done for `what`. */
export const stamp = (file, what) => writeFileSync(file, `${what}\n`);
