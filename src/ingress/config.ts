import { type Static, Type } from 'typebox';
import { limits } from '../kernel/limits.ts';
import { secretVariable } from '../platform/config/secret.ts';

/** Variables of the HTTP facade. */
export const ingressConfig = Type.Object(
  {
    MILLRACE_HTTP_HOST: Type.String({
      default: '127.0.0.1',
      description: 'Address on which the HTTP API listens. 0.0.0.0: on all of the machine.',
    }),
    MILLRACE_HTTP_PORT: Type.Integer({
      default: 8080,
      minimum: 0,
      maximum: 65535,
      description: 'Port of the HTTP API; 0 takes any free one.',
    }),
    MILLRACE_CALLS_WAITING_MAX: Type.Integer({
      default: limits.waitingCalls,
      minimum: 1,
      description: 'Calls that one ingress holds at the same time; more are answered 503.',
    }),
    MILLRACE_CALLS_PER_ACCOUNT_MAX: Type.Integer({
      default: limits.concurrentCallsPerAccount,
      minimum: 1,
      description:
        'Calls that one account has running at the same time, at one ingress or, with MILLRACE_REDIS_URL, at all of them; more are answered 429.',
    }),
    MILLRACE_ANONYMOUS_CALL_KEY: secretVariable({
      description:
        'API key that calls without any Authorization header count as made with, for a platform behind a gateway that authenticates. Unset: such calls are refused. Management always needs a key.',
    }),
    MILLRACE_REDIS_URL: secretVariable({
      pattern: '^rediss?://.+$',
      description:
        'Redis that the ingresses of an installation share (`redis://[user:password@]host:port[/database]`, `rediss://` with TLS): limits of accounts then count over all of them, and an Idempotency-Key used at one is known to all. Unset: each ingress keeps its own.',
    }),
    MILLRACE_ANSWERS_MAX: Type.Integer({
      default: 200_000,
      minimum: 1,
      description:
        'Stored answers that one ingress can find again (`GET /v1/requests/{id}`, `Idempotency-Key`), within a day; the oldest go first. With MILLRACE_REDIS_URL the bound is that of Redis.',
    }),
    MILLRACE_BUILD_TIMEOUT_S: Type.Integer({
      default: 900,
      minimum: 1,
      description: 'How long `POST …/compile` waits for the build that it asked for.',
    }),
    MILLRACE_REQUEST_TIMEOUT_S: Type.Integer({
      default: 300,
      minimum: 1,
      description: 'How long a client may take to send a whole request.',
    }),
  },
  { title: 'HTTP API' },
);

/** Values of {@link ingressConfig}. */
export type IngressConfig = Static<typeof ingressConfig>;
