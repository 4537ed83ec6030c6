import type { Static, TSchema } from 'typebox';
import type { Audit, Build as BuildMessage, Command } from '../../kernel/contracts/contracts.gen.ts';
import type { PlatformError } from '../../kernel/errors.ts';
import type { Topic } from '../../kernel/topics.ts';
import type { Change, State } from '../state.ts';
import type { Actor } from './actor.ts';

/** A record that a decision publishes beside the entities. */
export interface Publication {
  readonly topic: Topic<'build'>;
  readonly message: BuildMessage;
  readonly key: string;
}

/** What a command does when it is carried out. */
export interface Effect {
  readonly changes?: readonly Change[];
  /** JSON, for who asked. */
  readonly reply: unknown;
  readonly publications?: readonly Publication[];
  /** Particulars for the audit; never secrets. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** What was decided about a command, with its audit record. */
export type Decision =
  | { readonly kind: 'done'; readonly effect: Effect; readonly audit: Audit }
  | { readonly kind: 'refused'; readonly error: PlatformError; readonly audit: Audit };

/** What a decision knows. Everything else would make it impure. */
export interface Question<Body> {
  readonly state: State;
  readonly actor: Actor;
  readonly body: Body;
  readonly command: Command;
  readonly nowMs: number;
}

/** A command of the control plane: its name, the form of its body, and the decision. */
export interface CommandSpec<Body extends TSchema = TSchema> {
  /** `entity.verb` */
  readonly name: string;
  readonly body: Body;
  /** What the audit names: `KIND/ID`. */
  target(body: Static<Body>): string;
  /** Pure. Throws a `PlatformError` to refuse. */
  decide(question: Question<Static<Body>>): Effect;
}

/** Declares a command; the body's type follows from its schema. */
export const commandSpec = <Body extends TSchema>(spec: CommandSpec<Body>): CommandSpec<Body> => spec;
