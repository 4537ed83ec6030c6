import type { TerminalSize } from './local.ts';

/** Frames for `runtime/terminal/terminal.py`: a letter, the length of what follows in four bytes, and that. */
const frame = (kind: 'i' | 's', content: Buffer): Buffer => {
  const head = Buffer.alloc(5);
  head.write(kind, 0, 'latin1');
  head.writeUInt32BE(content.length, 1);
  return Buffer.concat([head, content]);
};

/** What was typed. */
export const inputFrame = (typed: Buffer): Buffer => frame('i', typed);

/** How large the terminal is now. */
export const sizeFrame = ({ columns, rows }: TerminalSize): Buffer => {
  const content = Buffer.alloc(4);
  content.writeUInt16BE(rows, 0);
  content.writeUInt16BE(columns, 2);
  return frame('s', content);
};
