import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, realpath, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import type Docker from 'dockerode';
import type { Clock } from '../../kernel/clock.ts';
import { asPlatformError } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import { type Adoption, prepareAdoptionHere, type Reserved } from '../bubblewrap/adoption.ts';
import { removeLeftovers } from '../bubblewrap/leftovers.ts';
import type { Attachment } from '../bubblewrap/network.ts';
import { setLimits } from '../bubblewrap/set-limits.ts';
import { insideUid, prepareSystemFolder, type SystemFolder } from '../bubblewrap/system-folder.ts';
import { sandboxErrors } from '../errors.ts';
import type { HostPolicy } from '../hosts/gate.ts';
import { checkSpec } from '../process/check-spec.ts';
import { giveFiles } from '../process/give-to.ts';
import { keepSandboxes } from '../process/kept-sandboxes.ts';
import { makeMountPoints } from '../process/mount-points.ts';
import { createPipeStock, type PipeStock } from '../process/pipe-stock.ts';
import { createProcessSandbox } from '../process/process-sandbox.ts';
import { openResultChannel } from '../process/result-channel.ts';
import type { Mount, Sandbox, SandboxDriver, SandboxLimits, SandboxSpec } from '../sandbox.ts';
import { type RunningContainer, startContainer } from './container.ts';
import { containerOptions } from './container-options.ts';
import { enforcementOf } from './enforcement.ts';
import { messageOf, openEngine } from './engine.ts';
import { ensureSandboxImage } from './image.ts';
import { createLayerImages, type LayerImages } from './layer-image.ts';
import { removeContainers } from './leftovers.ts';
import { findNetworks, type Networks, type PreparedNetwork, prepareNetwork } from './networks.ts';
import { openStandardStreams, type StandardStreams } from './standard-streams.ts';

/** How the engine is reached and what sandboxes are made of. */
export interface DockerOptions {
  readonly socketPath: string;
  /** A Debian image from which the image of sandboxes is built. */
  readonly baseImage: string;
}

export interface DockerDeps extends DockerOptions {
  /** Told when a part of the image is there, in words. */
  readonly onProgress: (text: string) => void;
  readonly runFolder: string;
  /** Which hosts an allow-list may lead to; left out: those of the Internet. */
  readonly hostPolicy?: HostPolicy;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Machine {
  readonly engine: Docker;
  readonly image: string;
  /** The same with system packages. */
  readonly layerImages: LayerImages;
  readonly runFolder: string;
  /** Distinguishes the containers of this driver from those of others on the same engine. */
  readonly mark: string;
  /** uid and gid of everything inside. */
  readonly user: { readonly uid: number; readonly gid: number };
  readonly system: Pick<SystemFolder, 'own' | 'resolver'>;
  readonly pipes: PipeStock;
  /** Null where what we mount does not reach running containers. */
  readonly adoption: Adoption | null;
  readonly networks: Networks;
  readonly clock: Clock;
}

/** What exists of a sandbox while it starts, so that a failed start can take it back. */
interface Begun {
  readonly folder: string;
  streams: StandardStreams | null;
  results: Socket | null;
  container: RunningContainer | null;
  attachment: Attachment | null;
  reserved: Reserved | null;
}

interface Started {
  readonly container: RunningContainer;
  readonly streams: StandardStreams;
}

const refuse = (spec: SandboxSpec, reason: string) =>
  sandboxErrors.START_FAILED({ message: `Sandbox ${spec.id} ${reason}.` });

/** Throws for what a container of this driver cannot be. */
const checkPossible = ({ adoption }: Machine, spec: SandboxSpec): void => {
  if (spec.adoptable !== undefined && adoption === null) {
    throw refuse(spec, 'is to be adopted later, which this machine does not allow');
  }
  if (spec.limits.gpus > 0) throw refuse(spec, 'needs a graphics processor, which this driver gives to none');
};

/** The program waits behind its gate until its network is there. */
const connect = async ({ open }: PreparedNetwork, spec: SandboxSpec, begun: Begun): Promise<void> => {
  if (open === null) return;
  const pid = begun.container?.pid ?? null;
  if (pid === null) throw refuse(spec, 'ended before its network was there, or this machine does not show its process');
  begun.attachment = await open(pid);
  begun.streams?.stdin.write('\n');
};

const begin = async (machine: Machine, spec: SandboxSpec, begun: Begun): Promise<Started> => {
  const { user } = machine;
  await mkdir(begun.folder, { mode: 0o711 });
  await makeMountPoints(spec);
  if (process.getuid?.() === 0) await giveFiles(spec, user.uid);
  begun.streams = await openStandardStreams(machine.pipes, begun.folder);
  const resultPipe = spec.resultChannel ? join(begun.folder, 'algoout') : null;
  if (resultPipe !== null) {
    await machine.pipes.take(resultPipe);
    begun.results = openResultChannel(resultPipe);
  }
  const network = await prepareNetwork(machine.networks, spec, begun.folder);
  begun.reserved = (await machine.adoption?.reserve(spec.id, spec.adoptable ?? [])) ?? null;
  const options = containerOptions({
    spec,
    name: `millrace-${machine.mark}-${spec.id}`,
    labels: { 'millrace.driver': machine.mark },
    image: spec.systemLayer == null ? machine.image : await machine.layerImages.of(spec.systemLayer),
    user: `${user.uid}:${user.gid}`,
    system: machine.system,
    streams: begun.streams.mounts,
    resultPipe,
    hostsFile: network.hostsFile,
    reserved: begun.reserved?.mounts ?? [],
  });
  begun.container = await startContainer(machine.engine, options);
  await connect(network, spec, begun);
  return { container: begun.container, streams: begun.streams };
};

const adopt = async (
  { machine, begun, spec }: { readonly machine: Machine; readonly begun: Begun; readonly spec: SandboxSpec },
  mounts: readonly Mount[],
  limits: SandboxLimits,
): Promise<void> => {
  const { container, reserved } = begun;
  const pid = container?.pid ?? null;
  if (spec.adoptable === undefined || container === null || reserved === null || pid === null) {
    throw refuse(spec, 'cannot be adopted');
  }
  await makeMountPoints({ mounts });
  await reserved.mount(mounts, pid);
  const identity = { kind: 'separate', uid: machine.user.uid } as const;
  await setLimits({ firstPid: pid, identity, before: spec.limits, after: limits });
  try {
    await container.limit(limits);
  } catch (error) {
    throw refuse(spec, `cannot have other limits: ${messageOf(error)}`);
  }
};

const takeBack = async (begun: Begun): Promise<{ readonly outOfMemory: boolean }> => {
  begun.attachment?.close();
  const removed = await begun.container?.remove();
  await begun.reserved?.remove();
  begun.streams?.finish();
  await rm(begun.folder, { recursive: true, force: true });
  return removed ?? { outOfMemory: false };
};

const start = async (machine: Machine, spec: SandboxSpec): Promise<Sandbox> => {
  checkSpec(spec);
  checkPossible(machine, spec);
  const begun: Begun = {
    folder: join(machine.runFolder, 'sandboxes', spec.id),
    streams: null,
    results: null,
    container: null,
    attachment: null,
    reserved: null,
  };
  if (existsSync(begun.folder)) throw refuse(spec, 'runs already');
  try {
    const { container, streams } = await begin(machine, spec, begun);
    return createProcessSandbox({
      ...streams,
      ended: container.ended,
      id: spec.id,
      results: begun.results,
      clock: machine.clock,
      adopt: async (mounts, limits) => {
        await adopt({ machine, begun, spec }, mounts, limits);
      },
      usage: () => container.gauges.usage(),
      kill: () => {
        void container.kill();
      },
      finish: async () => await takeBack(begun),
    });
  } catch (error) {
    begun.results?.destroy();
    await takeBack(begun);
    const cause = asPlatformError(error);
    if (cause.code === 'SANDBOX_START_FAILED') throw cause;
    throw sandboxErrors.START_FAILED({
      message: `Sandbox ${spec.id} could not be prepared: ${messageOf(error)}`,
      cause: error,
    });
  }
};

const trial: SandboxSpec = {
  id: 'trial',
  command: ['/bin/sh', '-c', 'echo here >/tmp/algoout'],
  environment: {},
  workingFolder: '/tmp',
  mounts: [],
  limits: { memoryBytes: 64 * 2 ** 20, cpus: 1, processes: 4, diskBytes: 2 ** 20, fileBytes: 2 ** 20, gpus: 0 },
  network: 'none',
  resultChannel: true,
  endpoint: null,
};

/** An engine behind a socket may run in another machine or see other files: what a sandbox answers tells. */
const tryOut = async (machine: Machine): Promise<void> => {
  let answer = '';
  try {
    const sandbox = await start(machine, trial);
    sandbox.results?.on('data', (chunk: Buffer) => {
      answer += chunk.toString();
    });
    await sandbox.exited;
  } catch (error) {
    throw sandboxErrors.DRIVER_MISSING({ message: `Docker cannot isolate here: ${messageOf(error)}`, cause: error });
  }
  if (answer === 'here\n') return;
  throw sandboxErrors.DRIVER_MISSING({
    message: `The Docker engine runs containers, but what they write does not arrive in ${machine.runFolder}: it has to run on this machine and see the same folders.`,
  });
};

/** Whether what is mounted here reaches a running container: not where the engine has other mounts than we have. */
const tryAdoption = async (machine: Machine): Promise<boolean> => {
  if (machine.adoption === null) return false;
  try {
    const sandbox = await start(machine, { ...trial, command: ['/bin/cat'], adoptable: ['/opt/later'] });
    const source = join(machine.runFolder, 'etc');
    const mounts = [{ source, target: '/opt/later', writable: false }];
    try {
      await sandbox.adopt(mounts, trial.limits);
    } finally {
      await sandbox.stop(0);
    }
    return true;
  } catch {
    // The engine refuses such a mount.
    return false;
  }
};

const userInside = (): Machine['user'] => {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  // Only root can give files to another user.
  return uid === 0 ? { uid: insideUid, gid: insideUid } : { uid, gid };
};

const certificatesFile = '/etc/ssl/certs/ca-certificates.crt';

/** Whom this machine trusts: its owner may have added authorities of a mirror or a proxy. */
const certificates = (): readonly Mount[] =>
  existsSync(certificatesFile) ? [{ source: certificatesFile, target: certificatesFile, writable: false }] : [];

const examine = async (deps: DockerDeps): Promise<Machine> => {
  const engine = await openEngine(deps.socketPath);
  await mkdir(deps.runFolder, { recursive: true });
  const runFolder = await realpath(deps.runFolder);
  const mark = createHash('sha256').update(runFolder).digest('hex').slice(0, 12);
  await removeContainers(engine, mark);
  await removeLeftovers(runFolder, deps.clock);
  await mkdir(join(runFolder, 'sandboxes'), { recursive: true });
  for (const folder of [runFolder, join(runFolder, 'sandboxes')]) await chmod(folder, 0o711);
  const image = await ensureSandboxImage({
    engine,
    wanted: deps.baseImage,
    folder: join(runFolder, 'image'),
    onProgress: deps.onProgress,
  });
  const networks = findNetworks(deps);
  const { outside } = networks;
  const nameserver = 'missing' in outside ? '127.0.0.1' : outside.nameserver;
  const { own, resolver } = await prepareSystemFolder(join(runFolder, 'etc'), nameserver);
  const system = { own: [...own, ...certificates()], resolver };
  const user = userInside();
  const pipes = createPipeStock(join(runFolder, 'pipes'), process.getuid?.() === 0 ? user.uid : null);
  const adoption = await prepareAdoptionHere(join(runFolder, 'adopted'));
  const layerImages = createLayerImages({ engine, base: image, folder: runFolder });
  const machine = {
    engine,
    image,
    layerImages,
    runFolder,
    mark,
    user,
    system,
    pipes,
    adoption,
    networks,
    clock: deps.clock,
  };
  await tryOut(machine);
  return (await tryAdoption(machine)) ? machine : { ...machine, adoption: null };
};

/** Makes the driver that isolates with containers of a Docker engine on this machine; see `createSandboxDriver`. */
export const createDockerDriver = async (deps: DockerDeps): Promise<SandboxDriver> => {
  const machine = await examine(deps);
  const kept = keepSandboxes(async (spec) => await start(machine, spec));
  const { uid, gid } = machine.user;
  const enforcement = enforcementOf(
    `${uid}:${gid}`,
    'missing' in machine.networks.outside ? machine.networks.outside.missing : [],
  );
  for (const { what, enforced, how } of enforcement) {
    if (!enforced) deps.logger.warn({ event: 'sandbox.not-enforced', what, how });
  }
  return {
    name: 'docker',
    enforcement,
    adopts: machine.adoption !== null,
    start: async (spec) => await kept.start(spec),
    close: async () => {
      await kept.stop();
      await removeContainers(machine.engine, machine.mark);
      await removeLeftovers(machine.runFolder, machine.clock);
    },
  };
};
