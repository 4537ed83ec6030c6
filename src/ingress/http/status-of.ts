import { httpStatusOf, type PlatformError } from '../../kernel/errors.ts';

/** Codes whose HTTP status is finer than their kind's. */
const finer: Readonly<Record<string, number>> = {
  INGRESS_BODY_TOO_LARGE: 413,
  INGRESS_CONTENT_TYPE_UNSUPPORTED: 415,
  MESSAGING_QUEUE_FULL: 503,
};

/** HTTP status of a failed operation. */
export const statusOf = (error: PlatformError): number => finer[error.code] ?? httpStatusOf[error.kind];

/** Seconds after which trying again makes sense; undefined where it does not. */
export const retryAfterOf = (status: number): string | undefined =>
  status === 429 || status === 503 ? '1' : undefined;
