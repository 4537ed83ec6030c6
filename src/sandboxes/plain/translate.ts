import { isAbsolute } from 'node:path';
import type { Mount, SandboxSpec } from '../sandbox.ts';

const translatePath = (path: string, mounts: readonly Mount[]): string => {
  const mount = mounts
    .filter(({ target }) => path === target || path.startsWith(`${target}/`))
    .sort((a, b) => b.target.length - a.target.length)[0];
  return mount === undefined ? path : mount.source + path.slice(mount.target.length);
};

/** A path, or a list of paths with colons between, as it is named on the host. Other text stays as it is. */
const translateText = (text: string, mounts: readonly Mount[]): string =>
  isAbsolute(text)
    ? text
        .split(':')
        .map((part) => translatePath(part, mounts))
        .join(':')
    : text;

/** Since nothing is mounted for a plain process, what the spec calls by its place inside is named by its place outside. */
export const translateSpec = (spec: SandboxSpec): Pick<SandboxSpec, 'command' | 'environment' | 'workingFolder'> => ({
  command: spec.command.map((part) => translateText(part, spec.mounts)),
  environment: Object.fromEntries(
    Object.entries(spec.environment).map(([name, value]) => [name, translateText(value, spec.mounts)]),
  ),
  workingFolder: translatePath(spec.workingFolder, spec.mounts),
});
