import { compressionsAlgorithms } from '@platformatic/kafka';
import type { InRecord } from '../messaging.ts';
import { ByteReader } from './byte-reader.ts';
import type { HeaderNames } from './header-names.ts';

export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: bigint;
}

/** Records of one partition's part of a fetch response. */
export interface Slice {
  readonly records: InRecord[];
  /** Offset after the last batch, markers and aborted records included. */
  readonly next: bigint;
}

export interface DecodeOptions {
  /** Name without the configured prefix. */
  readonly topic: string;
  readonly partition: number;
  /** Records below are left out: the broker answers with whole batches. */
  readonly from: bigint;
  /** Aborted transactions that reach into these bytes; null when aborted records are wanted. */
  readonly aborted: readonly AbortedTransaction[] | null;
  readonly names: HeaderNames;
}

const codecMask = 0x07;
const appendTimeBit = 0x08;
const transactionalBit = 0x10;
const controlBit = 0x20;
const abortMarker = 0;
/** Records of larger responses are copied, so that one that is kept for long does not keep the others. */
const sharedBytesMax = 128 * 1024;

interface BatchInfo {
  readonly baseOffset: bigint;
  readonly attributes: number;
  readonly lastOffsetDelta: number;
  readonly baseTimestampMs: number;
  readonly maxTimestampMs: number;
  readonly producerId: bigint;
  readonly count: number;
}

/** Follows which producers' transactions are aborted while the batches pass by in offset order. */
class AbortFilter {
  readonly #pending: AbortedTransaction[];
  readonly #active = new Set<bigint>();

  constructor(aborted: readonly AbortedTransaction[]) {
    this.#pending = aborted.toSorted((left, right) => Number(left.firstOffset - right.firstOffset));
  }

  drops(batch: BatchInfo): boolean {
    const last = batch.baseOffset + BigInt(batch.lastOffsetDelta);
    while (this.#pending[0] !== undefined && this.#pending[0].firstOffset <= last) {
      const started = this.#pending.shift();
      if (started !== undefined) this.#active.add(started.producerId);
    }
    return (batch.attributes & transactionalBit) !== 0 && this.#active.has(batch.producerId);
  }

  ended(producerId: bigint): void {
    this.#active.delete(producerId);
  }
}

/** Decodes complete batches; a batch that was cut off at the end is left for the next fetch. */
export const decodeSlice = (bytes: Buffer, options: DecodeOptions): Slice => {
  const filter = new AbortFilter(options.aborted ?? []);
  const records: InRecord[] = [];
  let next = options.from;
  let at = 0;
  while (bytes.length - at >= 61) {
    const size = bytes.readInt32BE(at + 8) + 12;
    if (bytes.length - at < size) break;
    const batch = batchInfo(bytes, at);
    const body = bytes.subarray(at + 61, at + size);
    at += size;
    next = batch.baseOffset + BigInt(batch.lastOffsetDelta) + 1n;
    const dropped = filter.drops(batch);
    if ((batch.attributes & controlBit) !== 0) {
      if (markerType(body) === abortMarker) filter.ended(batch.producerId);
    } else if (!dropped || options.aborted === null) {
      readBatch(batch, body, options, records);
    }
  }
  return { records, next };
};

const batchInfo = (bytes: Buffer, at: number): BatchInfo => ({
  baseOffset: bytes.readBigInt64BE(at),
  attributes: bytes.readInt16BE(at + 21),
  lastOffsetDelta: bytes.readInt32BE(at + 23),
  baseTimestampMs: Number(bytes.readBigInt64BE(at + 27)),
  maxTimestampMs: Number(bytes.readBigInt64BE(at + 35)),
  producerId: bytes.readBigInt64BE(at + 43),
  count: bytes.readInt32BE(at + 57),
});

/** A marker's key is a version and a type: 0 abort, 1 commit. */
const markerType = (body: Buffer): number => {
  const reader = new ByteReader(body);
  reader.varint();
  reader.int8();
  reader.varlong();
  reader.varint();
  return reader.varintBlob()?.readInt16BE(2) ?? -1;
};

const decompressors = [
  null,
  compressionsAlgorithms.gzip,
  compressionsAlgorithms.snappy,
  compressionsAlgorithms.lz4,
  compressionsAlgorithms.zstd,
] as const;

const readBatch = (batch: BatchInfo, body: Buffer, options: DecodeOptions, records: InRecord[]): void => {
  const codec = decompressors[batch.attributes & codecMask];
  if (codec === undefined) throw new Error(`A batch names the unknown compression ${batch.attributes & codecMask}.`);
  const plain = codec === null ? body : codec.decompressSync(body);
  const reader = new ByteReader(plain);
  const copies = plain.length > sharedBytesMax || body.buffer.byteLength > 4 * sharedBytesMax;
  for (let index = 0; index < batch.count; index += 1) {
    const size = reader.varint();
    const end = reader.at + size;
    const source = copies ? new ByteReader(Buffer.from(plain.subarray(reader.at, end))) : reader;
    const record = readRecord(source, batch, options);
    if (record.offset >= options.from) records.push(record);
    reader.at = end;
  }
};

const noHeaders: InRecord['headers'] = [];

const readRecord = (reader: ByteReader, batch: BatchInfo, options: DecodeOptions): InRecord => {
  reader.at += 1;
  const timestampDelta = reader.varlong();
  const offset = batch.baseOffset + BigInt(reader.varint());
  const appendTime = (batch.attributes & appendTimeBit) !== 0;
  const key = reader.varintBlob();
  const value = reader.varintBlob();
  return {
    topic: options.topic,
    partition: options.partition,
    offset,
    timestampMs: appendTime ? batch.maxTimestampMs : batch.baseTimestampMs + timestampDelta,
    key,
    value,
    headers: readHeaders(reader, options.names),
  };
};

const readHeaders = (reader: ByteReader, names: HeaderNames): InRecord['headers'] => {
  const count = reader.varint();
  if (count === 0) return noHeaders;
  const headers: [string, Buffer][] = [];
  for (let index = 0; index < count; index += 1) {
    const size = reader.varint();
    const start = reader.at;
    reader.at += size;
    headers.push([names.text(reader.buffer, start, reader.at), reader.varintBlob() ?? Buffer.alloc(0)]);
  }
  return headers;
};
