import type { Clock } from '../kernel/clock.ts';
import type { PlatformError } from '../kernel/errors.ts';
import type { Random } from '../kernel/random.ts';
import { topics } from '../kernel/topics.ts';
import type { Codec } from './codec.ts';
import { outcomeKind } from './command-outcome.ts';
import { messagingErrors } from './errors.ts';
import type { Messaging } from './messaging.ts';
import type { CommandOutcome, CommandRequest, Commands, StateView } from './state-view.ts';

export interface CommandsOptions {
  readonly messaging: Messaging;
  readonly codec: Codec;
  /** Its process's own: an outcome that it has passed is a write that it holds. */
  readonly view: StateView;
  readonly clock: Clock;
  readonly random: Random;
  /** Name of this process, for the record of the command. */
  readonly process: string;
}

/** Commands of one process. */
export interface CommandClient extends Commands {
  /** Sends what waits; answers that are still outstanding fail with `MESSAGING_CLOSED`. May be called twice. */
  close(): Promise<void>;
}

const outcomeTimeoutMs = 10_000;

/** Who waits for which outcome. Several may wait for one: a command may be repeated while it is under way. */
interface Waiting {
  register(id: string): { readonly outcome: Promise<CommandOutcome>; readonly cancel: () => void };
  arrived(id: string, outcome: CommandOutcome): void;
  failAll(error: PlatformError): void;
}

interface Waiter {
  resolve(outcome: CommandOutcome): void;
  reject(error: PlatformError): void;
}

const createWaiting = (clock: Clock): Waiting => {
  const waiters = new Map<string, Set<Waiter>>();
  return {
    register: (id) => {
      const { promise, resolve, reject } = Promise.withResolvers<CommandOutcome>();
      const waiter: Waiter = { resolve, reject };
      const cancelTimer = clock.after(outcomeTimeoutMs, () => {
        reject(
          messagingErrors.UNAVAILABLE({
            message: `Command ${id} was not answered within ${outcomeTimeoutMs / 1000} s. It may still be carried out; repeat it with the same id.`,
            details: { commandId: id },
          }),
        );
      });
      const others = waiters.get(id) ?? new Set();
      waiters.set(id, others.add(waiter));
      const cancel = (): void => {
        cancelTimer();
        others.delete(waiter);
        if (others.size === 0 && waiters.get(id) === others) waiters.delete(id);
      };
      return { outcome: promise, cancel };
    },
    arrived: (id, outcome) => {
      for (const waiter of waiters.get(id) ?? []) waiter.resolve(outcome);
    },
    failAll: (error) => {
      for (const each of waiters.values()) for (const waiter of each) waiter.reject(error);
    },
  };
};

/** Opens this process's door to control. Throws `MESSAGING_UNAVAILABLE` when no broker answers. */
export const createCommands = async (options: CommandsOptions): Promise<CommandClient> => {
  const { messaging, codec, view, clock, random } = options;
  const appender = await messaging.appender({ name: 'commands' });
  const waiting = createWaiting(clock);
  view.watch(outcomeKind, ({ id, after }) => {
    if (after !== undefined) waiting.arrived(id, after.outcome);
  });

  const recordOf = (id: string, { name, actor, keyId, body }: CommandRequest) =>
    codec.encode(
      topics.commands,
      { id, name, actor, keyId, replica: options.process, atMs: clock.nowMs(), body: JSON.stringify(body) },
      { key: actor, partition: 0 },
    );

  return {
    send: async (request) => {
      const id = request.id ?? random.uuid();
      const { outcome, cancel } = waiting.register(id);
      try {
        // Waiting for both at once: the outcome may pass before the acknowledgement of the command arrives.
        const [answer] = await Promise.all([outcome, appender.append(recordOf(id, request))]);
        return answer;
      } finally {
        cancel();
      }
    },
    close: async () => {
      await appender.close();
      waiting.failAll(
        messagingErrors.CLOSED({ message: 'The process is stopping; the command may still be carried out.' }),
      );
    },
  };
};
