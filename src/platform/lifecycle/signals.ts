export interface SignalOptions {
  /** Called once, at the first SIGTERM, SIGINT or SIGHUP. */
  readonly onStop: (signal: NodeJS.Signals) => void;
  /** Called at a later one: the reader insists. The usual answer is `process.exit(130)`. */
  readonly onInsist: (signal: NodeJS.Signals) => void;
}

/** One Ctrl-C may arrive twice: from the terminal and forwarded by npm or a launcher. */
const samePressMs = 1_000;

/** Listens for the signals that end a process, until the returned function is called. */
export const onSignals = (options: SignalOptions): (() => void) => {
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
  let askedAtMs: number | undefined;
  const listen = (signal: NodeJS.Signals): void => {
    const nowMs = performance.now();
    if (askedAtMs === undefined) {
      askedAtMs = nowMs;
      options.onStop(signal);
    } else if (nowMs - askedAtMs > samePressMs) {
      options.onInsist(signal);
    }
  };
  for (const signal of signals) process.on(signal, listen);
  return () => {
    for (const signal of signals) process.off(signal, listen);
  };
};
