import { Type } from 'typebox';
import { type Key, keyKind, permissionsSchema } from '../../accounts/accounts.ts';
import { accountsErrors } from '../../accounts/errors.ts';
import { keysByHash } from '../indexes.ts';
import { put } from '../state.ts';
import { requireAccount, requireGovernorOf, requireGrantable } from './actor.ts';
import { commandSpec } from './decision.ts';
import { AccountReference, Sha256, Uuid } from './fields.ts';

/** A key as it may be shown: nobody needs the hash but who authenticates. */
const shown = ({ id, account, label, permissions, createdAtMs, revokedAtMs }: Key) => ({
  id,
  account,
  label,
  permissions,
  createdAtMs,
  revokedAtMs,
});

const create = commandSpec({
  name: 'key.create',
  body: Type.Object({
    id: Uuid,
    account: AccountReference,
    hash: Sha256,
    label: Type.String({ maxLength: 200 }),
    permissions: permissionsSchema,
  }),
  target: ({ id }) => `key/${id}`,
  decide: ({ state, actor, body, nowMs }) => {
    const account = requireAccount(state, body.account);
    requireGovernorOf(actor, account);
    requireGrantable(actor, body.permissions);
    if (state.get(keyKind, body.id) !== undefined || state.find(keysByHash, body.hash).length > 0) {
      throw accountsErrors.KEY_TAKEN({ message: 'This key exists already; make a fresh one.' });
    }
    const call = body.permissions.call.map((pattern) => pattern.toLowerCase());
    const key: Key = {
      id: body.id,
      account: account.name,
      label: body.label,
      hash: body.hash,
      permissions: { ...body.permissions, call },
      createdAtMs: nowMs,
      revokedAtMs: null,
    };
    return {
      changes: [put(keyKind, key)],
      reply: shown(key),
      details: { account: account.name, permissions: key.permissions },
    };
  },
});

const revoke = commandSpec({
  name: 'key.revoke',
  body: Type.Object({ id: Uuid }),
  target: ({ id }) => `key/${id}`,
  decide: ({ state, actor, body, nowMs }) => {
    const key = state.get(keyKind, body.id);
    if (key === undefined) throw accountsErrors.KEY_NOT_FOUND({ message: `There is no key ${body.id}.` });
    requireGovernorOf(actor, requireAccount(state, key.account));
    if (key.revokedAtMs !== null) return { reply: shown(key) };
    const revoked: Key = { ...key, revokedAtMs: nowMs };
    return { changes: [put(keyKind, revoked)], reply: shown(revoked), details: { account: key.account } };
  },
});

export const keyCommands = [create, revoke] as const;
