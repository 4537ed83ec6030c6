/** A step that cannot be done here; the message tells the reader what to do. */
export class SetupProblem extends Error {}
