import { describe, expect, it } from 'vitest';
import { accountOf, keyOf } from '../../../test/helpers/people.ts';
import { createTableView } from '../../../test/helpers/table-view.ts';
import { createVirtualClock } from '../../../test/helpers/virtual-clock.ts';
import { accountKind, keyKind } from '../../accounts/accounts.ts';
import { createAccounts } from '../../accounts/create.ts';
import { createRunTokens, type RunClaims, runScheme } from '../../accounts/run-token.ts';
import { type Algorithm, algorithmKind, buildKind, environmentKind, versionKind } from '../../catalog/catalog.ts';
import { createCatalog } from '../../catalog/create.ts';
import { createNestedCalls } from './nested-call.ts';

const algorithm = (pipelineEnabled: boolean): Algorithm => ({
  id: 'a1',
  owner: 'ann',
  name: 'outer',
  label: 'Outer',
  details: { label: '', summary: '', tagline: '' },
  environment: 'python3',
  settings: {
    callability: 'private',
    sourceVisibility: 'closed',
    license: 'apl',
    networkAccess: 'isolated',
    pipelineEnabled,
    insightsEnabled: false,
  },
  createdAtMs: 1,
});

const given = () => {
  const view = createTableView([accountKind, keyKind, algorithmKind, buildKind, versionKind, environmentKind]);
  view.put(accountKind, accountOf('ann'), accountOf('eve'));
  view.put(keyKind, keyOf('ann', 'simAnn'), keyOf('eve', 'simEve'));
  view.put(algorithmKind, algorithm(true));
  const accounts = createAccounts({ view });
  const clock = createVirtualClock();
  const tokens = createRunTokens('the secret of this test, long enough for it');
  const door = createNestedCalls({ tokens, accounts, catalog: createCatalog({ view, accounts }), view, clock });
  let made = 0;
  const token = (some: Partial<RunClaims> = {}): string => {
    made += 1;
    const validUntilMs = clock.nowMs() + 60_000;
    return (
      runScheme +
      tokens.sign({
        id: `token-${made}`,
        request: 'req-2',
        session: 'req-1',
        account: 'ann',
        keyId: 'key-ann',
        algorithmId: 'a1',
        build: 'b1',
        version: null,
        chain: ['ann/Outer@0.1.0'],
        deadlineMs: clock.nowMs() + 300_000,
        validUntilMs,
        executor: 'host/1/1',
        partitions: [3],
        ...some,
      })
    );
  };
  const refusal = async (text: string): Promise<unknown> => {
    try {
      return await door.admit(text);
    } catch (error) {
      return error;
    }
  };
  return { view, clock, door, token, refusal };
};

describe('the door for calls that running calls make', () => {
  it('lets them in as the caller of the call that runs', async () => {
    const { door, token, clock } = given();
    expect(await door.admit(token())).toMatchObject({
      caller: { account: { name: 'ann' }, key: { id: 'key-ann' } },
      parent: 'req-2',
      session: 'req-1',
      chain: ['ann/Outer@0.1.0'],
      deadlineMs: clock.nowMs() + 300_000,
    });
  });

  it('takes each token once', async () => {
    const { clock, door, token, refusal } = given();
    const first = token();
    await door.admit(first);
    expect(await refusal(first)).toMatchObject({ code: 'INGRESS_RUN_TOKEN_USED' });
    await clock.advance(59_999);
    expect(await refusal(first)).toMatchObject({ code: 'INGRESS_RUN_TOKEN_USED' });
    await clock.advance(1);
    expect(await refusal(first)).toMatchObject({ code: 'ACCOUNTS_RUN_TOKEN_EXPIRED' });
  });

  it('refuses what the platform did not sign, and what is over', async () => {
    const { clock, token, refusal } = given();
    for (const text of ['Run ', 'Run x', 'Run x.y', `${token()}A`, token().replace('Run ', 'Run x')]) {
      expect(await refusal(text)).toMatchObject({ code: 'ACCOUNTS_RUN_TOKEN_INVALID' });
    }
    expect(await refusal(token({ deadlineMs: clock.nowMs() }))).toMatchObject({ code: 'ACCOUNTS_RUN_TOKEN_EXPIRED' });
  });

  it("refuses a key that is another account's or was revoked", async () => {
    const { view, token, refusal } = given();
    expect(await refusal(token({ account: 'eve' }))).toMatchObject({ code: 'INGRESS_KEY_UNKNOWN' });
    view.put(keyKind, keyOf('ann', 'simAnn', { revokedAtMs: 5 }));
    expect(await refusal(token())).toMatchObject({ code: 'INGRESS_KEY_UNKNOWN' });
  });

  it('refuses calls of an algorithm that may not call others', async () => {
    const { view, token, refusal } = given();
    view.put(algorithmKind, algorithm(false));
    expect(await refusal(token())).toMatchObject({
      code: 'INGRESS_CHAINING_OFF',
      message: 'ann/Outer may not call other algorithms: its setting pipeline_enabled is off',
    });
  });

  it('ends a chain that is 24 deep, and names the circle in which it goes', async () => {
    const { door, token, refusal } = given();
    const straight = Array.from({ length: 25 }, (_, at) => `ann/A${at}@0.1.0`);
    expect((await door.admit(token({ chain: straight.slice(1) }))).chain).toHaveLength(24);
    expect(await refusal(token({ chain: straight }))).toMatchObject({
      code: 'INGRESS_CHAIN_TOO_DEEP',
      message: expect.stringContaining('ann/A23 → ann/A24') as string,
    });
    const round = Array.from({ length: 25 }, (_, at) => (at % 2 === 0 ? 'ann/One@0.1.0' : 'ann/Two@0.1.0'));
    expect(await refusal(token({ chain: round }))).toMatchObject({
      message:
        'the chain of calls is 24 deep, the most that it may be; it goes round in a circle: ann/One → ann/Two → ann/One',
    });
  });
});
