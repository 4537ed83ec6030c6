import type { OutRecord } from '../messaging.ts';
import { type ByteWriter, varintBytes } from './byte-writer.ts';
import type { Crc32c } from './crc32c.ts';

/** Bytes of a batch before its first record. */
export const batchHeaderBytes = 61;
const crcOffset = 17;
const attributesOffset = 21;
const transactionalBit = 0x10;

/** What a batch says beside its records. */
export interface BatchHeader {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly transactional: boolean;
  readonly timestampMs: number;
}

const blobBytes = (blob: Buffer | null): number => (blob === null ? 1 : varintBytes(blob.length) + blob.length);

/** Bytes of a record's body without its offset delta: computed once, when the record is queued. */
export const recordBodyBytes = (record: OutRecord): number => {
  let bytes = 2 + blobBytes(record.key) + blobBytes(record.value) + varintBytes(record.headers.length);
  for (const [name, value] of record.headers) {
    const nameBytes = Buffer.byteLength(name);
    bytes += varintBytes(nameBytes) + nameBytes + blobBytes(value);
  }
  return bytes;
};

/** Most bytes that a record with this body takes in a batch: its length and its offset delta stand beside the body. */
export const recordBytesMax = (bodyBytes: number): number => bodyBytes + 10;

/** A record and the size of its body. */
export interface SizedRecord {
  readonly record: OutRecord;
  readonly bodyBytes: number;
}

/** Exact bytes of a batch of these records. */
export const batchBytes = (items: readonly SizedRecord[]): number => {
  let bytes = batchHeaderBytes;
  let delta = 0;
  for (const item of items) {
    const body = item.bodyBytes + varintBytes(delta);
    bytes += varintBytes(body) + body;
    delta += 1;
  }
  return bytes;
};

const writeRecord = (writer: ByteWriter, item: SizedRecord, delta: number): void => {
  const { record } = item;
  writer.varint(item.bodyBytes + varintBytes(delta));
  writer.int8(0);
  writer.int8(0);
  writer.varint(delta);
  writer.varintBlob(record.key);
  writer.varintBlob(record.value);
  writer.varint(record.headers.length);
  for (const [name, value] of record.headers) {
    const nameBytes = Buffer.byteLength(name);
    writer.varint(nameBytes);
    writer.text(name, nameBytes);
    writer.varintBlob(value);
  }
};

/** Writes one uncompressed batch (format 2) of `sizeBytes` (see {@link batchBytes}), which the writer has room for. */
export const writeBatch = (
  writer: ByteWriter,
  items: readonly SizedRecord[],
  header: BatchHeader,
  options: { readonly sizeBytes: number; readonly crc32c: Crc32c },
): void => {
  const start = writer.at;
  const timestamp = BigInt(Math.trunc(header.timestampMs));
  writer.int64(0n);
  writer.int32(options.sizeBytes - 12);
  writer.int32(-1);
  writer.int8(2);
  writer.uint32(0);
  writer.int16(header.transactional ? transactionalBit : 0);
  writer.int32(items.length - 1);
  writer.int64(timestamp);
  writer.int64(timestamp);
  writer.int64(header.producerId);
  writer.int16(header.producerEpoch);
  writer.int32(header.baseSequence);
  writer.int32(items.length);
  let delta = 0;
  for (const item of items) {
    writeRecord(writer, item, delta);
    delta += 1;
  }
  const checksum = options.crc32c(writer.buffer, start + attributesOffset, writer.at);
  writer.buffer.writeUInt32BE(checksum, start + crcOffset);
};
