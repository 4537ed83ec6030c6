/** A line that is longer cannot be the one that is looked for. */
const lineBytesMax = 64 * 1024;
const marker = 'PIPE_INIT_COMPLETE';

/** Finds the line that says that the runner is ready; keeps what was printed before it. */
export class Handshake {
  #unfinished = Buffer.alloc(0);
  #forks = false;

  /** Whether the line said that each call gets a process of its own. */
  get forks(): boolean {
    return this.#forks;
  }

  /** Takes a chunk of stdout. `before` is what was printed around the line; `done` says that it was seen. */
  push(chunk: Buffer): { readonly done: boolean; readonly printed: Buffer } {
    const text = Buffer.concat([this.#unfinished, chunk]);
    const at = text.indexOf(marker);
    const end = at < 0 ? -1 : text.indexOf(0x0a, at);
    if (end >= 0) {
      this.#forks =
        text
          .subarray(at + marker.length, end)
          .toString('latin1')
          .trim() === 'forks';
      const start = text.lastIndexOf(0x0a, at) + 1;
      return { done: true, printed: Buffer.concat([text.subarray(0, start), text.subarray(end + 1)]) };
    }
    // Only the last line can still become the one that is looked for.
    const line = at < 0 ? text.lastIndexOf(0x0a) + 1 : text.lastIndexOf(0x0a, at) + 1;
    const kept = text.length - line > lineBytesMax ? text.length : line;
    this.#unfinished = text.subarray(kept);
    return { done: false, printed: text.subarray(0, kept) };
  }

  /** What stands in the unfinished line, when the program ended in it. */
  rest(): Buffer {
    return this.#unfinished;
  }
}
