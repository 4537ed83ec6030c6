import type { Mount, SandboxSpec } from '../sandbox.ts';
import { insideUid, type SystemFolder } from './system-folder.ts';

export interface ArgumentParts {
  readonly spec: SandboxSpec;
  readonly system: SystemFolder;
  /** Host path of the pipe that appears at `/tmp/algoout`; null: none. */
  readonly resultPipe: string | null;
  /** Empty folders for what is mounted when the sandbox is adopted. */
  readonly reserved: readonly Mount[];
  /** Of the host, for this sandbox alone. */
  readonly devices: readonly string[];
  /** Host path of what stands at `/etc/hosts`; null: the system's. */
  readonly hostsFile: string | null;
  /** Forbids user namespaces inside, and with them most of the kernel's surface. */
  readonly forbidNamespaces: boolean;
  /**
   * Who makes namespaces writes to files there and mounts one as writable. The kernel's settings are then kept by their
   * owner: this must be no sandbox of the host's root.
   */
  readonly writableProc: boolean;
}

const shmBytes = 64 * 1024 * 1024;

const mountArguments = (mount: Mount): readonly string[] => [
  mount.writable ? '--bind' : '--ro-bind',
  mount.source,
  mount.target,
];

const temporary = (target: string, sizeBytes: number, mode: string): readonly string[] => [
  '--perms',
  mode,
  '--size',
  `${Math.max(4096, Math.floor(sizeBytes))}`,
  '--tmpfs',
  target,
];

const namespaces = [
  '--unshare-user',
  '--unshare-pid',
  '--unshare-ipc',
  '--unshare-uts',
  '--unshare-cgroup-try',
  '--die-with-parent',
  '--new-session',
  '--cap-drop',
  'ALL',
];

/**
 * What bubblewrap is told, without the command. It goes through a pipe (`--args`), because the environment may hold
 * secrets and every process of the host can read command lines. With a network outside the namespace exists already.
 */
export const bubblewrapArguments = ({
  spec,
  system,
  resultPipe,
  reserved,
  devices,
  hostsFile,
  forbidNamespaces,
  writableProc,
}: ArgumentParts): readonly string[] => {
  const half = spec.limits.diskBytes / 2;
  const special: Mount[] = [];
  if (resultPipe !== null) special.push({ source: resultPipe, target: '/tmp/algoout', writable: false });
  if (spec.endpoint !== null) special.push({ source: spec.endpoint, target: '/run/millrace.sock', writable: false });
  if (spec.network === 'outside') special.push(system.resolver);
  if (hostsFile !== null) special.push({ source: hostsFile, target: '/etc/hosts', writable: false });
  return [
    ...namespaces,
    ...(spec.network === 'none' ? ['--unshare-net'] : []),
    ...(forbidNamespaces ? ['--disable-userns'] : []),
    ...['--uid', `${insideUid}`, '--gid', `${insideUid}`, '--hostname', 'millrace'],
    ...['--perms', '0755', '--dir', '/etc', '--perms', '0755', '--dir', '/run'],
    ...system.mounts.flatMap(mountArguments),
    ...system.links.flatMap(({ to, at }) => ['--symlink', to, at]),
    // Where we can run as no other user, settings of the kernel in it are ours to write, capabilities or not.
    ...['--proc', '/proc', ...(writableProc ? [] : ['--remount-ro', '/proc']), '--dev', '/dev'],
    ...temporary('/dev/shm', Math.min(shmBytes, half), '1777'),
    ...devices.flatMap((device) => ['--dev-bind', device, device]),
    ...['--remount-ro', '/dev'],
    ...temporary('/tmp', half, '1777'),
    ...temporary('/home/algo', half, '0700'),
    ...[...reserved, ...spec.mounts].flatMap(mountArguments),
    ...special.flatMap(mountArguments),
    ...['--remount-ro', '/', '--chdir', spec.workingFolder, '--clearenv'],
    ...Object.entries(spec.environment).flatMap(([name, value]) => ['--setenv', name, value]),
  ];
};
