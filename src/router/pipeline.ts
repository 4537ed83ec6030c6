import { type Pipeline, pipeline } from '../kernel/pipeline.ts';
import type { ClaimCheck } from '../messaging/claim-check.ts';
import type { Arrival, Placement } from './router.ts';
import { checkBody } from './steps/check-body.ts';
import { type ChooseLaneDeps, chooseLane } from './steps/choose-lane.ts';
import { type ReadEnvelopeDeps, readEnvelope } from './steps/read-envelope.ts';
import { type ResolveVersionDeps, resolveVersion } from './steps/resolve-version.ts';

export interface PipelineDeps extends ReadEnvelopeDeps, ResolveVersionDeps, ChooseLaneDeps {
  readonly claimCheck: ClaimCheck;
}

/** The story of a record that an account published, until it is a request. */
export const inboxPipeline = (deps: PipelineDeps): Pipeline<Arrival, never, Placement> =>
  pipeline<Arrival>('router.inbox')
    .step(readEnvelope(deps)) // a field is missing or wrong → dead letter that names it
    .step(resolveVersion(deps)) // unknown, or not for the inbox's key → dead letter
    .step(checkBody(deps.claimCheck)) // not what its content type says → dead letter; blobs away → retry
    .step(chooseLane(deps)); // → the request on its lane
