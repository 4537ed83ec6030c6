import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { parse } from 'yaml';
import { allowedHostForm, parseAllowedHost } from '../../sandboxes/allowed-host.ts';
import { type BuildPlan } from '../builder.ts';
import { builderErrors } from '../errors.ts';

const mebibyte = 1024 * 1024;
const allowedHostsMax = 64;
const packagesMax = 256;
/** A package of the system, with `=version` or without. */
const packagePattern = '^[a-z0-9][a-z0-9+.-]+(=[0-9][A-Za-z0-9.+:~-]*)?$';

const Commands = Type.Union([Type.String(), Type.Array(Type.String())]);

/** `millrace.yaml` at the root of an algorithm. Every field has a default; an unknown one is refused by name. */
const manifestSchema = Type.Object(
  {
    name: Type.Optional(Type.String()),
    language: Type.Optional(Type.String()),
    build: Type.Optional(Commands),
    test: Type.Optional(Type.String()),
    test_gate: Type.Optional(Type.Boolean()),
    packages: Type.Optional(Type.Array(Type.String({ pattern: packagePattern }), { maxItems: packagesMax })),
    pool: Type.Optional(Type.String({ pattern: '^[a-z][a-z0-9-]{0,30}$' })),
    isolation: Type.Optional(Type.Union([Type.Literal('account'), Type.Literal('call'), Type.Literal('shared')])),
    memory_mb: Type.Optional(Type.Integer({ minimum: 16, maximum: 1024 * 1024 })),
    cpus: Type.Optional(Type.Number({ minimum: 0.1, maximum: 256 })),
    processes: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
    disk_mb: Type.Optional(Type.Integer({ minimum: 1, maximum: 1024 * 1024 })),
    file_mb: Type.Optional(Type.Integer({ minimum: 1, maximum: 1024 * 1024 })),
    gpus: Type.Optional(Type.Integer({ minimum: 0, maximum: 64 })),
    network_hosts: Type.Optional(Type.Array(Type.String(), { maxItems: allowedHostsMax })),
    load_timeout_s: Type.Optional(Type.Integer({ minimum: 1, maximum: 3600 })),
  },
  { additionalProperties: false },
);

type Manifest = Static<typeof manifestSchema>;

const refuse = (message: string): Error => builderErrors.PLAN_INVALID({ message: `millrace.yaml: ${message}` });

const parseYaml = (text: string): unknown => {
  try {
    return parse(text) ?? {};
  } catch (error) {
    throw refuse(`it is not valid YAML: ${error instanceof Error ? error.message : String(error)}`);
  }
};

const describeFault = (value: unknown): string => {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return 'it must be a list of fields with values';
  const unknown = Object.keys(value).filter((key) => !(key in manifestSchema.properties));
  if (unknown.length > 0) {
    const known = Object.keys(manifestSchema.properties).join(', ');
    return `unknown field ${unknown.map((key) => `"${key}"`).join(', ')}; known are ${known}`;
  }
  const [fault] = Value.Errors(manifestSchema, value);
  return fault === undefined
    ? 'it does not have the expected form'
    : `${fault.instancePath.slice(1).replaceAll('/', '.')} ${fault.message}`;
};

const storageOf = (manifest: Manifest): { readonly diskBytes: number; readonly fileBytes: number } => {
  const diskMb = manifest.disk_mb ?? 2048;
  return { diskBytes: diskMb * mebibyte, fileBytes: (manifest.file_mb ?? diskMb) * mebibyte };
};

const checkHosts = ({ network_hosts = [] }: Manifest): void => {
  const [wrongHost] = network_hosts.filter((text) => parseAllowedHost(text) === null);
  if (wrongHost !== undefined) throw refuse(`network_hosts: "${wrongHost}" is not ${allowedHostForm}`);
};

const runOf = (manifest: Manifest): BuildPlan['run'] => ({
  pool: manifest.pool ?? 'cpu',
  isolation: manifest.isolation ?? 'account',
  memoryBytes: (manifest.memory_mb ?? 512) * mebibyte,
  cpus: manifest.cpus ?? 1,
  processes: manifest.processes ?? 256,
  loadTimeoutS: manifest.load_timeout_s ?? 60,
  ...storageOf(manifest),
  gpus: manifest.gpus ?? 0,
  hosts: manifest.network_hosts ?? null,
});

/**
 * Reads the text of `millrace.yaml` (null: there is none) into a plan with every default filled in. Throws
 * `BUILDER_PLAN_INVALID` that names the field.
 */
export const planOf = (text: string | null): BuildPlan => {
  const manifest = text === null ? {} : parseYaml(text);
  if (!Value.Check(manifestSchema, manifest)) throw refuse(describeFault(manifest));
  checkHosts(manifest);
  const { build = [] } = manifest;
  return {
    commands: typeof build === 'string' ? [build] : build,
    test: manifest.test ?? null,
    testGate: manifest.test_gate ?? false,
    packages: [...new Set(manifest.packages)].sort(),
    run: runOf(manifest),
  };
};
