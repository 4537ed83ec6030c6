import type { Command } from '../kernel/contracts/contracts.gen.ts';
import type { Logger } from '../kernel/logger.ts';
import { topics } from '../kernel/topics.ts';
import type { Codec } from '../messaging/codec.ts';
import { outcomeKind, type StoredOutcome } from '../messaging/command-outcome.ts';
import { encodeEntity, encodeTombstone } from '../messaging/entity-record.ts';
import type { OutRecord } from '../messaging/messaging.ts';
import type { CommandOutcome } from '../messaging/state-view.ts';
import { auditOf, decide } from './decide/decide.ts';
import type { Decision } from './decide/decision.ts';
import { controlErrors } from './errors.ts';
import type { OutcomeMemory } from './outcomes.ts';
import type { ControlState, Draft, Revised } from './state.ts';

export interface BatchInput {
  readonly state: ControlState;
  readonly outcomes: OutcomeMemory;
  readonly commands: readonly Command[];
  readonly codec: Codec;
  readonly logger: Logger;
  readonly nowMs: number;
}

/** Everything that one transaction writes, and what memory takes over after its commit. */
export interface Batch {
  readonly records: readonly OutRecord[];
  readonly changes: readonly Revised[];
  readonly remembered: readonly StoredOutcome[];
  readonly forgotten: readonly string[];
  readonly refused: number;
}

/** Outcomes forgotten per batch at most: more come faster than commands do, and transactions stay small. */
const forgottenMax = 1_000;

const decideSafely = (draft: Draft, command: Command, { nowMs, logger }: BatchInput): Decision => {
  try {
    return decide(draft, command, { nowMs });
  } catch (cause) {
    // A bug in one decision must not stop the control plane at that command for ever.
    const message = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
    logger.error({ event: 'decision.failed', command: command.name, commandId: command.id, message });
    const error = controlErrors.DECISION_FAILED({
      message: `The platform could not decide about ${command.name}.`,
      cause,
    });
    return { kind: 'refused', error, audit: auditOf(command, nowMs, { target: command.name, refusal: error.code }) };
  }
};

const outcomeOf = (decision: Decision): CommandOutcome => {
  if (decision.kind === 'done') return { kind: 'done', reply: decision.effect.reply };
  const { code, kind, message, details } = decision.error;
  return { kind: 'refused', code, error: kind, message, details };
};

const encodeRevised = ({ codec, nowMs }: BatchInput, { kind, id, stored }: Revised): OutRecord =>
  stored === undefined ? encodeTombstone(kind, id) : encodeEntity(codec, kind, stored, nowMs);

/**
 * Decides the commands one after the other, each seeing what the earlier ones changed. The outcome of a command stands
 * behind its entities, so who has read the outcome holds the write. Changes nothing outside the returned batch.
 */
export const decideBatch = (input: BatchInput): Batch => {
  const { state, outcomes, codec, nowMs } = input;
  const draft = state.draft();
  const records: OutRecord[] = [];
  const changes: Revised[] = [];
  const remembered = new Map<string, StoredOutcome>();
  let refused = 0;

  const answer = (outcome: StoredOutcome): void => {
    records.push(encodeEntity(codec, outcomeKind, { revision: 1, value: outcome }, nowMs));
  };
  const carryOut = (command: Command): void => {
    const decision = decideSafely(draft, command, input);
    if (decision.kind === 'refused') refused += 1;
    const effect = decision.kind === 'done' ? decision.effect : undefined;
    const revised = draft.apply(effect?.changes ?? []);
    changes.push(...revised);
    records.push(...revised.map((each) => encodeRevised(input, each)));
    for (const { topic, message, key } of effect?.publications ?? [])
      records.push(codec.encode(topic, message, { key }));
    records.push(codec.encode(topics.audit, decision.audit, { key: decision.audit.account }));
    const outcome = { id: command.id, atMs: nowMs, outcome: outcomeOf(decision) };
    remembered.set(command.id, outcome);
    answer(outcome);
  };

  for (const command of input.commands) {
    const earlier = remembered.get(command.id) ?? outcomes.get(command.id);
    if (earlier === undefined) carryOut(command);
    else answer(earlier);
  }
  const forgotten = outcomes.expired(nowMs, remembered.size, forgottenMax);
  records.push(...forgotten.map((id) => encodeTombstone(outcomeKind, id)));
  return { records, changes, remembered: [...remembered.values()], forgotten, refused };
};
