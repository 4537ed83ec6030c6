/** Where a command writes: results to standard output, progress and errors to standard error. */
export interface Terminal {
  /** True for `--json`: machine output only. */
  readonly json: boolean;
  /** A line of result. */
  line(text: string): void;
  /** Result bytes as they are. */
  bytes(bytes: Uint8Array): void;
  /** A line about what is going on; goes to standard error, nothing with `--json`. */
  note(text: string): void;
  /** A value as JSON on one line of standard output. */
  value(value: unknown): void;
  /** Rows with aligned columns. */
  table(header: readonly string[], rows: readonly (readonly string[])[]): void;
  /** Rewrites one progress line where standard error is a terminal; else prints only the `final` one. */
  progress(text: string, final?: boolean): void;
  readonly bold: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly dim: (text: string) => string;
}

export interface TerminalOptions {
  readonly json: boolean;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  /** False with NO_COLOR. */
  readonly colour: boolean;
}

const escape = String.fromCharCode(27);

const formatTable = (header: readonly string[], rows: readonly (readonly string[])[]): string[] => {
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all.map((row) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
};

/** Makes the terminal of a run of the CLI. */
export const createTerminal = (options: TerminalOptions): Terminal => {
  const { json, stdout, stderr } = options;
  const style =
    (code: number) =>
    (text: string): string =>
      options.colour && stdout.isTTY && stderr.isTTY ? `${escape}[${code}m${text}${escape}[0m` : text;
  return {
    json,
    line: (text) => void stdout.write(`${text}\n`),
    bytes: (bytes) => void stdout.write(bytes),
    note: (text) => {
      if (!json) stderr.write(`${text}\n`);
    },
    value: (value) => void stdout.write(`${JSON.stringify(value)}\n`),
    table: (header, rows) => {
      for (const line of formatTable(header, rows)) stdout.write(`${line}\n`);
    },
    progress: (text, final = false) => {
      if (json) return;
      if (stderr.isTTY) stderr.write(`\r${escape}[K${text}${final ? '\n' : ''}`);
      else if (final) stderr.write(`${text}\n`);
    },
    bold: style(1),
    red: style(31),
    green: style(32),
    dim: style(2),
  };
};
