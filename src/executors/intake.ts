import type { Clock } from '../kernel/clock.ts';
import { headerNames, headerText } from '../kernel/contracts/envelope.ts';
import { isRequestId } from '../kernel/ids.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Codec } from '../messaging/codec.ts';
import type { InRecord, OutRecord } from '../messaging/messaging.ts';
import type { Delivery } from '../messaging/work.ts';
import { type Accepted, type Answerable, type Call, type Ended, notRun, type SandboxClass } from './call.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { ExecutorMetrics } from './executor-metrics.ts';
import { requestPipeline } from './pipeline.ts';
import { deadLetterOf } from './results/dead-letter.ts';
import type { Outputs } from './results/outputs.ts';
import { systemError } from './run-error.ts';
import type { IsCopy } from './steps/drop-copy.ts';

export interface IntakeDeps {
  readonly codec: Codec;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: ExecutorMetrics;
  readonly outputs: Outputs;
  readonly dispatcher: Pick<Dispatcher, 'offer'>;
  readonly isCopy: IsCopy;
  readonly resolve: (accepted: Accepted) => SandboxClass | null;
  /** Resolves when the catalog holds everything that was written before the call. */
  readonly refresh: () => Promise<void>;
}

/** The way of requests into the dispatcher and of their ends back into the log. */
export interface Intake {
  take(delivery: Delivery): void;
  /** Publishes the end of a call. */
  answer(accepted: Accepted, ended: Ended): void;
  /** Outputs for a record with which executors died. */
  poison(record: InRecord, blamed: number): readonly OutRecord[];
}

export const createIntake = (deps: IntakeDeps): Intake => {
  const { clock, codec, logger, metrics, outputs, dispatcher } = deps;
  const steps = requestPipeline({
    isCopy: deps.isCopy,
    decode: codec.decode,
    nowMs: () => clock.nowMs(),
    resolve: deps.resolve,
  });

  const settle = (delivery: Delivery, records: readonly OutRecord[]): void => {
    // A rejection means that the process must end, which the consumer tells through its own way.
    delivery.settle(records).catch(() => {});
  };

  const answer = (accepted: Accepted, ended: Ended): void => {
    metrics.ended(ended, Math.max(0, ended.startedAtMs - accepted.request.acceptedAtMs) / 1_000);
    const records = outputs.of(accepted, ended);
    if (!(records instanceof Promise)) {
      settle(accepted.delivery, records);
      return;
    }
    void records.then((stored) => {
      settle(accepted.delivery, stored);
    });
  };

  const park = (delivery: Delivery, step: string, why: { readonly reason: string; readonly code: string }): void => {
    const { record } = delivery;
    metrics.left(step);
    const { reason, code } = why;
    const at = { topic: record.topic, partition: record.partition, offset: record.offset.toString() };
    logger.warn({ event: 'request.parked', step, code, reason, ...at });
    settle(delivery, [deadLetterOf(record, { reason, code, step, atMs: clock.nowMs() })]);
  };

  /** The caller's view was ahead of ours: once more when ours has caught up. */
  const resolveLater = async (accepted: Accepted): Promise<void> => {
    try {
      await deps.refresh();
    } catch (error) {
      logger.warn({ event: 'catalog.not-refreshed', reason: error instanceof Error ? error.message : String(error) });
    }
    const sandboxClass = deps.resolve(accepted);
    if (sandboxClass !== null) {
      const call: Call = { ...accepted, sandboxClass };
      if (accepted.delivery.live) dispatcher.offer(call);
      return;
    }
    const { build, algorithm } = accepted.request;
    const error = systemError(`Build ${build} of ${algorithm} cannot be run: it is unknown or did not succeed.`);
    answer(accepted, notRun(clock.nowMs(), 'failed', error));
  };

  return {
    answer,
    take: (delivery) => {
      const { step, outcome } = steps.runNow({ delivery, takenAtMs: Math.round(clock.nowMs()) });
      switch (outcome.kind) {
        case 'next':
          dispatcher.offer(outcome.value);
          return;
        case 'forward':
          if (outcome.output.kind === 'answer') answer(outcome.output.accepted, outcome.output.ended);
          else void resolveLater(outcome.output.accepted);
          return;
        case 'drop':
          metrics.left(step);
          settle(delivery, []);
          return;
        case 'park':
        case 'retry':
          park(delivery, step, outcome);
      }
    },
    poison: (record, blamed) => {
      const reason = `executors ended ${blamed} times with this request in flight`;
      const nowMs = clock.nowMs();
      metrics.left('poison');
      logger.error({
        event: 'request.poisonous',
        blamed,
        partition: record.partition,
        offset: record.offset.toString(),
      });
      const letter = deadLetterOf(record, { reason, code: 'EXECUTOR_POISON', step: 'poison', atMs: nowMs });
      const answerable = answerableOf(codec, record, nowMs);
      if (answerable === null) return [letter];
      const ended = notRun(nowMs, 'failed', systemError(`The request was given up: ${reason}.`));
      return [letter, ...outputs.withoutBody(answerable, ended)];
    },
  };
};

/** What can be read of a record that killed somebody; null when nothing can. */
const answerableOf = (codec: Codec, record: InRecord, takenAtMs: number): Answerable | null => {
  const id = headerText(record.headers, headerNames.id);
  if (id === undefined || !isRequestId(id)) return null;
  try {
    return { id, attempt: 1, request: codec.decode('request', record), takenAtMs: Math.round(takenAtMs) };
  } catch {
    return null;
  }
};
