import { Type } from 'typebox';
import type { CallTrees } from '../call/call-trees.ts';
import { ingressErrors } from '../errors.ts';
import type { Access } from '../http/access.ts';
import type { HttpApp } from '../http/type-provider.ts';

export interface RequestCallsDeps {
  readonly access: Access;
  readonly trees: CallTrees;
}

const params = Type.Object({ id: Type.String() });

/** `GET /v1/requests/{id}/calls`: the calls of the tree to which a request belongs, to who called. */
export const requestCallsRoutes = (app: HttpApp, { access, trees }: RequestCallsDeps): void => {
  app.get('/v1/requests/:id/calls', { schema: { params } }, async (request) => {
    const caller = await access.caller(request);
    const tree = trees.of(request.params.id);
    if (tree === null || tree.account !== caller.account.name) {
      const message = `request ${request.params.id.slice(0, 60)} is not known to have called others: this is kept for a day, by the ingress that took those calls`;
      throw ingressErrors.REQUEST_UNKNOWN({ message });
    }
    return {
      session: tree.session,
      root: tree.root,
      left_out: tree.leftOut,
      calls: tree.calls.map((call) => ({
        request_id: call.id,
        parent: call.parent,
        algorithm: call.algorithm,
        version: call.version,
        build: call.build,
        accepted_at: new Date(call.acceptedAtMs).toISOString(),
        state: call.state,
        took_ms: call.tookMs === null ? null : Math.round(call.tookMs * 1000) / 1000,
      })),
    };
  });
};
