import { Compile, type Validator } from 'typebox/compile';
import type { EntityKind } from '../kernel/entity.ts';
import { asPlatformError } from '../kernel/errors.ts';
import type { Logger } from '../kernel/logger.ts';
import { topics } from '../kernel/topics.ts';
import type { Codec } from './codec.ts';
import type { StoredEntity } from './entity-table.ts';
import { messagingErrors } from './errors.ts';
import type { InRecord, OutRecord } from './messaging.ts';

/** Key of an entity's records: what compaction keeps the newest of. */
export const entityKey = (kind: EntityKind, id: string): string => `${kind.kind}/${id}`;

/** The kind's name and the id in a key, or null when it is no entity's key. Ids may hold slashes, kinds may not. */
export const parseEntityKey = (key: Buffer | null): { readonly kind: string; readonly id: string } | null => {
  const text = key?.toString('utf8') ?? '';
  const slash = text.indexOf('/');
  return slash <= 0 ? null : { kind: text.slice(0, slash), id: text.slice(slash + 1) };
};

/** Says that a record of an entity was passed over: one bad record must not take a process down. */
export const tellSkipped = (
  logger: Logger,
  key: { readonly kind: string; readonly id: string },
  record: InRecord,
  error: unknown,
): void => {
  const { code, message } = asPlatformError(error);
  logger.error({ event: 'entity.skipped', ...key, offset: record.offset.toString(), code, message });
};

/** The record that puts an entity. */
export const encodeEntity = (codec: Codec, kind: EntityKind, entity: StoredEntity, atMs: number): OutRecord => {
  const id = kind.idOf(entity.value);
  const message = { kind: kind.kind, id, revision: entity.revision, atMs, body: JSON.stringify(entity.value) };
  return codec.encode(topics.state, message, { key: entityKey(kind, id), partition: 0 });
};

/** The record that removes an entity. */
export const encodeTombstone = (kind: EntityKind, id: string): OutRecord => ({
  topic: topics.state,
  partition: 0,
  key: Buffer.from(entityKey(kind, id)),
  value: null,
  headers: [],
});

/** Reads values of one kind, its schema compiled once. */
export interface EntityDecoder {
  readonly kind: EntityKind;
  /** The entity, or undefined for a tombstone. Throws `MESSAGING_UNDECODABLE` for bytes or values that are not of the kind. */
  decode(codec: Codec, record: InRecord): StoredEntity | undefined;
}

const firstFault = (validator: Validator, value: unknown): string => {
  const fault = validator.Errors(value)[0];
  return fault === undefined
    ? 'does not match'
    : `${fault.instancePath === '' ? '/' : fault.instancePath} ${fault.message}`;
};

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw messagingErrors.UNDECODABLE({ message: 'The body of an entity is not JSON.', cause });
  }
};

/** Compiles the kind's schema into a decoder. */
export const createEntityDecoder = (kind: EntityKind): EntityDecoder => {
  const validator = Compile(kind.schema);
  return {
    kind,
    decode: (codec, record) => {
      if (record.value === null) return undefined;
      const { revision, body } = codec.decode('entity', record);
      const value = parse(body);
      if (!validator.Check(value)) {
        throw messagingErrors.UNDECODABLE({
          message: `The entity at offset ${record.offset.toString()} is no ${kind.kind}: ${firstFault(validator, value)}.`,
        });
      }
      return { revision, value };
    },
  };
};
