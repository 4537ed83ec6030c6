import { accountsErrors } from '../src/accounts/errors.ts';
import { builderErrors } from '../src/builder/errors.ts';
import { catalogErrors } from '../src/catalog/errors.ts';
import { controlErrors } from '../src/control/errors.ts';
import { executorErrors } from '../src/executors/errors.ts';
import { ingressErrors } from '../src/ingress/errors.ts';
import { type ErrorKind, httpStatusOf, messageActionOf } from '../src/kernel/errors.ts';
import { localErrors } from '../src/local/errors.ts';
import { messagingErrors } from '../src/messaging/errors.ts';
import { blobErrors } from '../src/platform/blobs/errors.ts';
import { configErrors } from '../src/platform/config/errors.ts';
import { embeddedLogErrors } from '../src/platform/embedded-log/errors.ts';
import { gitErrors, sourceErrors } from '../src/platform/git/errors.ts';
import { httpErrors } from '../src/platform/http/errors.ts';
import { lifecycleErrors } from '../src/platform/lifecycle/errors.ts';
import { redisErrors } from '../src/platform/redis/errors.ts';
import { sandboxErrors } from '../src/sandboxes/errors.ts';

/** Every catalogue of the platform. */
export const catalogues: readonly { readonly codes: Readonly<Record<string, ErrorKind>> }[] = [
  accountsErrors,
  blobErrors,
  builderErrors,
  catalogErrors,
  configErrors,
  controlErrors,
  embeddedLogErrors,
  executorErrors,
  gitErrors,
  httpErrors,
  ingressErrors,
  lifecycleErrors,
  localErrors,
  messagingErrors,
  redisErrors,
  sandboxErrors,
  sourceErrors,
];

const row = (code: string, kind: ErrorKind): string =>
  `| \`${code}\` | ${kind} | ${httpStatusOf[kind]} | ${messageActionOf[kind]} |`;

/** Text of `docs/errors.md`. */
export const errorsPage = (): string => {
  const rows = catalogues
    .flatMap(({ codes }) => Object.entries(codes))
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([code, kind]) => row(code, kind));
  return [
    '# Errors',
    '',
    "Generated from the modules' `errors.ts`; do not edit. *HTTP* is the status of a request that fails with the error;",
    '*message* is what becomes of a message whose step does: parked in `dead.v1`, retried later, or handed to the supervisor,',
    'which restarts the process. An error of an algorithm is none of these: it is a result.',
    '',
    '| code | kind | HTTP | message |',
    '| --- | --- | --- | --- |',
    ...rows,
    row('INTERNAL', 'internal'),
    '',
  ].join('\n');
};
