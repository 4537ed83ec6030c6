/** The ten ways in which an operation can fail. Every edge answers to each of them: the maps below are total. */
export type ErrorKind =
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'not-found'
  | 'conflict'
  | 'limit'
  | 'unavailable'
  | 'timeout'
  | 'cancelled'
  | 'internal';

/** HTTP status of a failed operation, by kind. */
export const httpStatusOf: Record<ErrorKind, number> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  limit: 429,
  unavailable: 503,
  timeout: 504,
  cancelled: 499,
  internal: 500,
};

/** What a pipeline does with the message whose step threw, by kind. */
export const messageActionOf: Record<ErrorKind, 'park' | 'retry' | 'crash'> = {
  invalid: 'park',
  unauthenticated: 'park',
  forbidden: 'park',
  'not-found': 'park',
  conflict: 'park',
  limit: 'retry',
  unavailable: 'retry',
  timeout: 'retry',
  cancelled: 'retry',
  internal: 'crash',
};

export interface PlatformErrorOptions {
  /** For the reader: what was wrong, where, what to do. One sentence or two. */
  readonly message: string;
  /** Machine-readable particulars; never secrets. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** An operation that could not be done. Thrown where it fails, caught at an edge; see {@link defineErrors}. */
export class PlatformError extends Error {
  override readonly name = 'PlatformError';
  readonly code: string;
  readonly kind: ErrorKind;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: string, kind: ErrorKind, options: PlatformErrorOptions) {
    super(options.message, { cause: options.cause });
    this.code = code;
    this.kind = kind;
    this.details = options.details ?? {};
  }
}

/** A module's catalogue: `catalogue.SOME_CODE({ message })` makes the error with code `MODULE_SOME_CODE`. */
export type ErrorCatalogue<Codes extends Record<string, ErrorKind>> = {
  readonly [Code in keyof Codes]: (options: PlatformErrorOptions) => PlatformError;
} & { readonly codes: Readonly<Record<string, ErrorKind>> };

/** Declares a module's error codes once. `codes` on the result lists them by full name, for `docs/errors.md` and its test. */
export const defineErrors = <const Codes extends Record<string, ErrorKind>>(
  module: string,
  codes: Codes,
): ErrorCatalogue<Codes> => {
  const entries = Object.entries(codes).map(
    ([code, kind]) =>
      [code, (options: PlatformErrorOptions) => new PlatformError(`${module}_${code}`, kind, options)] as const,
  );
  const full = Object.fromEntries(Object.entries(codes).map(([code, kind]) => [`${module}_${code}`, kind]));
  return { ...Object.fromEntries(entries), codes: full } as ErrorCatalogue<Codes>;
};

/** The error itself if it is the platform's own, else an internal one that wraps it. For edges. */
export const asPlatformError = (error: unknown): PlatformError =>
  error instanceof PlatformError
    ? error
    : new PlatformError('INTERNAL', 'internal', {
        message: error instanceof Error ? error.message : String(error),
        cause: error,
      });
