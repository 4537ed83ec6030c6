import type { Clock } from '../kernel/clock.ts';
import { limits } from '../kernel/limits.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Call } from './call.ts';
import type { Forwarder } from './chaining/forward.ts';
import { unreadEnd } from './run-end.ts';
import type { RunEnd, Session } from './session.ts';

/** Runs a call in a session that is free, with its body at hand. `onWaits`: it waits for calls that it made, or no longer does. */
export type ExecuteCall = (session: Session, call: Call, onWaits: (waits: boolean) => void) => Promise<RunEnd>;

const nothing = Buffer.alloc(0);

export interface ExecuteCallDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly forwarder: Forwarder | null;
  fetchBody(ref: string): Promise<Buffer>;
}

export const createExecuteCall = (deps: ExecuteCallDeps): ExecuteCall => {
  const { clock, forwarder, logger } = deps;
  const bodyOf = async ({ request }: Call): Promise<Buffer> => {
    if (request.body !== null) return request.body;
    return request.bodyRef === null ? nothing : await deps.fetchBody(request.bodyRef);
  };
  return async (session, call, onWaits) => {
    let { body } = call.request;
    try {
      body ??= await bodyOf(call);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      logger.error({ event: 'body.not-fetched', id: call.id, reason });
      return unreadEnd(reason);
    }
    const leftMs = call.deadlineMs - clock.nowMs();
    const timeoutMs = Math.max(1, Math.min(leftMs, limits.timeoutMaxS * 1_000));
    if (forwarder === null) return await session.run(call, body, timeoutMs);
    const run = { call, link: { headers: call.delivery.record.headers, onWaits } };
    return await session.run(call, body, timeoutMs, { run, forwarder });
  };
};
