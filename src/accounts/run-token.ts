import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { accountsErrors } from './errors.ts';

/** What a run token says: which running call makes this request, and for whom. Times are milliseconds since the epoch. */
const runClaimsSchema = Type.Object({
  /** Names this token: it opens the door once. */
  id: Type.String({ minLength: 1, maxLength: 64 }),
  /** Id of the request that runs. */
  request: Type.String({ maxLength: 64 }),
  /** Request id of the root of its call tree. */
  session: Type.String({ maxLength: 64 }),
  /** Who called it: the caller of everything that it calls. */
  account: Type.String({ maxLength: 128 }),
  keyId: Type.String({ maxLength: 64 }),
  algorithmId: Type.String({ maxLength: 64 }),
  build: Type.String({ maxLength: 64 }),
  version: Type.Union([Type.String({ maxLength: 32 }), Type.Null()]),
  /** The calls from the root down to the one that runs, each as `OWNER/ALGO@VERSION`. Its length is the depth. */
  chain: Type.Array(Type.String({ maxLength: 512 }), { minItems: 1, maxItems: 64 }),
  /** When the call that runs has to be over. */
  deadlineMs: Type.Number(),
  /** Until when the token may be shown. */
  validUntilMs: Type.Number(),
  /** The process that runs it, and the partitions of its pool's nested calls that it owns now. */
  executor: Type.String({ maxLength: 256 }),
  partitions: Type.Array(Type.Integer({ minimum: 0 }), { maxItems: 256 }),
});
export type RunClaims = Static<typeof runClaimsSchema>;

/** Signs and reads run tokens with a key that only the platform's own processes have. */
export interface RunTokens {
  sign(claims: RunClaims): string;
  /**
   * The claims of a token. Throws `ACCOUNTS_RUN_TOKEN_INVALID` unless it was signed with the same secret, and
   * `ACCOUNTS_RUN_TOKEN_EXPIRED` when its time, or that of the call, is over. Knows nothing of tokens shown before.
   */
  read(token: string, nowMs: number): RunClaims;
}

/** Scheme of the authorization header that carries one. */
export const runScheme = 'Run ';

const keyInfo = 'millrace run token 1';
const keyBytes = 32;

const invalid = () => accountsErrors.RUN_TOKEN_INVALID({ message: 'the run token was not issued by this platform' });

const claimsIn = (payload: string): RunClaims => {
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    if (Value.Check(runClaimsSchema, claims)) return claims;
  } catch {
    // Signed, and yet no claims: of another release. It is refused as any other.
  }
  throw invalid();
};

/** `PAYLOAD.MAC`, both base64url; the MAC is HMAC-SHA-256 under a key derived from the platform's secret for this use alone. */
export const createRunTokens = (secret: string): RunTokens => {
  const key = Buffer.from(hkdfSync('sha256', secret, '', keyInfo, keyBytes));
  const macOf = (payload: string): Buffer => createHmac('sha256', key).update(payload).digest();
  return {
    sign: (claims) => {
      const payload = Buffer.from(JSON.stringify(claims)).toString('base64url');
      return `${payload}.${macOf(payload).toString('base64url')}`;
    },
    read: (token, nowMs) => {
      const [payload = '', mac = '', ...rest] = token.split('.');
      const given = Buffer.from(mac, 'base64url');
      const wanted = macOf(payload);
      if (rest.length > 0 || given.length !== wanted.length || !timingSafeEqual(given, wanted)) throw invalid();
      const claims = claimsIn(payload);
      if (claims.validUntilMs > nowMs && claims.deadlineMs > nowMs) return claims;
      throw accountsErrors.RUN_TOKEN_EXPIRED({ message: `the run token of ${claims.request} has expired` });
    },
  };
};
