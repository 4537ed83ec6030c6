/** Keeps the first `limitBytes` that were printed, as whole characters; what comes later is counted and named. */
export class PrintedText {
  readonly #limitBytes: number;
  #parts: Buffer[] = [];
  #keptBytes = 0;
  #droppedBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  add(chunk: Buffer): void {
    const kept = chunk.subarray(0, this.#limitBytes - this.#keptBytes);
    if (kept.length > 0) this.#parts.push(kept);
    this.#keptBytes += kept.length;
    this.#droppedBytes += chunk.length - kept.length;
  }

  /** What was printed since the last call. */
  take(): string {
    if (this.#keptBytes === 0) return '';
    const text = Buffer.concat(this.#parts).toString('utf8');
    const end = this.#droppedBytes === 0 ? '' : `\n[${this.#droppedBytes} more bytes were printed and not kept]\n`;
    this.#parts = [];
    this.#keptBytes = 0;
    this.#droppedBytes = 0;
    return end === '' ? text : text.replace(/\uFFFD+$/, '') + end;
  }
}
