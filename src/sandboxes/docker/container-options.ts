import type { ContainerCreateOptions, MountSettings } from 'dockerode';
import type { SystemFolder } from '../bubblewrap/system-folder.ts';
import type { Mount, SandboxLimits, SandboxSpec } from '../sandbox.ts';
import { streamed } from './standard-streams.ts';

export interface ContainerParts {
  readonly spec: SandboxSpec;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly image: string;
  /** `uid:gid` of everything inside. */
  readonly user: string;
  readonly system: Pick<SystemFolder, 'own' | 'resolver'>;
  /** Pipes from which the command has its standard streams. */
  readonly streams: readonly Mount[];
  /** Host path of the pipe that appears at `/tmp/algoout`; null: none. */
  readonly resultPipe: string | null;
  /** Host path of what stands at `/etc/hosts`; null: the system's. */
  readonly hostsFile: string | null;
  /** Empty folders for what is mounted when the sandbox is adopted; what is mounted there later is seen inside. */
  readonly reserved: readonly Mount[];
}

const shmBytes = 64 * 1024 * 1024;
const periodUs = 100_000;
/** The machine has one table of open files for all: as many for each process as bubblewrap's sandboxes have. */
const descriptorsMax = 4_096;
/** The init process that reaps what the program leaves counts against the limit. */
const ownProcesses = 1;

/** The limits that can be changed while a container runs. */
export const resourcesOf = (limits: SandboxLimits) => ({
  Memory: Math.floor(limits.memoryBytes),
  // With swap: none on top.
  MemorySwap: Math.floor(limits.memoryBytes),
  CpuPeriod: periodUs,
  CpuQuota: Math.ceil(limits.cpus * periodUs),
  PidsLimit: limits.processes + ownProcesses,
});

/** Fields that the engine knows and the client's types do not. */
interface BindMount extends MountSettings {
  readonly BindOptions: { readonly Propagation: 'rprivate' | 'rslave'; readonly NonRecursive: boolean };
}
interface HostConfig extends NonNullable<ContainerCreateOptions['HostConfig']> {
  readonly CgroupnsMode: 'private';
}

const bind = ({ source, target, writable }: Mount, later: boolean): BindMount => ({
  Type: 'bind',
  Source: source,
  Target: target,
  ReadOnly: !writable,
  // Mounts that lie below the source already would not be read-only.
  BindOptions: { Propagation: later ? 'rslave' : 'rprivate', NonRecursive: !later },
});

const temporary = (sizeBytes: number, mode: string): string =>
  `rw,exec,nosuid,nodev,size=${Math.max(4096, Math.floor(sizeBytes))},mode=${mode}`;

const specialMounts = ({ spec, system, streams, hostsFile, resultPipe }: ContainerParts): readonly Mount[] => [
  ...system.own.map((mount) =>
    mount.target === '/etc/hosts' ? { ...mount, source: hostsFile ?? mount.source } : mount,
  ),
  system.resolver,
  ...streams,
  ...(resultPipe === null ? [] : [{ source: resultPipe, target: '/tmp/algoout', writable: true }]),
  ...(spec.endpoint === null ? [] : [{ source: spec.endpoint, target: '/run/millrace.sock', writable: false }]),
];

const hostConfigOf = (parts: ContainerParts): HostConfig => {
  const { spec, user } = parts;
  const half = spec.limits.diskBytes / 2;
  const [uid = '0', gid = '0'] = user.split(':');
  return {
    ...resourcesOf(spec.limits),
    NetworkMode: 'none',
    ReadonlyRootfs: true,
    CapDrop: ['ALL'],
    SecurityOpt: ['no-new-privileges'],
    Init: true,
    IpcMode: 'private',
    CgroupnsMode: 'private',
    ShmSize: Math.min(shmBytes, Math.floor(half)),
    Tmpfs: {
      '/tmp': temporary(half, '1777'),
      '/home/algo': `${temporary(half, '0700')},uid=${uid},gid=${gid}`,
      // In place of what tells about the host: only the container's own groups stand in it.
      '/sys': 'ro,noexec,nosuid,nodev,size=4096,mode=555',
    },
    Mounts: [
      ...specialMounts(parts).map((mount) => bind(mount, false)),
      ...spec.mounts.map((mount) => bind(mount, false)),
      ...parts.reserved.map((mount) => bind(mount, true)),
    ],
    Ulimits: [
      { Name: 'core', Soft: 0, Hard: 0 },
      { Name: 'nofile', Soft: descriptorsMax, Hard: descriptorsMax },
      { Name: 'fsize', Soft: spec.limits.fileBytes, Hard: spec.limits.fileBytes },
    ],
    // Nothing goes through the engine: what a program prints is ours to keep or not.
    LogConfig: { Type: 'none', Config: {} },
    RestartPolicy: { Name: 'no' },
  };
};

/** What the engine is told about a sandbox. */
export const containerOptions = (parts: ContainerParts): ContainerCreateOptions => {
  const { spec } = parts;
  return {
    name: parts.name,
    Labels: { ...parts.labels },
    Image: parts.image,
    Hostname: 'millrace',
    User: parts.user,
    Entrypoint: [],
    Cmd: [...streamed(spec.network !== 'none'), ...spec.command],
    // A name without a value removes a variable: the engine's own are not of the spec.
    Env: [...Object.entries(spec.environment).map(([name, value]) => `${name}=${value}`), 'HOSTNAME'],
    WorkingDir: spec.workingFolder,
    Tty: false,
    HostConfig: hostConfigOf(parts),
  };
};
