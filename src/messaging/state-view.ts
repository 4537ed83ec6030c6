import type { EntityKind, EntityOf } from '../kernel/entity.ts';
import type { ErrorKind } from '../kernel/errors.ts';

/** One change of an entity; `before` and `after` are undefined for made and removed ones. */
export interface EntityChange<Kind extends EntityKind = EntityKind> {
  readonly id: string;
  readonly before: EntityOf<Kind> | undefined;
  readonly after: EntityOf<Kind> | undefined;
}

/** What a process knows of the control plane: every entity, in memory, fed by `control.state.v1`. */
export interface StateView {
  /** The entity with that id, or undefined. */
  get<Kind extends EntityKind>(kind: Kind, id: string): EntityOf<Kind> | undefined;
  /** All entities of the kind; the iterator is live. */
  all<Kind extends EntityKind>(kind: Kind): Iterable<EntityOf<Kind>>;
  /**
   * Calls back for every entity of the kind, first those that are known now, then each change in log order. For indexes that are built once and kept. Must not throw.
   * A kind that the view was not told to keep is only passed on from now on, with `before` undefined.
   */
  watch<Kind extends EntityKind>(
    kind: Kind,
    onChange: (change: {
      readonly id: string;
      readonly before: EntityOf<Kind> | undefined;
      readonly after: EntityOf<Kind> | undefined;
    }) => void,
  ): void;
  /** Resolves when the view holds everything that was committed before the call. At most one end-offset request is in flight. Throws `MESSAGING_UNAVAILABLE` after 10 s. */
  barrier(): Promise<void>;
  /** False until the end was reached once, and while it has not been reached for 10 s. */
  readonly ready: boolean;
  close(): Promise<void>;
}

/** How a command ended. A refusal is an answer like any other. */
export type CommandOutcome =
  | { readonly kind: 'done'; readonly reply: unknown }
  | {
      readonly kind: 'refused';
      readonly code: string;
      readonly error: ErrorKind;
      readonly message: string;
      /** Machine-readable particulars; `vendorCode` is the number that the v1 API shows, where it has one. */
      readonly details: Readonly<Record<string, unknown>>;
    };

/** Who asks for a change. */
export interface CommandRequest {
  /** `entity.verb` */
  readonly name: string;
  readonly actor: string;
  readonly keyId: string | null;
  readonly body: unknown;
  /** Give the same id to repeat a command safely; default: a fresh one. */
  readonly id?: string;
}

/** Publishes commands and waits for their outcomes; when one resolves, this process's view holds the write. */
export interface Commands {
  /** Throws `MESSAGING_UNAVAILABLE` when no outcome came within 10 s: the command may still be carried out. */
  send(request: CommandRequest): Promise<CommandOutcome>;
}
