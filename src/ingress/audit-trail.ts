import type { Caller } from '../accounts/accounts.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Random } from '../kernel/random.ts';
import { topics } from '../kernel/topics.ts';
import type { Codec } from '../messaging/codec.ts';
import type { Appender } from '../messaging/messaging.ts';

/** What ingress itself writes to the audit topic; changes are recorded by control. */
export interface AuditTrail {
  /** A caller was refused. Returns at once. */
  denied(caller: Caller, action: string, target: string, reason: string): void;
  /** A caller did something that is no command. Returns at once. */
  done(caller: Caller, action: string, target: string, details: Readonly<Record<string, unknown>>): void;
}

export interface AuditTrailOptions {
  readonly appender: Appender;
  readonly codec: Codec;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export const createAuditTrail = (options: AuditTrailOptions): AuditTrail => {
  const write = (
    caller: Caller,
    what: { action: string; target: string; allowed: boolean; reason: string | null; details: string },
  ): void => {
    const account = caller.account.name;
    const message = {
      id: options.random.uuid(),
      atMs: Math.round(options.clock.nowMs()),
      account,
      keyId: caller.key.id,
      ...what,
    };
    options.appender.append(options.codec.encode(topics.audit, message, { key: account })).catch((error: unknown) => {
      options.logger.error({ event: 'audit.lost', action: what.action, account, err: error });
    });
  };
  return {
    denied: (caller, action, target, reason) => {
      write(caller, { action, target: target.slice(0, 200), allowed: false, reason, details: '{}' });
    },
    done: (caller, action, target, details) => {
      write(caller, {
        action,
        target: target.slice(0, 200),
        allowed: true,
        reason: null,
        details: JSON.stringify(details),
      });
    },
  };
};
