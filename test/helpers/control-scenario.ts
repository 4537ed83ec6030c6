import type { Permissions } from '../../src/accounts/accounts.ts';
import { decide } from '../../src/control/decide/decide.ts';
import type { Decision, Effect } from '../../src/control/decide/decision.ts';
import { stateIndexes, stateKinds } from '../../src/control/indexes.ts';
import { type ControlState, createControlState } from '../../src/control/state.ts';
import type { Command } from '../../src/kernel/contracts/contracts.gen.ts';
import type { PlatformError } from '../../src/kernel/errors.ts';

/** Who sends a command in a scenario. */
export interface ScenarioActor {
  readonly actor: string;
  readonly keyId: string | null;
}

export const role = (name: string): ScenarioActor => ({ actor: `role:${name}`, keyId: null });

/** A control plane without a log: commands are decided one after the other and change the state at once. */
export interface Scenario {
  readonly state: ControlState;
  /** Time of the next decision. */
  nowMs: number;
  uuid(): string;
  decide(by: ScenarioActor, name: string, body: unknown): Decision;
  /** Decides and takes over the effect; fails the test when the command is refused. */
  done(by: ScenarioActor, name: string, body: unknown): Effect;
  /** Decides; fails the test when the command is carried out. */
  refused(by: ScenarioActor, name: string, body: unknown): PlatformError;
  /** A user with a key of these permissions. */
  user(name: string, permissions?: Partial<Permissions>): ScenarioActor;
}

const hex = (number: number, length: number): string => number.toString(16).padStart(length, '0');

export const createScenario = (): Scenario => {
  const state = createControlState(stateKinds, stateIndexes);
  let ids = 0;
  const uuid = (): string => {
    ids += 1;
    return `00000000-0000-4000-8000-${hex(ids, 12)}`;
  };
  const scenario: Scenario = {
    state,
    nowMs: 1_000,
    uuid,
    decide: (by, name, body) => {
      const command: Command = { id: uuid(), name, ...by, replica: 'test', atMs: 0, body: JSON.stringify(body) };
      return decide(state, command, { nowMs: scenario.nowMs });
    },
    done: (by, name, body) => {
      const decision = scenario.decide(by, name, body);
      if (decision.kind === 'refused') throw decision.error;
      const draft = state.draft();
      state.commit(draft.apply(decision.effect.changes ?? []));
      return decision.effect;
    },
    refused: (by, name, body) => {
      const decision = scenario.decide(by, name, body);
      if (decision.kind === 'done') throw new Error(`${name} was carried out`);
      return decision.error;
    },
    user: (name, permissions) => {
      const id = uuid();
      scenario.done(role('control'), 'account.create', { name, email: `${name}@example.org` });
      scenario.done(role('control'), 'key.create', {
        id,
        account: name,
        hash: hex(ids, 64),
        label: 'default-key',
        permissions: { call: ['*'], manage: true, admin: false, ...permissions },
      });
      return { actor: name.toLowerCase(), keyId: id };
    },
  };
  return scenario;
};

export const python = {
  id: 'python3',
  uuid: '6f1b6a0e-6d0c-4a53-9a56-0c9f0b7c3e01',
  label: 'Python 3',
  language: 'python3',
  dependencyFile: 'requirements.txt',
};

/** A scenario with an environment and an algorithm `ada/Hello`. */
export const createAlgorithmScenario = () => {
  const scenario = createScenario();
  const ada = scenario.user('Ada');
  const algorithmId = scenario.uuid();
  scenario.done(role('control'), 'environment.register', python);
  scenario.done(ada, 'algorithm.create', { id: algorithmId, owner: 'ada', name: 'Hello', environment: 'python3' });
  const commit = (number: number): string => hex(number, 40);
  const built = (number: number): string => {
    const hash = commit(number);
    scenario.nowMs += 1;
    scenario.done(ada, 'build.request', { algorithmId, build: hash });
    scenario.done(role('builder'), 'build.finish', { algorithmId, hash, ...succeeded });
    return hash;
  };
  return { scenario, ada, algorithmId, commit, built };
};

export const succeeded = {
  status: 'succeeded',
  artefact: { app: hex(1, 64), dependencies: null, sizeBytes: 10 },
  run: { pool: 'cpu', isolation: 'account', memoryBytes: 1e9, cpus: 1, processes: 64, loadTimeoutS: 60 },
  tests: null,
  error: null,
  log: 'logs/1',
};

export const failed = {
  status: 'failed',
  artefact: null,
  run: null,
  tests: null,
  error: { step: 'dependencies', message: 'pip ended with 1' },
  log: 'logs/2',
};
