import type { Result, RunError } from '../../kernel/contracts/contracts.gen.ts';
import { limits } from '../../kernel/limits.ts';
import type { Logger } from '../../kernel/logger.ts';
import { topics } from '../../kernel/topics.ts';
import type { CheckedBody } from '../../messaging/claim-check.ts';
import type { Codec } from '../../messaging/codec.ts';
import type { OutRecord } from '../../messaging/messaging.ts';
import { type Answerable, type Ended, notRun } from '../call.ts';
import { systemError, tooLargeError } from '../run-error.ts';
import { replyRecordOf } from './reply-record.ts';
import { insightOf, logLineOf, resultOf } from './result-message.ts';

export interface OutputsDeps {
  readonly codec: Codec;
  readonly logger: Logger;
  /** Process that runs the calls. */
  readonly executor: string;
  /** Where results go that no replica waits for. */
  storedPartition(): number;
  /** Stores a body that is too large to stand in a record and gives what stands there instead. */
  storeBody(body: Buffer): Promise<CheckedBody>;
}

/** Everything that is published when a call ends: result, insight, what it wrote, the reply to an account. */
export interface Outputs {
  /** Answers at once unless the body has to be stored first; when it cannot be stored, the call has failed. */
  of(answerable: Answerable, ended: Ended): readonly OutRecord[] | Promise<readonly OutRecord[]>;
  /** For an end that has no body. */
  withoutBody(answerable: Answerable, ended: Ended & { readonly body: null }): readonly OutRecord[];
}

const bounded = (text: string): string =>
  text.length <= limits.logBytesPerRun ? text : `${text.slice(0, limits.logBytesPerRun)} … cut off here`;

const boundedError = (error: RunError): RunError => ({
  message: bounded(error.message),
  errorType: error.errorType,
  stacktrace: error.stacktrace === null ? null : bounded(error.stacktrace),
});

/** The ended call within the platform's bounds: a body that is too large is a failure, endless texts are cut. */
export const withinLimits = (ended: Ended): Ended => {
  const { body, error, stdout, stderr } = ended;
  if (body !== null && body.length > limits.resultBodyBytes) {
    return {
      ...ended,
      status: 'failed',
      error: tooLargeError(body.length, limits.resultBodyBytes),
      contentType: 'void',
      body: null,
      stdout: bounded(stdout),
      stderr: bounded(stderr),
    };
  }
  if (error === null && stdout.length <= limits.logBytesPerRun && stderr.length <= limits.logBytesPerRun) return ended;
  return {
    ...ended,
    error: error === null ? null : boundedError(error),
    stdout: bounded(stdout),
    stderr: bounded(stderr),
  };
};

/** Builds the records of ended calls. */
export const createOutputs = (deps: OutputsDeps): Outputs => {
  const { codec, executor } = deps;

  const recordsOf = (answerable: Answerable, ended: Ended, bodyRef: string | null): readonly OutRecord[] => {
    const { id, attempt, request } = answerable;
    const result: Result = resultOf(answerable, ended, { executor, bodyRef });
    const partition = request.replyPartition ?? deps.storedPartition();
    const records: OutRecord[] = [
      codec.encode(topics.results, result, { key: id, id, attempt, partition }),
      codec.encode(topics.insights, insightOf(answerable, ended), { key: request.algorithmId }),
    ];
    const line = logLineOf(answerable, ended);
    if (line !== null) records.push(codec.encode(topics.logs, line, { key: id }));
    if (request.replyAccount !== null) records.push(replyRecordOf(id, request.replyAccount, result));
    return records;
  };

  const stored = async (answerable: Answerable, ended: Ended, body: Buffer): Promise<readonly OutRecord[]> => {
    let bodyRef: string | null;
    try {
      ({ bodyRef } = await deps.storeBody(body));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      deps.logger.error({ event: 'result.not-stored', id: answerable.id, sizeBytes: body.length, reason });
      const failed = notRun(ended.finishedAtMs, 'failed', systemError('The result could not be stored; call again.'));
      return recordsOf(answerable, { ...ended, ...failed, startedAtMs: ended.startedAtMs }, null);
    }
    return recordsOf(answerable, ended, bodyRef);
  };

  return {
    of: (answerable, given) => {
      const ended = withinLimits(given);
      const { body } = ended;
      if (body !== null && body.length > limits.inlineBodyBytes) return stored(answerable, ended, body);
      return recordsOf(answerable, ended, null);
    },
    withoutBody: (answerable, ended) => recordsOf(answerable, withinLimits(ended), null),
  };
};
