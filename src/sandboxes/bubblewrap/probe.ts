import { sandboxErrors } from '../errors.ts';
import type { SandboxSpec } from '../sandbox.ts';
import { bubblewrapArguments } from './arguments.ts';
import { type Identity, identitiesFor } from './identity.ts';
import { launch } from './launch.ts';
import type { SystemFolder } from './system-folder.ts';

export interface Choice {
  readonly identity: Identity;
  readonly forbidNamespaces: boolean;
}

const trial: SandboxSpec = {
  id: 'trial',
  command: ['/usr/bin/true'],
  environment: {},
  workingFolder: '/tmp',
  mounts: [],
  limits: { memoryBytes: 0, cpus: 1, processes: 1, diskBytes: 1024 * 1024, fileBytes: 1024 * 1024, gpus: 0 },
  network: 'none',
  resultChannel: false,
  endpoint: null,
};

/** Null when a sandbox works this way, else what was said. */
const tryChoice = async (bubblewrap: string, system: SystemFolder, choice: Choice): Promise<string | null> => {
  const settings = bubblewrapArguments({
    ...choice,
    spec: trial,
    system,
    resultPipe: null,
    reserved: [],
    devices: [],
    hostsFile: null,
    writableProc: false,
  });
  try {
    const { child, stderr } = await launch({
      bubblewrap,
      identity: choice.identity,
      memberFiles: [],
      fileBytes: trial.limits.fileBytes,
      entrance: [],
      overlay: null,
      settings,
      command: trial.command,
      prepareNetwork: null,
    });
    let said = '';
    stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const code = await new Promise<number | null>((resolve) => {
      child.once('close', resolve);
    });
    return code === 0 ? null : said.trim();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};

/** Tries which rights and restrictions work on this machine, best first. Throws `SANDBOX_DRIVER_MISSING` when none does. */
export const chooseIdentity = async (bubblewrap: string, system: SystemFolder): Promise<Choice> => {
  const reasons: string[] = [];
  for (const identity of identitiesFor(process.getuid?.() ?? -1)) {
    for (const forbidNamespaces of [true, false]) {
      const reason = await tryChoice(bubblewrap, system, { identity, forbidNamespaces });
      if (reason === null) return { identity, forbidNamespaces };
      reasons.push(`${identity.kind}: ${reason}`);
    }
  }
  throw sandboxErrors.DRIVER_MISSING({
    message: `bubblewrap cannot isolate here (${reasons.join('; ')}). Allow user namespaces to the user that Millrace runs as, or set MILLRACE_SANDBOX=plain for trusted code.`,
  });
};
