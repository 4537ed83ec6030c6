import type { RunClaims } from '../../accounts/run-token.ts';
import { type Headers, headerNames, headerText } from '../../kernel/contracts/envelope.ts';
import type { SandboxCall } from '../call.ts';

/** What a running call is tied to outside its sandbox. */
export interface CallLink {
  /** Headers of its record. */
  readonly headers: Headers;
  /** It waits for calls that it made, or does no longer. Not told at its end. */
  onWaits(waits: boolean): void;
}

/** A call that runs, as its sandbox's endpoint knows it. */
export interface ChainedRun {
  readonly call: SandboxCall;
  readonly link: CallLink;
}

const traceParts = /^00-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})$/;
const sampled = '01';
const hexOf = (requestId: string): string =>
  requestId
    .replaceAll(/[^0-9a-f]/g, '')
    .slice(-32)
    .padStart(32, '0');

/**
 * Trace context of the calls that a run makes: the trace of whoever called it, else one named after its call tree. The
 * span is named after the run.
 */
export const traceparentOf = ({ call, link }: ChainedRun): string => {
  const [, trace, flags] = traceParts.exec(headerText(link.headers, headerNames.traceparent) ?? '') ?? [];
  return `00-${trace ?? hexOf(call.request.session)}-${hexOf(call.id).slice(0, 16)}-${flags ?? sampled}`;
};

/** The calls from the root of the tree down to this one. */
const chainOf = ({ call, link }: ChainedRun): readonly string[] => {
  const above = headerText(link.headers, headerNames.chain);
  const { algorithm, build, version } = call.request;
  const own = `${algorithm}@${version ?? build.slice(0, 12)}`;
  return above === undefined ? [own] : [...above.split(','), own];
};

/** What a token for one request of this run says. */
export const claimsOf = (
  run: ChainedRun,
  at: Pick<RunClaims, 'id' | 'validUntilMs' | 'executor' | 'partitions'>,
): RunClaims => {
  const { id, deadlineMs, request } = run.call;
  const { account, keyId, algorithmId, build, version, session } = request;
  return {
    ...at,
    request: id,
    session,
    account,
    keyId,
    algorithmId,
    build,
    version,
    chain: [...chainOf(run)],
    deadlineMs,
  };
};
