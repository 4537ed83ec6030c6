import { describe, expect, it } from 'vitest';
import { accountNameOf, isBuildHash, isRequestId, isUuid, requestIdOf } from './ids.ts';

const uuid = '0123abcd-0000-4000-8000-0123456789ab';
const hash = '0123456789abcdef0123456789abcdef01234567';

describe('ids', () => {
  it('of requests are made of UUIDs and known again', () => {
    expect(requestIdOf(uuid)).toBe(`req-${uuid}`);
    expect(isRequestId(requestIdOf(uuid))).toBe(true);
  });

  it.each([uuid, `req-${uuid} `, `req-${uuid.toUpperCase()}`, `req-${uuid}\n`, 'req-', '', `xreq-${uuid}`])(
    'of requests are not of the form %j',
    (text) => {
      expect(isRequestId(text)).toBe(false);
    },
  );

  it('are UUIDs in lower case only', () => {
    expect([isUuid(uuid), isUuid(uuid.toUpperCase()), isUuid(`{${uuid}}`), isUuid(uuid.replaceAll('-', ''))]).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });

  it('of builds are whole commit hashes', () => {
    expect([
      isBuildHash(hash),
      isBuildHash(hash.slice(1)),
      isBuildHash(`${hash}0`),
      isBuildHash(hash.toUpperCase()),
    ]).toEqual([true, false, false, false]);
  });

  it('of accounts are the same in whatever case they were sent', () => {
    expect(accountNameOf('AnnSmith')).toBe(accountNameOf('annsmith'));
  });
});
