import { Type } from 'typebox';
import type { Account, Accounts, Caller } from '../../accounts/accounts.ts';
import { mayGovern } from '../../accounts/permissions.ts';
import { accountNameOf } from '../../kernel/ids.ts';
import type { Random } from '../../kernel/random.ts';
import { accountRepliesTopic, inboxTopic, type Topic } from '../../kernel/topics.ts';
import type { Messaging } from '../../messaging/messaging.ts';
import { ingressErrors } from '../errors.ts';
import type { Access } from '../http/access.ts';
import type { CommandDoor } from '../http/command-door.ts';
import type { HttpApp } from '../http/type-provider.ts';
import type { BrokerAddress } from '../ingress.ts';

export interface TopicRoutesDeps {
  readonly access: Access;
  readonly accounts: Accounts;
  readonly commands: CommandDoor;
  readonly messaging: Messaging;
  readonly broker: BrokerAddress;
  readonly random: Random;
}

const TopicAccess = Type.Object({
  inbox: Type.String(),
  replies: Type.String(),
  username: Type.String(),
  password: Type.String(),
  mechanism: Type.String(),
  brokers: Type.Array(Type.String()),
  group_prefix: Type.String(),
});

/** Broker users of accounts are apart from the platform's own, whatever an account is called. */
const principalOf = (account: Account): string => `account.${account.name}`;

const makePassword = (random: Random): string => `${random.uuid()}${random.uuid()}`.replaceAll('-', '');

/** `POST /v1/accounts/{account}/topics`: gives an account its inbox and replies; again, a new password. */
export const topicRoutes = (app: HttpApp, deps: TopicRoutesDeps): void => {
  const { access, accounts, commands, messaging, broker, random } = deps;

  const governed = (caller: Caller, name: string): Account => {
    const account = accounts.account(name);
    const target = `account/${name.toLowerCase()}`;
    access.demand(caller, account !== null && mayGovern(caller, account), { action: 'account.topics.enable', target });
    if (account === null) throw ingressErrors.USER_UNKNOWN({ message: `there is no account ${name.slice(0, 60)}` });
    return account;
  };
  /** What is published on the inbox may do what this key may. */
  const keyFor = (caller: Caller, account: Account, wanted: string | undefined): string => {
    if (wanted !== undefined) return wanted;
    if (caller.key.account === account.name) return caller.key.id;
    const [first] = accounts.keysOf(account.name);
    if (first !== undefined) return first.id;
    const message = `${account.label} has no API key, and its inbox takes the permissions of one: make a key first`;
    throw ingressErrors.BAD_REQUEST({ message });
  };
  const ensureOnBroker = async (account: Account, password: string, own: readonly [Topic, Topic]): Promise<void> => {
    const [inbox, replies] = own;
    await messaging.admin.ensureTopics(own);
    await messaging.admin.ensurePrincipal(principalOf(account), password, [
      { resource: 'topic', pattern: 'literal', name: inbox.name, operations: ['write', 'describe'] },
      { resource: 'topic', pattern: 'literal', name: replies.name, operations: ['read', 'describe'] },
      { resource: 'group', pattern: 'prefixed', name: `${account.name}.`, operations: ['read'] },
    ]);
  };

  app.post(
    '/v1/accounts/:account/topics',
    {
      schema: {
        params: Type.Object({ account: Type.String() }),
        body: Type.Object({ key_id: Type.Optional(Type.String()) }),
        response: { 200: TopicAccess },
      },
    },
    async (request) => {
      const caller = await access.caller(request);
      const account = governed(caller, request.params.account);
      const keyId = keyFor(caller, account, request.body.key_id);
      const name = accountNameOf(account.name);
      const own = [inboxTopic(name), accountRepliesTopic(name)] as const;
      const password = makePassword(random);
      await ensureOnBroker(account, password, own);
      const body = { account: account.name, keyId, principal: principalOf(account) };
      await commands.send({ caller, name: 'account.topics.enable', body });
      const [inbox, replies] = own;
      return {
        inbox: messaging.admin.fullName(inbox),
        replies: messaging.admin.fullName(replies),
        username: principalOf(account),
        password,
        mechanism: broker.mechanism,
        brokers: [...broker.brokers],
        group_prefix: messaging.admin.fullGroup(`${account.name}.`),
      };
    },
  );
};
