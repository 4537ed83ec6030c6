/** Bytes of a value as an unsigned varint. */
export const uvarintBytes = (value: number): number => {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x200000) return 3;
  return value < 0x10000000 ? 4 : 5;
};

/** Bytes of a whole number (|value| < 2^30) as a zigzag varint. */
export const varintBytes = (value: number): number => uvarintBytes(zigzag(value));

const zigzag = (value: number): number => ((value << 1) ^ (value >> 31)) >>> 0;

/** Below this, a loop beats the call into the runtime. */
const shortBytes = 24;

/** Writes the protocol's primitives into one buffer whose size the caller has computed. */
export class ByteWriter {
  readonly buffer: Buffer;
  at = 0;

  constructor(sizeBytes: number) {
    this.buffer = Buffer.allocUnsafe(sizeBytes);
  }

  int8(value: number): void {
    this.buffer[this.at++] = value;
  }

  int16(value: number): void {
    this.at = this.buffer.writeInt16BE(value, this.at);
  }

  int32(value: number): void {
    this.at = this.buffer.writeInt32BE(value, this.at);
  }

  uint32(value: number): void {
    this.at = this.buffer.writeUInt32BE(value, this.at);
  }

  int64(value: bigint): void {
    this.at = this.buffer.writeBigInt64BE(value, this.at);
  }

  uvarint(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      this.buffer[this.at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.buffer[this.at++] = rest;
  }

  varint(value: number): void {
    this.uvarint(zigzag(value));
  }

  bytes(value: Buffer): void {
    const size = value.length;
    if (size <= shortBytes) {
      for (let index = 0; index < size; index += 1) this.buffer[this.at + index] = value[index] ?? 0;
    } else {
      this.buffer.set(value, this.at);
    }
    this.at += size;
  }

  /** A varint length, then the bytes; -1 for null. */
  varintBlob(value: Buffer | null): void {
    if (value === null) {
      this.varint(-1);
      return;
    }
    this.varint(value.length);
    this.bytes(value);
  }

  /** Text without a length. `sizeBytes` is its size in UTF-8. */
  text(value: string, sizeBytes: number): void {
    if (sizeBytes === value.length && sizeBytes <= shortBytes) {
      for (let index = 0; index < sizeBytes; index += 1) this.buffer[this.at + index] = value.charCodeAt(index);
      this.at += sizeBytes;
    } else {
      this.at += this.buffer.write(value, this.at, 'utf8');
    }
  }

  /** The protocol's COMPACT_NULLABLE_STRING. */
  compactString(value: string | null): void {
    if (value === null) {
      this.uvarint(0);
      return;
    }
    const size = Buffer.byteLength(value);
    this.uvarint(size + 1);
    this.text(value, size);
  }
}
