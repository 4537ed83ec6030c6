import { Type } from 'typebox';
import type { Catalog, Settings } from '../../catalog/catalog.ts';
import { environmentOfName } from '../../kernel/environment-names.ts';
import { ingressErrors } from '../errors.ts';

/**
 * What clients send about algorithms. Lenient as the vendor was: unknown fields and misspelt licences pass, empty
 * objects count as absent.
 */

const Text = Type.Optional(Type.Union([Type.String(), Type.Null()]));

const SettingsFields = Type.Object({
  algorithm_callability: Text,
  source_visibility: Text,
  license: Text,
  network_access: Text,
  pipeline_enabled: Type.Optional(Type.Union([Type.Boolean(), Type.Null()])),
  insights_enabled: Type.Optional(Type.Union([Type.Boolean(), Type.Null()])),
  algorithm_environment: Text,
  package_set: Text,
  language: Text,
});

const DetailsFields = Type.Object({ label: Text, summary: Text, tagline: Text });

export const CreateFields = Type.Object({
  name: Type.String({ pattern: '^[a-zA-Z][a-zA-Z0-9_]{0,63}$' }),
  details: Type.Optional(DetailsFields),
  settings: Type.Optional(SettingsFields),
});
export const UpdateFields = Type.Object({
  details: Type.Optional(DetailsFields),
  settings: Type.Optional(SettingsFields),
});
export const VersionFields = Type.Object({
  settings: Type.Optional(SettingsFields),
  version_info: Type.Optional(
    Type.Object({ version_type: Text, release_notes: Text, sample_input: Text, git_hash: Text }),
  ),
});

type SettingsFields = Type.Static<typeof SettingsFields>;
type DetailsFields = Type.Static<typeof DetailsFields>;

const choice = <const Value extends string>(
  name: string,
  text: string | null | undefined,
  values: readonly Value[],
): Value | undefined => {
  if (text === null || text === undefined || text === '') return undefined;
  const found = values.find((value) => value === text);
  if (found !== undefined) return found;
  throw ingressErrors.BAD_REQUEST({ message: `${name} is "${text.slice(0, 40)}": give ${values.join(' or ')}` });
};

/** Drops the fields without a value. */
const present = <Fields extends object>(
  fields: Fields,
): { [Name in keyof Fields]?: Exclude<Fields[Name], undefined | null> } =>
  // `as`: Object.entries forgets the names.
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null)) as {
    [Name in keyof Fields]?: Exclude<Fields[Name], undefined | null>;
  };

/** The settings that were given, as ours. Throws `INGRESS_BAD_REQUEST`. */
export const fromHttpSettings = (fields: SettingsFields | undefined): Partial<Settings> =>
  fields === undefined
    ? {}
    : present({
        callability: choice('algorithm_callability', fields.algorithm_callability, ['public', 'private']),
        sourceVisibility: choice('source_visibility', fields.source_visibility, ['open', 'closed']),
        license: fields.license,
        networkAccess: choice('network_access', fields.network_access, ['full', 'isolated']),
        pipelineEnabled: fields.pipeline_enabled,
        insightsEnabled: fields.insights_enabled,
      });

/** The details that were given. */
export const fromHttpDetails = (fields: DetailsFields | undefined) => present({ ...fields });

/** Environment that the settings name: by id, UUID, package set or language; null when they name none. */
export const environmentIn = (
  fields: SettingsFields | undefined,
  catalog: Pick<Catalog, 'environment'>,
): string | null => {
  const named = [fields?.algorithm_environment, fields?.package_set, fields?.language].find(
    (name) => name !== undefined && name !== null && name !== '',
  );
  if (named === undefined || named === null) return null;
  // What nobody knows is refused by its name, by whoever decides.
  return environmentOfName(named, (id) => catalog.environment(id) !== null) ?? named;
};

/** Kind of the next version; null means the default. Throws `INGRESS_BAD_REQUEST`. */
export const versionTypeIn = (text: string | null | undefined) =>
  choice('version_type', text, ['major', 'minor', 'revision', 'patch']);
