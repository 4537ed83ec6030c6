export interface SignalOptions {
  /** Called once, at the first SIGTERM, SIGINT or SIGHUP. */
  readonly onStop: (signal: NodeJS.Signals) => void;
  /** Called at the second: the reader insists. The usual answer is `process.exit(130)`. */
  readonly onInsist: (signal: NodeJS.Signals) => void;
}

/** Listens for the signals that end a process, until the returned function is called. */
export const onSignals = (options: SignalOptions): (() => void) => {
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
  let asked = false;
  const listen = (signal: NodeJS.Signals): void => {
    if (asked) {
      options.onInsist(signal);
      return;
    }
    asked = true;
    options.onStop(signal);
  };
  for (const signal of signals) process.on(signal, listen);
  return () => {
    for (const signal of signals) process.off(signal, listen);
  };
};
