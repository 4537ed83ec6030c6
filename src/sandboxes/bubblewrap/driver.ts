import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, realpath, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { Clock } from '../../kernel/clock.ts';
import { asPlatformError } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import { type Cgroup, createCgroup } from '../cgroups/cgroup.ts';
import { findHierarchy, type Hierarchy } from '../cgroups/hierarchy.ts';
import { sandboxErrors } from '../errors.ts';
import type { HostPolicy } from '../hosts/gate.ts';
import { createPublicHosts, findHostNetwork, type HostNetwork } from '../hosts/host-network.ts';
import { checkSpec } from '../process/check-spec.ts';
import { findProgram } from '../process/find-program.ts';
import { giveFiles } from '../process/give-to.ts';
import { keepSandboxes } from '../process/kept-sandboxes.ts';
import { makeMountPoints } from '../process/mount-points.ts';
import { createPipeStock, type PipeStock } from '../process/pipe-stock.ts';
import { childEnd, createProcessSandbox } from '../process/process-sandbox.ts';
import { openResultChannel } from '../process/result-channel.ts';
import type { Mount, Sandbox, SandboxDriver, SandboxLimits, SandboxSpec } from '../sandbox.ts';
import { type Adoption, prepareAdoption, type Reserved } from './adoption.ts';
import { bubblewrapArguments } from './arguments.ts';
import { enforcementOf } from './enforcement.ts';
import { findGpus, type GpuShare, type Gpus } from './gpus.ts';
import { type Identity, ownerFor } from './identity.ts';
import { type Launched, launch } from './launch.ts';
import { noteGroups, removeLeftovers } from './leftovers.ts';
import { type Attachment, findOutsideNetwork, type OutsideNetwork } from './network.ts';
import { type Overlay, overlaid } from './overlay.ts';
import { chooseIdentity } from './probe.ts';
import { setLimits } from './set-limits.ts';
import { prepareSystemFolder, type SystemFolder } from './system-folder.ts';

interface Machine {
  readonly bubblewrap: string;
  readonly runFolder: string;
  readonly identity: Identity;
  readonly forbidNamespaces: boolean;
  readonly hierarchy: Hierarchy;
  readonly system: SystemFolder;
  readonly pipes: PipeStock;
  /** Null where nothing can be mounted in a running sandbox. */
  readonly adoption: Adoption | null;
  readonly gpus: Gpus;
  readonly outside: OutsideNetwork | { readonly missing: readonly string[] };
  readonly hosts: HostNetwork | { readonly missing: readonly string[] };
  readonly clock: Clock;
}

/** What exists of a sandbox while it starts, so that a failed start can take it back. */
interface Begun {
  readonly folder: string;
  cgroup: Cgroup | null;
  results: Socket | null;
  launched: Launched | null;
  attachment: Attachment | null;
  reserved: Reserved | null;
  gpus: GpuShare | null;
}

/** What a network is made of, or a word to the reader when this machine lacks something for it. */
const found = <Network extends object>(
  network: Network | { readonly missing: readonly string[] },
  spec: SandboxSpec,
): Network => {
  if (!('missing' in network)) return network;
  throw sandboxErrors.START_FAILED({
    message: `Sandbox ${spec.id} needs a network, for which this machine lacks: ${network.missing.join(', ')}.`,
  });
};

interface NetworkParts {
  readonly hostsFile: string | null;
  /** Makes the network in a namespace that has nothing yet; null: it stays closed. */
  readonly prepareNetwork: ((pid: number) => Promise<void>) | null;
}

const networkFor = async (machine: Machine, spec: SandboxSpec, begun: Begun): Promise<NetworkParts> => {
  const { network, id } = spec;
  if (network === 'none') return { hostsFile: null, prepareNetwork: null };
  if (network === 'outside') {
    const outside = found(machine.outside, spec);
    const attach = async (pid: number): Promise<void> => {
      begun.attachment = await outside.attach(pid, begun.folder);
    };
    return { hostsFile: null, prepareNetwork: attach };
  }
  const prepared = await found(machine.hosts, spec).prepare(network.hosts, begun.folder);
  const open = async (pid: number): Promise<void> => {
    begun.attachment = await prepared.attach(pid, id);
  };
  return { hostsFile: prepared.hostsFile, prepareNetwork: open };
};

const killFirst = (launched: Launched): void => {
  try {
    process.kill(launched.firstPid, 'SIGKILL');
  } catch {
    launched.child.kill('SIGKILL');
  }
};

const takeBack = async (begun: Begun): Promise<void> => {
  begun.attachment?.close();
  begun.gpus?.giveBack();
  begun.results?.destroy();
  await begun.cgroup?.remove();
  await begun.reserved?.remove();
  await rm(begun.folder, { recursive: true, force: true });
};

/** Without a group for it, limits are set per process, inside, where they cannot be raised again. */
const limitedCommand = ({ folders }: Hierarchy, spec: SandboxSpec): readonly string[] => {
  const options = [
    ...(folders.pids === undefined ? [`--nproc=${spec.limits.processes}`] : []),
    ...(folders.memory === undefined ? [`--data=${spec.limits.memoryBytes}`] : []),
  ];
  return options.length === 0 ? spec.command : ['/usr/bin/prlimit', ...options, '--', ...spec.command];
};

/** Processes of a runner that forks calls, beside the one of the call. */
const forkingProcesses = 3;

const groupLimitsOf = ({ limits, nests }: SandboxSpec): SandboxLimits =>
  nests === true ? { ...limits, processes: limits.processes + forkingProcesses } : limits;

const reserve = async ({ adoption }: Machine, { id, adoptable }: SandboxSpec): Promise<Reserved | null> => {
  if (adoptable === undefined) return null;
  if (adoption !== null) return await adoption.reserve(id, adoptable);
  throw sandboxErrors.START_FAILED({
    message: `Sandbox ${id} is to be adopted later, which this machine does not allow.`,
  });
};

const adopt = async (
  { machine, begun, spec }: { readonly machine: Machine; readonly begun: Begun; readonly spec: SandboxSpec },
  mounts: readonly Mount[],
  limits: SandboxLimits,
): Promise<void> => {
  const { cgroup, launched, reserved } = begun;
  if (reserved === null || launched === null) {
    throw sandboxErrors.START_FAILED({ message: 'A sandbox that was not started for it cannot be adopted.' });
  }
  const { firstPid } = launched;
  await makeMountPoints({ mounts });
  await reserved.mount(mounts, firstPid);
  await setLimits({ firstPid, identity: machine.identity, before: spec.limits, after: limits });
  cgroup?.limit(limits);
};

/** The empty folder at which the sandbox's own `/usr` will stand. */
const prepareOverlay = async ({ systemLayer }: SandboxSpec, folder: string): Promise<Overlay | null> => {
  if (systemLayer === undefined || systemLayer === null) return null;
  const place = join(folder, 'usr');
  await mkdir(place);
  return { layer: systemLayer, place };
};

const begin = async (machine: Machine, spec: SandboxSpec, begun: Begun): Promise<Launched> => {
  await mkdir(begun.folder, { mode: 0o711 });
  await makeMountPoints(spec);
  const owner = ownerFor(machine.identity);
  if (owner !== null) await giveFiles(spec, owner);
  begun.reserved = await reserve(machine, spec);
  const resultPipe = spec.resultChannel ? join(begun.folder, 'algoout') : null;
  if (resultPipe !== null) {
    await machine.pipes.take(resultPipe);
    begun.results = openResultChannel(resultPipe);
  }
  const overlay = await prepareOverlay(spec, begun.folder);
  const network = await networkFor(machine, spec, begun);
  begun.gpus = machine.gpus.take(spec.limits.gpus);
  begun.cgroup = createCgroup(machine.hierarchy, spec.id, groupLimitsOf(spec), machine.clock);
  begun.launched = await launch({
    bubblewrap: machine.bubblewrap,
    identity: machine.identity,
    memberFiles: begun.cgroup.memberFiles,
    fileBytes: spec.limits.fileBytes,
    entrance: begun.reserved === null ? [] : (machine.adoption?.entrance ?? []),
    overlay,
    settings: bubblewrapArguments({
      spec,
      system: overlay === null ? machine.system : overlaid(machine.system, overlay),
      resultPipe,
      reserved: begun.reserved?.mounts ?? [],
      devices: begun.gpus.devices,
      hostsFile: network.hostsFile,
      forbidNamespaces: machine.forbidNamespaces && spec.nests !== true,
      writableProc: spec.nests === true && machine.identity.kind !== 'root',
    }),
    command: limitedCommand(machine.hierarchy, spec),
    prepareNetwork: network.prepareNetwork,
  });
  return begun.launched;
};

const start = async (machine: Machine, spec: SandboxSpec): Promise<Sandbox> => {
  checkSpec(spec);
  const folder = join(machine.runFolder, 'sandboxes', spec.id);
  const begun: Begun = {
    folder,
    cgroup: null,
    results: null,
    launched: null,
    attachment: null,
    reserved: null,
    gpus: null,
  };
  if (existsSync(folder)) throw sandboxErrors.START_FAILED({ message: `A sandbox called ${spec.id} runs already.` });
  try {
    const launched = await begin(machine, spec, begun);
    const { cgroup } = begun;
    return createProcessSandbox({
      ...launched,
      ended: childEnd(launched.child),
      id: spec.id,
      results: begun.results,
      clock: machine.clock,
      adopt: async (mounts, limits) => {
        await adopt({ machine, begun, spec }, mounts, limits);
      },
      usage: () => cgroup?.usage() ?? { cpuS: null, memoryBytes: null, memoryPeakBytes: null },
      kill: () => {
        killFirst(launched);
      },
      finish: async () => {
        const outOfMemory = cgroup?.ranOutOfMemory() ?? false;
        await takeBack({ ...begun, results: null });
        return { outOfMemory };
      },
    });
  } catch (error) {
    if (begun.launched !== null) killFirst(begun.launched);
    await takeBack(begun);
    const cause = asPlatformError(error);
    if (cause.code === 'SANDBOX_START_FAILED') throw cause;
    throw sandboxErrors.START_FAILED({
      message: `Sandbox ${spec.id} could not be prepared: ${cause.message}`,
      cause: error,
    });
  }
};

const examine = async (deps: BubblewrapDeps): Promise<Machine> => {
  const bubblewrap = findProgram('bwrap');
  if (bubblewrap === null) {
    throw sandboxErrors.DRIVER_MISSING({
      message:
        'bubblewrap is not installed: install the package bubblewrap, or set MILLRACE_SANDBOX=plain to run trusted code without isolation.',
    });
  }
  await mkdir(deps.runFolder, { recursive: true });
  const runFolder = await realpath(deps.runFolder);
  await removeLeftovers(runFolder, deps.clock);
  await mkdir(join(runFolder, 'sandboxes'), { recursive: true });
  for (const folder of [runFolder, join(runFolder, 'sandboxes')]) await chmod(folder, 0o711);
  const outside = findOutsideNetwork(deps.clock);
  const system = await prepareSystemFolder(
    join(runFolder, 'etc'),
    'missing' in outside ? '127.0.0.1' : outside.nameserver,
  );
  const { identity, forbidNamespaces } = await chooseIdentity(bubblewrap, system);
  const hierarchy = findHierarchy(`millrace-${createHash('sha256').update(runFolder).digest('hex').slice(0, 12)}`);
  await noteGroups(runFolder, Object.values(hierarchy.folders));
  const pipes = createPipeStock(join(runFolder, 'pipes'), ownerFor(identity));
  // Limits that a process has from its start cannot be changed for it.
  const canLimit = hierarchy.folders.memory !== undefined && hierarchy.folders.pids !== undefined;
  const adoption = canLimit ? await prepareAdoption(join(runFolder, 'adopted')) : null;
  const { clock, logger, hostPolicy: policy = createPublicHosts() } = deps;
  const hosts = findHostNetwork({ clock, logger, policy });
  return {
    bubblewrap,
    runFolder,
    identity,
    forbidNamespaces,
    hierarchy,
    system,
    pipes,
    adoption,
    gpus: findGpus('/dev'),
    outside,
    hosts,
    clock,
  };
};

export interface BubblewrapDeps {
  readonly runFolder: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Where names of allow-lists may lead; left out: anywhere on the public Internet. */
  readonly hostPolicy?: HostPolicy;
}

/** Makes the driver that isolates with Linux namespaces and control groups; see `createSandboxDriver`. */
export const createBubblewrapDriver = async (deps: BubblewrapDeps): Promise<SandboxDriver> => {
  const machine = await examine(deps);
  const kept = keepSandboxes(async (spec) => await start(machine, spec));
  const enforcement = enforcementOf(
    machine.identity,
    machine.hierarchy,
    'missing' in machine.outside ? machine.outside.missing : [],
    machine.gpus.count,
  );
  for (const { what, enforced, how } of enforcement) {
    if (!enforced) deps.logger.warn({ event: 'sandbox.not-enforced', what, how });
  }
  return {
    name: 'bubblewrap',
    enforcement,
    adopts: machine.adoption !== null,
    start: async (spec) => await kept.start(spec),
    close: async () => {
      await kept.stop();
      machine.adoption?.close();
      await removeLeftovers(machine.runFolder, machine.clock);
    },
  };
};
