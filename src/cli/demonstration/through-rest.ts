import type { ApiClient } from '../client.ts';

interface Sample {
  readonly features: readonly number[];
  readonly label: string;
}

/** Figures of one run of the REST half. */
export interface RestSummary {
  readonly sent: number;
  readonly answered: number;
  /** Share of right labels, 0…1. */
  readonly accuracy: number;
  readonly p50Ms: number;
}

const inFlight = 8;

/** Sends the samples that training never saw through REST, eight at a time, and counts the right labels. */
export const throughRest = async (client: ApiClient, reference: string): Promise<RestSummary> => {
  const path = `/v1/algo/${reference}`;
  const { result: samples } = (await client.json('POST', path, { held_out: true })) as {
    readonly result: readonly Sample[];
  };
  const waiting = [...samples];
  const times: number[] = [];
  let answered = 0;
  let right = 0;
  const worker = async (): Promise<void> => {
    for (let sample = waiting.pop(); sample !== undefined; sample = waiting.pop()) {
      const begin = performance.now();
      const answer = (await client.json('POST', path, { features: sample.features })) as {
        readonly result?: { readonly label: string };
      };
      times.push(performance.now() - begin);
      if (answer.result === undefined) continue;
      answered += 1;
      if (answer.result.label === sample.label) right += 1;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  times.sort((a, b) => a - b);
  return {
    sent: samples.length,
    answered,
    accuracy: right / samples.length,
    p50Ms: times[Math.floor(times.length / 2)] ?? 0,
  };
};
