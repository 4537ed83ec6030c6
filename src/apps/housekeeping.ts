import type { Foundation } from './foundation.ts';

const everyMs = 3_600_000;

/** Removes what has had its time: bodies by reference, whole days of them. Runs where control runs, once an hour. */
export const createHousekeeping = ({
  claimCheck,
  clock,
  logger,
}: Pick<Foundation, 'claimCheck' | 'clock' | 'logger'>): { start(): void; stop(): void } => {
  let cancel: () => void = () => {};
  const tick = (): void => {
    cancel = clock.after(everyMs, tick);
    claimCheck.removeOld().then(
      (days) => {
        if (days.length > 0) logger.info({ event: 'bodies.removed', days });
      },
      (error: unknown) => logger.warn({ event: 'bodies.not-removed', error: String(error) }),
    );
  };
  return { start: tick, stop: () => cancel() };
};
