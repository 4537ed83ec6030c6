import type { PlatformError } from '../../kernel/errors.ts';
import { statusOf } from './status-of.ts';

/** Shape B: the failures of management calls. */
export interface ManagementError {
  readonly error: { readonly id: string; readonly code: number; readonly message: string };
}

/** Shape C, asserted by the vendor's clients word for word. */
export const noSuchAlgorithm = { error: 'No such algorithm' } as const;
export const notAuthorized = 'Caller is not authorized to perform the operation';

/** The vendor's numbers for our own refusals; those of control come with the refusal. */
const numbers: Readonly<Record<string, number>> = {
  INGRESS_BAD_JSON: 2013,
  INGRESS_BAD_LIMIT: 5003,
  INGRESS_BAD_MARKER: 5002,
  INGRESS_BAD_REQUEST: 2015,
  INGRESS_FORBIDDEN: 2001,
  INGRESS_KEY_UNKNOWN: 2002,
  INGRESS_ORGANIZATION_UNKNOWN: 3100,
  INGRESS_REQUEST_UNKNOWN: 7000,
  INGRESS_UNAUTHENTICATED: 2001,
  INGRESS_USER_UNKNOWN: 3000,
};
const internalNumber = 5001;
const invalidNumber = 6001;

const isUnknownAlgorithm = (error: PlatformError): boolean =>
  error.code === 'INGRESS_ALGORITHM_UNKNOWN' || error.code === 'CATALOG_ALGORITHM_NOT_FOUND';

const messageOf = (error: PlatformError): string => {
  if (error.kind === 'forbidden') return notAuthorized;
  return error.kind === 'internal' ? 'the platform failed to handle the request' : error.message;
};

/** Status and body of a failed management call; `id` appears in the log beside the cause. */
export const managementFailure = (
  error: PlatformError,
  id: string,
): { readonly status: number; readonly body: ManagementError | typeof noSuchAlgorithm } => {
  const status = statusOf(error);
  if (isUnknownAlgorithm(error)) return { status, body: noSuchAlgorithm };
  const { vendorCode } = error.details;
  const known = typeof vendorCode === 'number' ? vendorCode : numbers[error.code];
  const code = known ?? (status >= 500 ? internalNumber : invalidNumber);
  return { status, body: { error: { id, code, message: messageOf(error) } } };
};
