interface Entry {
  readonly bytes: Buffer;
  readonly text: string;
}

const slots = 512;
const longestBytes = 64;

/** Texts of header names by their bytes: the same few names stand on every record, so each is decoded once. */
export class HeaderNames {
  readonly #entries: (Entry | undefined)[] = new Array<Entry | undefined>(slots).fill(undefined);

  /** Text of `buffer[start, end)`. */
  text(buffer: Buffer, start: number, end: number): string {
    const size = end - start;
    if (size > longestBytes) return buffer.toString('utf8', start, end);
    let hash = size;
    for (let index = start; index < end; index += 1) hash = Math.imul(hash, 31) + (buffer[index] ?? 0);
    const slot = (hash >>> 0) % slots;
    const entry = this.#entries[slot];
    if (entry !== undefined && same(entry.bytes, buffer, start, size)) return entry.text;
    const bytes = Buffer.from(buffer.subarray(start, end));
    const text = bytes.toString('utf8');
    this.#entries[slot] = { bytes, text };
    return text;
  }
}

const same = (bytes: Buffer, buffer: Buffer, start: number, size: number): boolean => {
  if (bytes.length !== size) return false;
  for (let index = 0; index < size; index += 1) if (bytes[index] !== buffer[start + index]) return false;
  return true;
};
