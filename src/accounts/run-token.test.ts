import { describe, expect, it } from 'vitest';
import { createRunTokens, type RunClaims } from './run-token.ts';

const secret = 'a secret of at least thirty-two characters';
const tokens = createRunTokens(secret);
const claims: RunClaims = {
  id: 't1',
  request: 'req-1',
  session: 'req-0',
  account: 'ann',
  keyId: 'k1',
  algorithmId: 'a1',
  build: 'b1',
  version: null,
  chain: ['ann/Outer@0.1.0', 'ann/Inner@0.2.0'],
  deadlineMs: 2_000,
  validUntilMs: 1_500,
  executor: 'host/1/1',
  partitions: [1, 2],
};
const codeOf = (act: () => unknown): unknown => {
  try {
    act();
    return 'nothing was thrown';
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error;
  }
};

describe('a run token', () => {
  it('says what was signed', () => {
    expect(tokens.read(tokens.sign(claims), 1_000)).toEqual(claims);
  });

  it('is refused when any part of it was changed', () => {
    const [payload = '', mac = ''] = tokens.sign(claims).split('.');
    const other = Buffer.from(JSON.stringify({ ...claims, account: 'eve' })).toString('base64url');
    const broken = [
      `${other}.${mac}`,
      `${payload}.${mac.slice(1)}`,
      `${payload}.`,
      payload,
      '',
      '.',
      `${payload}.${mac}.x`,
      `${payload}.${createRunTokens('another secret of thirty-two characters').sign(claims).split('.')[1] ?? ''}`,
    ];
    for (const token of broken) expect(codeOf(() => tokens.read(token, 1_000))).toBe('ACCOUNTS_RUN_TOKEN_INVALID');
  });

  it('is refused when its own time or that of its call is over', () => {
    expect(codeOf(() => tokens.read(tokens.sign(claims), 1_500))).toBe('ACCOUNTS_RUN_TOKEN_EXPIRED');
    const late = tokens.sign({ ...claims, validUntilMs: 9_000 });
    expect(codeOf(() => tokens.read(late, 2_000))).toBe('ACCOUNTS_RUN_TOKEN_EXPIRED');
  });

  it('is refused when it is signed and yet no claims of this release', () => {
    // `as`: another release's claims.
    const odd = tokens.sign({ request: 'req-1' } as unknown as RunClaims);
    expect(codeOf(() => tokens.read(odd, 1_000))).toBe('ACCOUNTS_RUN_TOKEN_INVALID');
  });
});
