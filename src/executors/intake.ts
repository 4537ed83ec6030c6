import type { Clock } from '../kernel/clock.ts';
import { headerNames, headerNumber, headerText } from '../kernel/contracts/envelope.ts';
import { isRequestId, type RequestId } from '../kernel/ids.ts';
import { limits } from '../kernel/limits.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Pipeline } from '../kernel/pipeline.ts';
import type { Codec } from '../messaging/codec.ts';
import type { InRecord, OutRecord } from '../messaging/messaging.ts';
import type { Delivery } from '../messaging/work.ts';
import {
  type Accepted,
  type Answerable,
  type Arrival,
  type Call,
  type Ended,
  notRun,
  type SandboxClass,
} from './call.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { ExecutorMetrics } from './executor-metrics.ts';
import { requestPipeline } from './pipeline.ts';
import { deadLetterOf } from './results/dead-letter.ts';
import type { Outputs } from './results/outputs.ts';
import { systemError } from './run-error.ts';
import type { Answer } from './steps/answer.ts';
import type { IsCopy } from './steps/drop-copy.ts';
import type { UnknownBuild } from './steps/resolve-build.ts';

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

/** The way of requests into the dispatcher, and of their ends back into the log. */
export interface Intake {
  take(delivery: Delivery): void;
  /** Publishes the end of a call. */
  answer(accepted: Accepted, ended: Ended): void;
  /** Outputs for a record with which executors died; none when it is a copy of an earlier one. */
  poison(record: InRecord, blamed: number, generation: number): readonly OutRecord[];
}

/** A request as its headers name it. */
interface Named {
  readonly id: RequestId;
  readonly attempt: number;
}

const nameOf = ({ headers }: InRecord): Named | null => {
  const id = headerText(headers, headerNames.id);
  if (id === undefined || !isRequestId(id)) return null;
  return { id, attempt: headerNumber(headers, headerNames.attempt) ?? 1 };
};

const placeOf = ({ topic, partition, offset }: InRecord) => ({ topic, partition, offset: offset.toString() });

class RequestIntake implements Intake {
  readonly #deps: IntakeDeps;
  readonly #steps: Pipeline<Arrival, Call, Answer | UnknownBuild>;

  constructor(deps: IntakeDeps) {
    this.#deps = deps;
    const { clock, codec, isCopy, resolve } = deps;
    this.#steps = requestPipeline({ codec, isCopy, resolve, nowMs: () => clock.nowMs() });
  }

  take(delivery: Delivery): void {
    const takenAtMs = Math.round(this.#deps.clock.nowMs());
    const { step, outcome } = this.#steps.runNow({ delivery, takenAtMs });
    switch (outcome.kind) {
      case 'next':
        this.#deps.dispatcher.offer(outcome.value);
        return;
      case 'forward':
        if (outcome.output.kind === 'answer') this.answer(outcome.output.accepted, outcome.output.ended);
        else void this.#resolveLater(outcome.output.accepted);
        return;
      case 'drop':
        this.#deps.metrics.left(step);
        settle(delivery, []);
        return;
      case 'park':
      case 'retry':
        this.#park(delivery, step, outcome);
    }
  }

  answer(accepted: Accepted, ended: Ended): void {
    this.#deps.metrics.ended(ended, Math.max(0, ended.startedAtMs - accepted.request.acceptedAtMs) / 1_000);
    const records = this.#deps.outputs.of(accepted, ended);
    const patient = accepted.request.replyPartition === null;
    if (!(records instanceof Promise)) {
      settle(accepted.delivery, records, patient);
      return;
    }
    void records.then((stored) => {
      settle(accepted.delivery, stored, patient);
    });
  }

  poison(record: InRecord, blamed: number, generation: number): readonly OutRecord[] {
    const { clock, isCopy, logger, metrics, outputs } = this.#deps;
    const named = nameOf(record);
    if (named !== null && isCopy({ generation }, named.id, named.attempt)) {
      metrics.left('drop-copy');
      return [];
    }
    const reason = `executors ended ${blamed} times with this request in flight`;
    metrics.left('poison');
    logger.error({ event: 'request.poisonous', blamed, ...placeOf(record) });
    const atMs = clock.nowMs();
    const letter = deadLetterOf(record, { reason, code: 'EXECUTOR_POISON', step: 'poison', atMs });
    // Blamed once more, it killed who parked it: by being read.
    const unreadable = named === null || blamed > limits.blamedMax;
    const answerable = unreadable ? null : this.#readPoison(named, record, atMs);
    if (answerable === null) return [letter];
    const ended = notRun(atMs, 'failed', systemError(`The request was given up: ${reason}.`));
    return [letter, ...outputs.withoutBody(answerable, ended)];
  }

  /** The caller's view was ahead of ours: once more when ours has caught up. */
  async #resolveLater(accepted: Accepted): Promise<void> {
    const { clock, dispatcher, logger } = this.#deps;
    try {
      await this.#deps.refresh();
    } catch (error) {
      logger.warn({ event: 'catalog.not-refreshed', reason: error instanceof Error ? error.message : String(error) });
    }
    const sandboxClass = this.#deps.resolve(accepted);
    if (sandboxClass !== null) {
      if (accepted.delivery.live) dispatcher.offer({ ...accepted, sandboxClass });
      return;
    }
    const { build, algorithm } = accepted.request;
    const error = systemError(`Build ${build} of ${algorithm} cannot be run: it is unknown or did not succeed.`);
    this.answer(accepted, notRun(clock.nowMs(), 'failed', error));
  }

  #park(delivery: Delivery, step: string, why: { readonly reason: string; readonly code: string }): void {
    const { clock, logger, metrics } = this.#deps;
    const { record } = delivery;
    const { reason, code } = why;
    metrics.left(step);
    logger.warn({ event: 'request.parked', step, code, reason, ...placeOf(record) });
    settle(delivery, [deadLetterOf(record, { reason, code, step, atMs: clock.nowMs() })]);
  }

  /** What can be read of a record that killed somebody; null when nothing can. */
  #readPoison(named: Named, record: InRecord, nowMs: number): Answerable | null {
    try {
      return { ...named, request: this.#deps.codec.decode('request', record), takenAtMs: Math.round(nowMs) };
    } catch {
      return null;
    }
  }
}

const settle = (delivery: Delivery, records: readonly OutRecord[], patient = false): void => {
  // A rejection means that the process must end, which the consumer tells by its own way.
  delivery.settle(records, patient).catch(() => {});
};

/** Joins the pipeline, the dispatcher and the outputs. */
export const createIntake = (deps: IntakeDeps): Intake => new RequestIntake(deps);
