import type { Insight, LogLine, Result } from '../../kernel/contracts/contracts.gen.ts';
import type { Answerable, Ended } from '../call.ts';

/** The result of a call. `bodyRef` names the blob of a body that is too large to stand in the record. */
export const resultOf = (
  accepted: Pick<Answerable, 'request' | 'takenAtMs'>,
  ended: Ended,
  at: { readonly executor: string; readonly bodyRef: string | null },
): Result => {
  const { request } = accepted;
  return {
    status: ended.status,
    algorithmId: request.algorithmId,
    algorithm: request.algorithm,
    build: request.build,
    version: request.version,
    account: request.account,
    keyId: request.keyId,
    origin: request.origin,
    parent: request.parent,
    session: request.session,
    flow: request.flow,
    causation: request.causation,
    stored: request.stored,
    idempotencyKey: request.idempotencyKey,
    acceptedAtMs: request.acceptedAtMs,
    takenAtMs: accepted.takenAtMs,
    startedAtMs: ended.startedAtMs,
    finishedAtMs: ended.finishedAtMs,
    durationS: ended.durationS,
    cold: ended.cold,
    cpuS: ended.cpuS,
    memoryPeakBytes: ended.memoryPeakBytes,
    executor: at.executor,
    stdout: request.wantsStdout ? ended.stdout : null,
    error: ended.error,
    contentType: ended.contentType,
    body: at.bodyRef === null ? ended.body : null,
    bodyRef: at.bodyRef,
  };
};

/** The operational metrics of a run, and the algorithm's own. */
export const insightOf = (accepted: Answerable, ended: Ended): Insight => {
  const { request } = accepted;
  return {
    requestId: accepted.id,
    session: request.session,
    algorithmId: request.algorithmId,
    algorithm: request.algorithm,
    build: request.build,
    version: request.version,
    account: request.account,
    flow: request.flow,
    status: ended.status,
    atMs: Math.round(ended.finishedAtMs),
    durationS: ended.durationS,
    waitS: Math.max(0, ended.startedAtMs - request.acceptedAtMs) / 1000,
    metrics: ended.metrics,
  };
};

/** What the run wrote, null when nothing. The text of stdout holds that of stderr too. */
export const logLineOf = (answerable: Answerable, ended: Ended): LogLine | null => {
  const { stdout, stderr } = ended;
  if (stdout === '' && stderr === '') return null;
  return {
    subject: 'request',
    subjectId: answerable.id,
    algorithmId: answerable.request.algorithmId,
    atMs: Math.round(ended.finishedAtMs),
    stream: stdout === stderr || stdout === '' ? 'stderr' : 'stdout',
    text: stdout === '' ? stderr : stdout,
    last: true,
  };
};
