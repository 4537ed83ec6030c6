import { expect } from 'vitest';
import { deadNames, headerText } from '../../src/kernel/contracts/envelope.ts';
import { requestsTopic, topics } from '../../src/kernel/topics.ts';
import type { InRecord, Messaging } from '../../src/messaging/messaging.ts';
import type { LoadCall } from './chaos-load.ts';
import {
  type CommittedResult,
  type Ends,
  endsOf,
  readCommitted,
  readPartitionsOfRequests,
  readResults,
  untilRequestsFinished,
} from './chaos-records.ts';

/** What the log holds of one scenario, once all its requests are finished. */
export interface Aftermath {
  readonly results: readonly CommittedResult[];
  readonly dead: readonly InRecord[];
  /** Partition of the requests topic by request id. */
  readonly partitions: ReadonlyMap<string, number>;
}

/** Remembers where the log ends now; `aftermath` gives what came after. */
export interface Scene {
  /** Waits until every request is finished, then reads. */
  aftermath(): Promise<Aftermath>;
}

export const beginScene = async (messaging: Messaging): Promise<Scene> => {
  const topicsRead = [topics.results, topics.dead, requestsTopic('cpu')];
  const since = await Promise.all(topicsRead.map(async (topic) => await endsOf(messaging, topic)));
  const [results = [], dead = [], requests = []]: readonly Ends[] = since;
  return {
    aftermath: async () => {
      await untilRequestsFinished(messaging);
      return {
        results: await readResults(messaging, results),
        dead: await readCommitted(messaging, topics.dead, dead),
        partitions: await readPartitionsOfRequests(messaging, requests),
      };
    },
  };
};

export const succeeded = (call: LoadCall): boolean => call.status === 200;

/** Request ids with the number of their committed results. */
export const countById = (results: readonly CommittedResult[]): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>();
  for (const { requestId } of results) counts.set(requestId, (counts.get(requestId) ?? 0) + 1);
  return counts;
};

const sample = <Item>(items: readonly Item[]): readonly Item[] => items.slice(0, 5);

/** The acknowledged id of a call: in the header of an answer, in the body of a void one's. */
export const acknowledgedId = (call: LoadCall): string | null => {
  if (!succeeded(call)) return null;
  if (!call.path.includes('output=void')) return call.requestId;
  return (JSON.parse(call.text) as { readonly request_id?: string }).request_id ?? null;
};

/** Every acknowledged call has exactly one committed result, the caller's own; no id stands twice; dead letters tell why. */
export const expectPromisesKept = (calls: readonly LoadCall[], { results, dead }: Aftermath): void => {
  const counts = countById(results);
  const twice = [...counts].filter(([, count]) => count > 1);
  expect(sample(twice), 'ids with several committed results').toEqual([]);

  const acknowledged = calls.filter(succeeded);
  const missing = acknowledged.filter((call) => counts.get(acknowledgedId(call) ?? '') !== 1);
  expect(sample(missing), `acknowledged calls without result (${missing.length})`).toEqual([]);

  const byId = new Map(results.map((each) => [each.requestId, each]));
  const foreign = acknowledged.flatMap((call) => {
    const committed = byId.get(acknowledgedId(call) ?? '');
    return committed?.bodyId === call.id ? [] : [{ call, error: committed?.result.error?.message }];
  });
  expect(sample(foreign), 'acknowledged calls whose result is not theirs').toEqual([]);

  const waited = acknowledged.filter((call) => !call.path.includes('output=void'));
  const strange = waited.filter((call) => !call.text.includes(`"${call.id}"`));
  expect(sample(strange), 'answers that are not an echo of their call').toEqual([]);

  const needed = [deadNames.reason, deadNames.step, deadNames.attempt];
  const mute = dead.filter((record) => needed.some((name) => (headerText(record.headers, name) ?? '') === ''));
  expect(mute.length, 'dead letters without reason, step or attempt').toBe(0);
};

/** Calls that were not answered 200, by how they ended. */
export const failuresOf = (calls: readonly LoadCall[]): ReadonlyMap<string, number> => {
  const failures = new Map<string, number>();
  for (const call of calls) {
    if (succeeded(call)) continue;
    const name = call.status === null ? call.text : `${call.status} ${call.text.slice(0, 160)}`;
    failures.set(name, (failures.get(name) ?? 0) + 1);
  }
  return failures;
};
