import type { Type } from 'avsc';
import type { Contracts } from '../kernel/contracts/contracts.gen.ts';
import { type Headers, headerNames } from '../kernel/contracts/envelope.ts';
import type { RequestId } from '../kernel/ids.ts';
import type { Topic } from '../kernel/topics.ts';
import { messagingErrors } from './errors.ts';
import type { InRecord, OutRecord } from './messaging.ts';
import { type ContractType, contractTypesOf } from './registry/contract-types.ts';
import { frameBytes, frameIdOf, writeFrame } from './registry/frame.ts';
import { readSchemaFiles, type SchemaFile } from './registry/schema-files.ts';
import { pinnedSchemaIds, type SchemaIds } from './registry/schema-ids.ts';

/** What a record carries beside its message. Only what is given becomes a header. */
export interface Envelope {
  readonly key: string | Buffer | null;
  readonly id?: RequestId;
  /** From 1. */
  readonly attempt?: number;
  /** Milliseconds since the epoch after which nobody waits. */
  readonly deadlineMs?: number;
  readonly traceparent?: string;
  /** The calls above a nested one; see `headerNames.chain`. */
  readonly chain?: string;
  readonly partition?: number;
}

/** Turns messages into records and back. One may serve a whole process. */
export interface Codec {
  /**
   * The record of that message; a message of another contract than the topic's does not compile. Throws what avsc
   * throws when the message breaks its schema all the same, because that is a bug.
   */
  encode<Name extends keyof Contracts>(topic: Topic<Name>, message: Contracts[Name], envelope: Envelope): OutRecord;
  /**
   * The message of a record, whichever known version wrote it. Throws `MESSAGING_UNDECODABLE` for a record of another
   * contract, of a version that this release does not know, without value, or with broken bytes.
   */
  decode<Name extends keyof Contracts>(name: Name, record: InRecord): Contracts[Name];
}

export interface CodecOptions {
  /** Ids given by an external registry; default: those pinned in `schemas/`. */
  readonly ids?: SchemaIds;
  /** Default: the schemas of this release. */
  readonly schemas?: readonly SchemaFile[];
}

type Header = Headers[number];

/** What is prepared once per contract, so that a record costs no more than its bytes. */
interface Prepared {
  readonly types: ContractType;
  readonly header: Header;
  readonly schemaId: number;
}

const slabBytes = 64 * 1024;
const attemptHeadersKept = 16;

type FrameWriter = (type: Type, schemaId: number, message: unknown) => Buffer;

/**
 * Writes framed values one behind the other into slabs, so that a small record costs no allocation of its own. avsc
 * answers a buffer that is too small with the number of bytes that were missing, as a negative end.
 */
const createFrameWriter = (): FrameWriter => {
  let slab = Buffer.allocUnsafeSlow(slabBytes);
  let position = 0;
  return (type, schemaId, message) => {
    let end = type.encode(message, slab, position + frameBytes);
    if (end < 0) {
      const sizeBytes = slab.length - end - position;
      const large = sizeBytes > slabBytes / 4;
      const target = Buffer.allocUnsafeSlow(large ? sizeBytes : slabBytes);
      end = type.encode(message, target, frameBytes);
      writeFrame(target, 0, schemaId);
      if (large) return target;
      slab = target;
      position = end;
      return target.subarray(0, end);
    }
    writeFrame(slab, position, schemaId);
    const value = slab.subarray(position, end);
    position = end;
    return value;
  };
};

const prepare = (schemas: readonly SchemaFile[], ids: SchemaIds): ReadonlyMap<string, Prepared> =>
  new Map(
    [...contractTypesOf(schemas)].map(([contract, types]) => {
      const label = `${contract}/${types.version}`;
      const schemaId = ids.get(label);
      if (schemaId === undefined) throw new Error(`no schema id for ${label}: add it to schemas/ids.json`);
      return [contract, { types, header: [headerNames.contract, Buffer.from(label)], schemaId }];
    }),
  );

/** Ids, numbers and trace contexts are ASCII, for which latin1 is the faster way. */
const textHeader = (name: string, text: string): Header => [name, Buffer.from(text, 'latin1')];

const prepareAttempts = (): readonly Header[] =>
  Array.from({ length: attemptHeadersKept }, (_, attempt) => textHeader(headerNames.attempt, String(attempt)));

/** `id`: the bytes of the envelope's. */
const headersOf = (
  contract: Header,
  attempts: readonly Header[],
  envelope: Envelope,
  id: Buffer | undefined,
): Headers => {
  const headers: Header[] = [contract];
  const { attempt, deadlineMs, traceparent, chain } = envelope;
  if (id !== undefined) headers.push([headerNames.id, id]);
  if (attempt !== undefined) headers.push(attempts[attempt] ?? textHeader(headerNames.attempt, String(attempt)));
  if (deadlineMs !== undefined) headers.push(textHeader(headerNames.deadline, String(deadlineMs)));
  if (traceparent !== undefined) headers.push(textHeader(headerNames.traceparent, traceparent));
  if (chain !== undefined) headers.push(textHeader(headerNames.chain, chain));
  return headers;
};

const undecodable = (contract: string, record: InRecord, why: string, cause?: unknown) =>
  messagingErrors.UNDECODABLE({
    message: `The record ${record.topic}/${record.partition}/${record.offset.toString()} is not a ${contract}: ${why}.`,
    details: { contract, topic: record.topic, partition: record.partition, offset: record.offset.toString() },
    cause,
  });

const contractHeaderOf = (record: InRecord): Buffer | undefined => {
  for (const [name, value] of record.headers) if (name === headerNames.contract) return value;
  return undefined;
};

/** How that record is read. Nearly every record has the very bytes of the newest version's header. */
const readerFor = (prepared: Prepared, record: InRecord): ((bytes: Buffer) => unknown) => {
  const { types, header } = prepared;
  const found = contractHeaderOf(record);
  if (found === undefined) throw undecodable(types.contract, record, 'it has no contract header');
  if (found.equals(header[1])) return types.readNewest;
  const label = found.toString('utf8');
  const slash = label.lastIndexOf('/');
  if (label.slice(0, slash) !== types.contract) {
    throw undecodable(types.contract, record, `its contract header says ${JSON.stringify(label)}`);
  }
  const reader = types.reader(Number(label.slice(slash + 1)));
  if (reader === undefined) {
    throw undecodable(types.contract, record, `this release does not know ${label}; a newer one wrote it`);
  }
  return reader;
};

/** Builds the codec: reads and compiles the schemas once. Throws when one cannot be parsed or has no id. */
export const createCodec = (options: CodecOptions = {}): Codec => {
  const byContract = prepare(options.schemas ?? readSchemaFiles(), options.ids ?? pinnedSchemaIds());
  const writeFramed = createFrameWriter();
  const attempts = prepareAttempts();
  const preparedOf = (name: string): Prepared => {
    const prepared = byContract.get(name);
    if (prepared === undefined) throw new Error(`contract ${name} has no schema`);
    return prepared;
  };

  return {
    encode: (topic, message, envelope) => {
      const { types, header, schemaId } = preparedOf(topic.contract);
      const { partition } = envelope;
      const id = envelope.id === undefined ? undefined : Buffer.from(envelope.id, 'latin1');
      const headers = headersOf(header, attempts, envelope, id);
      const own = envelope.key === envelope.id ? id : undefined;
      const key = own ?? (typeof envelope.key === 'string' ? Buffer.from(envelope.key) : envelope.key);
      const value = writeFramed(types.type, schemaId, message);
      return partition === undefined ? { topic, key, value, headers } : { topic, partition, key, value, headers };
    },
    decode: <Name extends keyof Contracts>(name: Name, record: InRecord) => {
      const read = readerFor(preparedOf(name), record);
      const { value } = record;
      if (value === null) throw undecodable(name, record, 'it has no value');
      if (frameIdOf(value) === undefined) throw undecodable(name, record, 'its value is not framed');
      try {
        return read(value.subarray(frameBytes)) as Contracts[Name];
      } catch (cause) {
        throw undecodable(name, record, 'its bytes do not fit the schema', cause);
      }
    },
  };
};
