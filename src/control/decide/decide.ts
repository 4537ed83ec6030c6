import { Value } from 'typebox/value';
import type { Audit, Command } from '../../kernel/contracts/contracts.gen.ts';
import { PlatformError } from '../../kernel/errors.ts';
import { isUuid } from '../../kernel/ids.ts';
import { controlErrors } from '../errors.ts';
import type { State } from '../state.ts';
import { accountCommands } from './account.ts';
import { actorOf } from './actor.ts';
import { algorithmCommands } from './algorithm.ts';
import { buildCommands } from './build.ts';
import type { CommandSpec, Decision, Effect } from './decision.ts';
import { environmentCommands } from './environment.ts';
import { keyCommands } from './key.ts';
import { organisationCommands } from './organisation.ts';
import { reservationCommands } from './reservation.ts';
import { vendorCodes } from './vendor-codes.ts';
import { versionCommands } from './version.ts';

/** Every command. A new entity is a file beside these and a line here. */
const specs: readonly CommandSpec[] = [
  ...accountCommands,
  ...organisationCommands,
  ...keyCommands,
  ...algorithmCommands,
  ...buildCommands,
  ...versionCommands,
  ...environmentCommands,
  ...reservationCommands,
];
const specsByName: ReadonlyMap<string, CommandSpec> = new Map(specs.map((spec) => [spec.name, spec]));

const parseBody = (command: Command): unknown => {
  try {
    return JSON.parse(command.body);
  } catch (cause) {
    const details = { vendorCode: vendorCodes.badJson };
    throw controlErrors.COMMAND_INVALID({ message: `The body of ${command.name} is not JSON.`, details, cause });
  }
};

const checkedBody = (spec: CommandSpec, command: Command): unknown => {
  const body = parseBody(command);
  if (Value.Check(spec.body, body)) return body;
  const fault = Value.Errors(spec.body, body)[0];
  const where =
    fault === undefined || fault.instancePath === ''
      ? 'The body'
      : `Field ${fault.instancePath.slice(1).replaceAll('/', '.')}`;
  throw controlErrors.COMMAND_INVALID({
    message: `${where} of ${command.name} ${fault?.message ?? 'does not match'}.`,
    details: { vendorCode: vendorCodes.invalidRequest },
  });
};

const specOf = (command: Command): CommandSpec => {
  const spec = specsByName.get(command.name);
  if (spec === undefined) throw controlErrors.COMMAND_UNKNOWN({ message: `There is no command ${command.name}.` });
  if (!isUuid(command.id)) throw controlErrors.COMMAND_INVALID({ message: 'The id of a command is a UUID.' });
  return spec;
};

/** What the audit says of a command, whatever was decided. */
export const auditOf = (
  command: Command,
  nowMs: number,
  decided: { readonly target: string; readonly refusal: string | null; readonly details?: Effect['details'] },
): Audit => ({
  id: command.id,
  atMs: nowMs,
  account: command.actor,
  keyId: command.keyId,
  action: command.name,
  target: decided.target,
  allowed: decided.refusal === null,
  reason: decided.refusal,
  details: JSON.stringify(decided.details ?? {}),
});

/**
 * Decides about a command: a pure function of state, command and time; permissions are part of it. A refusal is a
 * decision too. Throws only when a decision has a bug.
 */
export const decide = (state: State, command: Command, { nowMs }: { readonly nowMs: number }): Decision => {
  let target = command.name;
  try {
    const spec = specOf(command);
    const body = checkedBody(spec, command);
    target = spec.target(body);
    const effect = spec.decide({ state, actor: actorOf(state, command), body, command, nowMs });
    return { kind: 'done', effect, audit: auditOf(command, nowMs, { target, refusal: null, details: effect.details }) };
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    return { kind: 'refused', error, audit: auditOf(command, nowMs, { target, refusal: error.code }) };
  }
};
