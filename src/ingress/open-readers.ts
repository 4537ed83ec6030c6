import type { OwnReader } from '../messaging/messaging.ts';
import { followResults } from './answers/follow-results.ts';
import type { IngressDeps } from './ingress.ts';
import type { SharedParts } from './parts.ts';
import { openReplyReader } from './replies/reply-reader.ts';

const readBackMax = 50_000;
const sweepEveryMs = 100;

/** Something that was opened and has to be closed. */
export interface Opened {
  close(): Promise<void>;
}

/** Reads the answers for the callers that wait here; `onFailed` after every caller was told. */
export const openReplies = async (
  deps: IngressDeps,
  parts: SharedParts,
  partition: number,
  onFailed: (error: Error) => void,
): Promise<OwnReader> => {
  const { waiting, answers } = parts;
  return await openReplyReader({
    messaging: deps.messaging,
    codec: deps.codec,
    waiting,
    logger: deps.logger,
    partition,
    isAwaited: (id) => answers.isQueued(id),
    onSeen: (id, { account, idempotencyKey }, place) => {
      answers.finish(id, place, idempotencyKey === null ? null : { account, idempotencyKey });
    },
    onFailed: (error) => {
      waiting.giveUp();
      onFailed(error);
    },
  });
};

/** Fills the index of stored answers from the log, and goes on. */
export const openFollower = async (
  deps: IngressDeps,
  parts: SharedParts,
  partition: number,
  onFailed: (error: Error) => void,
): Promise<Opened> => {
  const { messaging, codec, clock } = deps;
  const { answers } = parts;
  return await followResults({ messaging, codec, clock, answers, ownPartition: partition, readBackMax, onFailed });
};

/** Ends calls whose time is over: one timer for all of them. */
export const openSweep = ({ clock }: IngressDeps, { waiting }: SharedParts): Opened => {
  let cancel = (): void => {};
  const tick = (): void => {
    waiting.expire(clock.monotonicMs());
    cancel = clock.after(sweepEveryMs, tick);
  };
  tick();
  return {
    close: async () => {
      cancel();
      await Promise.resolve();
    },
  };
};
