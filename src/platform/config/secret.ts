import { Type } from 'typebox';

const shown = '***';

/** A value that must not be seen by chance: prints `***` wherever text is made of it. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself. Every call of this is a place to look at in a review. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return shown;
  }

  toJSON(): string {
    return shown;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return shown;
  }
}

/** Schema of an optional variable that holds a secret; its value arrives as {@link Secret}. */
export const secretVariable = (options: {
  readonly description: string;
  readonly minLength?: number;
  readonly pattern?: string;
}) => Type.Optional(Type.Unsafe<Secret>({ type: 'string', secret: true, ...options }));
