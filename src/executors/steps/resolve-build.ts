import { forward, next } from '../../kernel/outcome.ts';
import type { Step } from '../../kernel/pipeline.ts';
import type { Accepted, Call, SandboxClass } from '../call.ts';

/** The request's build is not known, or not as one that can be run: the view may lag behind the caller's. */
export interface UnknownBuild {
  readonly kind: 'unknown-build';
  readonly accepted: Accepted;
}

/** Finds what the request runs and which sandboxes may run it. */
export const resolveBuild = (
  resolve: (accepted: Accepted) => SandboxClass | null,
): Step<Accepted, Call, UnknownBuild> => ({
  name: 'resolve-build',
  run: (accepted) => {
    const sandboxClass = resolve(accepted);
    if (sandboxClass === null) return forward({ kind: 'unknown-build', accepted });
    const { delivery, takenAtMs, id, attempt, deadlineMs, request } = accepted;
    return next({ delivery, takenAtMs, id, attempt, deadlineMs, request, sandboxClass });
  },
});
