import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/** What the system says is installed. */
export const statusFile = '/var/lib/dpkg/status';

const fieldOf = (text, name) => new RegExp(`^${name}="?([^"\n]*)"?$`, 'm').exec(text)?.[1] ?? '';

/** Name of the system for which packages are resolved, for example `debian 12 amd64`. */
export const platformOf = () => {
  if (!existsSync('/usr/bin/apt-get') || !existsSync(statusFile)) {
    throw new Error('System packages need a Debian or Ubuntu system: there is no apt-get here.');
  }
  const release = readFileSync('/usr/lib/os-release', 'utf8');
  const architecture = execFileSync('/usr/bin/dpkg', ['--print-architecture'], { encoding: 'utf8' }).trim();
  return `${fieldOf(release, 'ID')} ${fieldOf(release, 'VERSION_ID')} ${architecture}`;
};
