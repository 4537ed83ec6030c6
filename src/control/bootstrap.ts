import { hash } from 'node:crypto';
import { accountKind, keyKind } from '../accounts/accounts.ts';
import { type Environment, environmentKind } from '../catalog/catalog.ts';
import type { Command } from '../kernel/contracts/contracts.gen.ts';
import { keysOfAccount } from './indexes.ts';
import type { State } from './state.ts';

/** What the configuration says must exist before anybody can ask for anything. */
export interface BootstrapOptions {
  readonly admin: { readonly user: string; readonly key: string };
  readonly environments: readonly Environment[];
}

const configuredLabel = 'configured';

/** The same key has the same id at every start, so that a restart finds it. */
const uuidOfHash = (digest: string): string =>
  [digest.slice(0, 8), digest.slice(8, 12), digest.slice(12, 16), digest.slice(16, 20), digest.slice(20, 32)].join('-');

interface Wanted {
  readonly name: string;
  readonly body: unknown;
}

const adminCommands = (state: State, { user, key }: BootstrapOptions['admin']): readonly Wanted[] => {
  const name = user.toLowerCase();
  const digest = hash('sha256', key, 'hex');
  const id = uuidOfHash(digest);
  // A key that left the configuration must not work any longer: that is how the operator replaces one that leaked.
  const replaced = state
    .find(keysOfAccount, name)
    .filter((each) => each.label === configuredLabel && each.id !== id && each.revokedAtMs === null)
    .map((each): Wanted => ({ name: 'key.revoke', body: { id: each.id } }));
  const account: Wanted[] =
    state.get(accountKind, name) === undefined ? [{ name: 'account.create', body: { name: user, email: null } }] : [];
  const permissions = { call: ['*'], manage: true, admin: true };
  const create: Wanted[] =
    state.get(keyKind, id) === undefined
      ? [{ name: 'key.create', body: { id, account: name, hash: digest, label: configuredLabel, permissions } }]
      : [];
  return [...account, ...create, ...replaced];
};

const sameEnvironment = (a: Environment | undefined, b: Environment): boolean =>
  a !== undefined &&
  a.uuid === b.uuid &&
  a.label === b.label &&
  a.language === b.language &&
  a.dependencyFile === b.dependencyFile;

const environmentCommands = (state: State, environments: readonly Environment[]): readonly Wanted[] =>
  environments
    .filter((environment) => !sameEnvironment(state.get(environmentKind, environment.id), environment))
    .map((environment) => ({ name: 'environment.register', body: environment }));

/** Commands that bring the state to what the configuration says; none when it is there already. */
export const bootstrapCommands = (
  state: State,
  options: BootstrapOptions,
  context: { readonly nowMs: number; uuid(): string },
): readonly Command[] =>
  [...adminCommands(state, options.admin), ...environmentCommands(state, options.environments)].map(
    ({ name, body }) => ({
      id: context.uuid(),
      name,
      actor: 'role:control',
      keyId: null,
      replica: 'control',
      atMs: context.nowMs,
      body: JSON.stringify(body),
    }),
  );
