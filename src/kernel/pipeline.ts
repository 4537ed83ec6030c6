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
  /**
   * Runs the steps, at once as far as they answer at once. A {@link PlatformError} becomes park or retry by its kind;
   * anything else is thrown on, or rejects (a bug).
   */
  run(input: In): PipelineEnd<Value, Output> | Promise<PipelineEnd<Value, Output>>;
  /** As {@link run}, for pipelines none of whose steps waits: a step that returned a promise is a bug and throws. */
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

type AnyOutcome = Outcome<unknown, unknown>;
type AnyEnd = PipelineEnd<unknown, unknown>;

const runStep = (step: AnyStep, input: unknown): AnyOutcome | Promise<AnyOutcome> => {
  try {
    const outcome = step.run(input);
    return outcome instanceof Promise ? outcome.catch(outcomeOf) : outcome;
  } catch (error) {
    return outcomeOf(error);
  }
};

/** Runs the steps from that one on. */
const runFrom = (name: string, steps: readonly AnyStep[], at: number, input: unknown): AnyEnd | Promise<AnyEnd> => {
  let value = input;
  let last = name;
  for (let index = at; index < steps.length; index += 1) {
    const step = steps[index];
    if (step === undefined) break;
    last = step.name;
    const outcome = runStep(step, value);
    if (outcome instanceof Promise) {
      return outcome.then((settled) =>
        settled.kind === 'next'
          ? runFrom(step.name, steps, index + 1, settled.value)
          : { step: step.name, outcome: settled },
      );
    }
    if (outcome.kind !== 'next') return { step: last, outcome };
    value = outcome.value;
  }
  return { step: last, outcome: { kind: 'next', value } };
};

const build = <In, Value, Output>(name: string, steps: readonly AnyStep[]): Pipeline<In, Value, Output> => ({
  name,
  steps: steps.map((step) => step.name),
  step: <Out, More>(step: Step<Value, Out, More>) => build<In, Out, Output | More>(name, [...steps, step]),
  run: (input) => runFrom(name, steps, 0, input) as PipelineEnd<Value, Output> | Promise<PipelineEnd<Value, Output>>,
  runNow: (input) => {
    const end = runFrom(name, steps, 0, input);
    if (end instanceof Promise) throw new Error(`a step of ${name} waits; the pipeline must be run with run()`);
    return end as PipelineEnd<Value, Output>;
  },
});

/** Starts an empty pipeline; add steps with `.step()`. */
export const pipeline = <In>(name: string): Pipeline<In, In, never> => build<In, In, never>(name, []);
