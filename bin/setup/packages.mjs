import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun } from './command.mjs';
import { places } from './places.mjs';
import { hashOf, isStamped, stamp } from './stamp.mjs';

const stampFile = join(places.modules, '.millrace-packages');

const packagesIn = (lockFile) => JSON.parse(readFileSync(lockFile, 'utf8')).packages;

/** True when somebody has installed exactly what is locked, with npm but without this script. */
const matchesLock = () => {
  if (!existsSync(places.installedLockFile)) return false;
  const installed = packagesIn(places.installedLockFile);
  return Object.entries(packagesIn(places.lockFile))
    .filter(([path, entry]) => path !== '' && !entry.optional && !entry.peer)
    .every(([path, entry]) => installed[path]?.version === entry.version);
};

/** The locked npm packages. */
export const packages = {
  title: 'packages',
  isDone: () => {
    const lock = hashOf(places.lockFile);
    if (isStamped(stampFile, lock)) return true;
    if (!matchesLock()) return false;
    stamp(stampFile, lock);
    return true;
  },
  run: async (tell) => {
    tell('npm ci');
    // Everything, also where the machine's npm is set to production: checks and tests belong to the repository.
    await mustRun('npm', ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'], { onLine: tell });
    stamp(stampFile, hashOf(places.lockFile));
    return `${Object.keys(packagesIn(places.installedLockFile)).length} packages`;
  },
};
