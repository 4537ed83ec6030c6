/** Randomness as the program sees it, so that the simulation can seed it. */
export interface Random {
  /** A fresh lower-case UUID. */
  uuid(): string;
  /** A whole number from 0 to `below` - 1. */
  below(below: number): number;
}
