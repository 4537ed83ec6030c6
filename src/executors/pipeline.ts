import { type Pipeline, pipeline } from '../kernel/pipeline.ts';
import type { Codec } from '../messaging/codec.ts';
import type { Accepted, Arrival, Call, SandboxClass } from './call.ts';
import type { Answer } from './steps/answer.ts';
import { decodeRequest } from './steps/decode-request.ts';
import { dropCopy, type IsCopy } from './steps/drop-copy.ts';
import { expire } from './steps/expire.ts';
import { resolveBuild, type UnknownBuild } from './steps/resolve-build.ts';

export interface PipelineDeps {
  readonly isCopy: IsCopy;
  readonly codec: Pick<Codec, 'decode'>;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
  readonly resolve: (accepted: Accepted) => SandboxClass | null;
}

/**
 * The story of a request until it waits for a sandbox. Every step answers at once, so the pipeline is run with
 * `runNow`; a large body is fetched when a sandbox pulls the call.
 */
export const requestPipeline = (deps: PipelineDeps): Pipeline<Arrival, Call, Answer | UnknownBuild> =>
  pipeline<Arrival>('executor.request')
    .step(dropCopy(deps.isCopy)) // headers only, before anything costs
    .step(decodeRequest(deps.codec)) // undecodable → dead letter
    .step(expire(deps.nowMs)) // past its deadline → the timeout error, not run
    .step(resolveBuild(deps.resolve)); // unknown or not succeeded → a failed result, after the view caught up
