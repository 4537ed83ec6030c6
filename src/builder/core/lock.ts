import { createHash } from 'node:crypto';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { builderErrors } from '../errors.ts';

/** What was resolved for a build. It is kept with the build, and a build that is given it installs just that. */

const Digest = Type.String({ pattern: '^[0-9a-f]{64}$' });

const SystemPackage = Type.Object({
  name: Type.String({ pattern: '^[a-z0-9][a-z0-9+.-]*$' }),
  version: Type.String({ pattern: '^[A-Za-z0-9.+:~-]+$' }),
  architecture: Type.String({ pattern: '^[a-z0-9-]+$' }),
  sizeBytes: Type.Integer({ minimum: 0 }),
  sha256: Digest,
  /** Below whichever package source the machine uses. */
  path: Type.String({ pattern: '^[A-Za-z0-9_][A-Za-z0-9_./+~%:-]*$' }),
});

const systemLockSchema = Type.Object({
  /** As `millrace.yaml` names them. */
  declared: Type.Array(Type.String()),
  /** For example `debian 12 amd64`. */
  platform: Type.String(),
  packages: Type.Array(SystemPackage),
});
export type SystemLock = Static<typeof systemLockSchema>;

const dependencyLockSchema = Type.Object({
  /** SHA-256 of the dependency file. */
  declared: Digest,
  /** What resolved them, for example `Python 3.11.2`. */
  interpreter: Type.String(),
  /** The environment's lock file. */
  content: Type.Unknown(),
});
export type DependencyLock = Static<typeof dependencyLockSchema>;

const buildLockSchema = Type.Object({
  lockVersion: Type.Literal(1),
  environment: Type.String(),
  system: Type.Union([systemLockSchema, Type.Null()]),
  dependencies: Type.Union([dependencyLockSchema, Type.Null()]),
});
export type BuildLock = Static<typeof buildLockSchema>;

/** Name of the file in an algorithm's folder that pins its next build. */
export const lockFileName = 'millrace.lock';

const refuse = (message: string): Error => builderErrors.PLAN_INVALID({ message: `${lockFileName}: ${message}` });

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw refuse(`it is not valid JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
};

/** Reads a lock that an algorithm brought, for that environment. Throws `BUILDER_PLAN_INVALID` with what is wrong. */
export const parseLock = (text: string, environment: string): BuildLock => {
  const value = parse(text);
  if (!Value.Check(buildLockSchema, value)) {
    const [fault] = Value.Errors(buildLockSchema, value);
    const place = fault?.instancePath.slice(1).replaceAll('/', '.') ?? '';
    throw refuse(`${place} ${fault?.message ?? 'it does not have the expected form'}`.trim());
  }
  if (value.environment === environment) return value;
  throw refuse(`it was made for the environment ${value.environment}, not for ${environment}; ${remedy}`);
};

const remedy = 'remove it, build, and take the lock of that build';

/** The lock's system packages, if it was made for those that are declared now. Throws `BUILDER_PLAN_INVALID` if not. */
export const lockedSystem = (lock: BuildLock | null, declared: readonly string[]): SystemLock | null => {
  if (lock === null) return null;
  const then = lock.system?.declared ?? [];
  if (JSON.stringify(then) === JSON.stringify(declared)) return lock.system;
  const named = declared.join(', ') || 'none';
  throw refuse(`it was made for the packages ${then.join(', ') || 'none'}, millrace.yaml names ${named}; ${remedy}`);
};

/** The lock's dependencies, if it was made for this file. Throws `BUILDER_PLAN_INVALID` if not. */
export const lockedDependencies = (
  lock: BuildLock | null,
  file: { readonly name: string; readonly declared: string },
): DependencyLock | null => {
  if (lock === null) return null;
  if (lock.dependencies?.declared === file.declared) return lock.dependencies;
  throw refuse(`it was made for another ${file.name}; ${remedy}`);
};

/** SHA-256 over values, in hex: names what they decide. */
export const keyOf = (...parts: readonly unknown[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex');

/** SHA-256 of a file's text. */
export const textDigest = (text: string): string => createHash('sha256').update(text).digest('hex');

/** What `resolve` of the system packages wrote. Throws when it is not what it should be. */
export const systemLockOf = (declared: readonly string[], text: string): SystemLock => {
  const written = JSON.parse(text) as object;
  return Value.Parse(systemLockSchema, { declared, ...written });
};
