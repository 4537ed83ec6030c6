import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Mount } from '../sandbox.ts';
import type { Identity } from './identity.ts';
import type { SystemFolder } from './system-folder.ts';

/** A `/usr` that is the host's with a layer of packages over it. */
export interface Overlay {
  /** Tree of the packages: `usr/` and, where they have settings, `etc/`. */
  readonly layer: string;
  /** Empty folder of this sandbox; the merged `/usr` stands there in the sandbox's mount namespace only. */
  readonly place: string;
}

/** Ends with the processes in its mount namespace, so that nothing of it has to be taken back. */
const script = `
mount -t overlay -o "ro,nosuid,nodev,lowerdir=$1:/usr" overlay "$2" || exit 125
shift 2
exec "$@"
`;

/** In the list of folders a colon separates and a comma ends. */
const escaped = (path: string): string => path.replaceAll(/[\\:,]/g, (character) => `\\${character}`);

/** Words before a command that give it the merged `/usr`; the host sees none of it. */
export const inOverlay = ({ layer, place }: Overlay, identity: Identity): readonly string[] => [
  '/usr/bin/unshare',
  ...(identity.kind === 'same' ? ['--user', '--map-root-user'] : []),
  ...['--mount', '--propagation', 'slave', '--'],
  ...['/bin/sh', '-c', script, 'sh', escaped(join(layer, 'usr')), place],
];

/** What of /etc is the sandbox's own, whatever packages bring: users, names, loader, certificates. */
export const ownSettings: ReadonlySet<string> = new Set([
  ...['passwd', 'group', 'shadow', 'hosts', 'hostname', 'nsswitch.conf', 'resolv.conf'],
  ...['alternatives', 'ld.so.cache', 'ld.so.conf', 'ld.so.conf.d', 'ssl', 'pki', 'ca-certificates.conf'],
]);

const settingsIn = (layer: string): readonly Mount[] => {
  const etc = join(layer, 'etc');
  const names = existsSync(etc) ? readdirSync(etc).filter((name) => !ownSettings.has(name)) : [];
  return names.map((name) => ({ source: join(etc, name), target: `/etc/${name}`, writable: false }));
};

/** The system folders with the packages over them. */
export const overlaid = (system: SystemFolder, { layer, place }: Overlay): SystemFolder => {
  const settings = settingsIn(layer);
  const replaced = new Set(settings.map(({ target }) => target));
  const kept = system.mounts.filter(({ target }) => !replaced.has(target));
  const mounts = kept.map((mount) => (mount.target === '/usr' ? { ...mount, source: place } : mount));
  return { ...system, mounts: [...mounts, ...settings] };
};
