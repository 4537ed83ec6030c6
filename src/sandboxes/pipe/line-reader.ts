/** One line of the result pipe, or that it was longer than allowed (its bytes are then gone). */
export type Line = { readonly bytes: Buffer } | { readonly tooLong: true };

const newline = 0x0a;
const closingBrace = 0x7d;
const smallBytes = 64 * 1024;

/** Cuts the chunks of a stream into lines, holding at most `limitBytes` of one. */
export class LineReader {
  readonly #limitBytes: number;
  #parts: Buffer[] = [];
  #sizeBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Takes a chunk; returns the lines that it completes. */
  push(chunk: Buffer): readonly Line[] {
    const lines: Line[] = [];
    let from = 0;
    for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, from)) {
      this.#add(chunk.subarray(from, at));
      lines.push(this.#take());
      from = at + 1;
    }
    if (from < chunk.length) this.#add(chunk.subarray(from));
    return lines;
  }

  /** Whether something stands before a newline that has not come. */
  get pending(): boolean {
    return this.#sizeBytes > 0;
  }

  /** The unfinished line, if it may be the whole answer of a runner that ends its answers without a newline. */
  peekUnfinished(): Buffer | null {
    const last = this.#parts.at(-1);
    return last !== undefined && last[last.length - 1] === closingBrace ? Buffer.concat(this.#parts) : null;
  }

  #add(bytes: Buffer): void {
    this.#sizeBytes += bytes.length;
    if (this.#sizeBytes > this.#limitBytes) this.#parts = [];
    else this.#hold(bytes);
  }

  /** A byte on its own costs a hundred, so small pieces are put together: a small one stands only after a larger one. */
  #hold(bytes: Buffer): void {
    let held = bytes;
    let before = this.#parts.at(-1);
    while (before !== undefined && before.length < smallBytes && before.length <= held.length) {
      held = Buffer.concat([before, held]);
      this.#parts.pop();
      before = this.#parts.at(-1);
    }
    this.#parts.push(held);
  }

  #take(): Line {
    const [only] = this.#parts;
    const tooLong = this.#sizeBytes > this.#limitBytes;
    const bytes = this.#parts.length === 1 && only !== undefined ? only : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#sizeBytes = 0;
    return tooLong ? { tooLong: true } : { bytes };
  }
}
