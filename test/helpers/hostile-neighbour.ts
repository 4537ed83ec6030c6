import { type Answered, type Deployed, type ExecutorScenario, until } from './executor-scenario.ts';

/** An innocent algorithm beside the hostile ones, called all the while. */
export interface Neighbour {
  /** Milliseconds from when a call was due to its end, of the calls that were due since then: the 99th percentile. */
  p99Since(sinceMs: number): number;
  /** Calls answered that were due since then. */
  countSince(sinceMs: number): number;
  /** Answers other than the right one, so far. */
  readonly wrong: readonly unknown[];
  /** Ends the calls; resolves when all are answered. */
  stop(): Promise<void>;
}

/** Often enough that a second shows a 99th percentile, seldom enough that the calls are no load. */
const everyMs = 10;
/** A file in its folder, by which its processes are known from outside. */
export const neighbourMarker = `neighbour-${process.pid}`;
const files = {
  [neighbourMarker]: '',
  'src/work.py': 'def apply(input):\n    return input',
  'algorithmia.conf': '{"algoname":"work"}',
};

/** What the 99th of a hundred takes. */
export const p99Of = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(values.length * 0.99) - 1)] ?? 0;

interface Sample {
  readonly dueMs: number;
  readonly tookMs: number;
}

/** A call is measured from when it was due, so that a platform that stands still is seen by all calls of that time. */
export const startNeighbour = async (scenario: ExecutorScenario): Promise<Neighbour> => {
  const { clock } = scenario;
  const deployed: Deployed = await scenario.deploy(files);
  await scenario.call(deployed, '0');
  const dueMsOf = new Map<string, number>();
  const samples: Sample[] = [];
  const wrong: unknown[] = [];
  let read = scenario.answers.length;
  let stopped = false;

  const take = ({ id, result }: Answered): void => {
    const dueMs = dueMsOf.get(id);
    if (dueMs === undefined) return;
    dueMsOf.delete(id);
    samples.push({ dueMs, tookMs: result.finishedAtMs - dueMs });
    if (result.status !== 'succeeded' || result.body?.toString() !== '[1,"two"]') wrong.push(result);
  };
  const readAnswers = (): void => {
    for (; read < scenario.answers.length; read += 1) {
      const answer = scenario.answers[read];
      if (answer !== undefined) take(answer);
    }
  };
  const callAll = async (): Promise<void> => {
    for (let dueMs = clock.nowMs(); !stopped; dueMs += everyMs) {
      const waitMs = dueMs - clock.nowMs();
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      dueMsOf.set(await scenario.send(deployed, '[1,"two"]'), dueMs);
      readAnswers();
    }
  };
  const calling = callAll();
  const since = (sinceMs: number): readonly Sample[] => samples.filter((sample) => sample.dueMs >= sinceMs);

  return {
    p99Since: (sinceMs) => p99Of(since(sinceMs).map((sample) => sample.tookMs)),
    countSince: (sinceMs) => since(sinceMs).length,
    wrong,
    stop: async () => {
      stopped = true;
      await calling;
      await until(() => {
        readAnswers();
        return dueMsOf.size === 0 || scenario.failures.length > 0;
      });
    },
  };
};
