import { messageActionOf, PlatformError } from './errors.ts';
import { type Outcome, park, retry } from './outcome.ts';

/** One decision about a message. Its name is its metric label, its span name and its place in a dead letter. */
export interface Step<In, Out, Output = never> {
  readonly name: string;
  run(input: In): Promise<Outcome<Out, Output>> | Outcome<Out, Output>;
}

/** How a message left the pipeline: the outcome, and the step that gave it (or the last one). */
export interface PipelineEnd<Value, Output> {
  readonly step: string;
  readonly outcome: Outcome<Value, Output>;
}

/** A list of named steps that reads as the story of a message. Steps in the wrong order do not compile. */
export interface Pipeline<In, Value, Output> {
  readonly name: string;
  readonly steps: readonly string[];
  step<Out, More = never>(step: Step<Value, Out, More>): Pipeline<In, Out, Output | More>;
  /** Runs the steps. A {@link PlatformError} becomes park or retry by its kind; anything else is thrown on (a bug). */
  run(input: In): Promise<PipelineEnd<Value, Output>>;
  /**
   * As {@link run}, at once: for hot paths whose steps all answer without waiting. A step that returned a promise is a
   * bug and throws.
   */
  runNow(input: In): PipelineEnd<Value, Output>;
}

type AnyStep = Step<unknown, unknown, unknown>;

const retryAfterMs = 5_000;

const outcomeOf = (error: unknown): Outcome<never> => {
  if (!(error instanceof PlatformError)) throw error;
  const action = messageActionOf[error.kind];
  if (action === 'crash') throw error;
  return action === 'park' ? park(error.message, error.code, error) : retry(error.message, error.code, retryAfterMs);
};

const runStep = async (step: AnyStep, input: unknown): Promise<Outcome<unknown, unknown>> => {
  try {
    return await step.run(input);
  } catch (error) {
    return outcomeOf(error);
  }
};

const runStepNow = (step: AnyStep, input: unknown): Outcome<unknown, unknown> => {
  let outcome: Outcome<unknown, unknown> | Promise<Outcome<unknown, unknown>>;
  try {
    outcome = step.run(input);
  } catch (error) {
    return outcomeOf(error);
  }
  if (outcome instanceof Promise) throw new Error(`step ${step.name} waits; its pipeline must be run with run()`);
  return outcome;
};

const build = <In, Value, Output>(name: string, steps: readonly AnyStep[]): Pipeline<In, Value, Output> => ({
  name,
  steps: steps.map((step) => step.name),
  step: <Out, More>(step: Step<Value, Out, More>) => build<In, Out, Output | More>(name, [...steps, step]),
  run: async (input) => {
    let value: unknown = input;
    let last = name;
    for (const step of steps) {
      last = step.name;
      const outcome = await runStep(step, value);
      if (outcome.kind !== 'next') return { step: last, outcome: outcome as Outcome<Value, Output> };
      value = outcome.value;
    }
    return { step: last, outcome: { kind: 'next', value: value as Value } };
  },
  runNow: (input) => {
    let value: unknown = input;
    let last = name;
    for (const step of steps) {
      last = step.name;
      const outcome = runStepNow(step, value);
      if (outcome.kind !== 'next') return { step: last, outcome: outcome as Outcome<Value, Output> };
      value = outcome.value;
    }
    return { step: last, outcome: { kind: 'next', value: value as Value } };
  },
});

/** Starts an empty pipeline; add steps with `.step()`. */
export const pipeline = <In>(name: string): Pipeline<In, In, never> => build<In, In, never>(name, []);
