import { crc32c as wasmCrc32c } from '@platformatic/kafka';

/** CRC-32C (Castagnoli) of `buffer[start, end)`. */
export type Crc32c = (buffer: Buffer, start: number, end: number) => number;

/** From here on the library's WebAssembly is faster than the tables (measured: 1.2 ns a byte against 0.6). */
const wasmFromBytes = 24 * 1024;

/** Slicing by eight: `tables[slice * 256 + byte]`. */
const makeTables = (): Int32Array => {
  const tables = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    tables[byte] = crc;
  }
  for (let index = 256; index < tables.length; index += 1) {
    const before = tables[index - 256] ?? 0;
    tables[index] = (before >>> 8) ^ (tables[before & 0xff] ?? 0);
  }
  return tables;
};

/** Builds the checksum function with its tables. */
export const createCrc32c = (): Crc32c => {
  const tables = makeTables();
  const at = (slice: number, byte: number): number => tables[slice * 256 + byte] ?? 0;
  return (buffer, start, end) => {
    if (end - start >= wasmFromBytes) return wasmCrc32c(buffer.subarray(start, end)) >>> 0;
    let crc = -1;
    let index = start;
    for (; end - index >= 8; index += 8) {
      crc ^= buffer.readInt32LE(index);
      const high = buffer.readInt32LE(index + 4);
      crc =
        at(7, crc & 0xff) ^
        at(6, (crc >>> 8) & 0xff) ^
        at(5, (crc >>> 16) & 0xff) ^
        at(4, crc >>> 24) ^
        at(3, high & 0xff) ^
        at(2, (high >>> 8) & 0xff) ^
        at(1, (high >>> 16) & 0xff) ^
        at(0, high >>> 24);
    }
    for (; index < end; index += 1) crc = at(0, (crc ^ (buffer[index] ?? 0)) & 0xff) ^ (crc >>> 8);
    return (crc ^ -1) >>> 0;
  };
};
