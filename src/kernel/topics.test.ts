import { describe, expect, it } from 'vitest';
import { accountNameOf } from './ids.ts';
import { limits } from './limits.ts';
import {
  accountRepliesTopic,
  inboxTopic,
  platformTopics,
  repliesPartitions,
  requestsTopic,
  retryDelays,
  retryTopic,
  topics,
} from './topics.ts';

const ann = accountNameOf('Ann');
const all = [...platformTopics(['cpu', 'gpu']), inboxTopic(ann), accountRepliesTopic(ann)];

describe('topics', () => {
  it('have names of their own, which the log allows', () => {
    const names = all.map((topic) => topic.name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => !/^[a-z0-9._-]{1,200}\.v1$/.test(name))).toEqual([]);
  });

  it('are all made at the first start, but for those of accounts', () => {
    const made = platformTopics(['cpu']).map((topic) => topic.name);
    expect(made).toEqual(expect.arrayContaining(Object.values(topics).map((topic) => topic.name)));
    expect(made).toContain(requestsTopic('cpu').name);
    expect(made).not.toContain(requestsTopic('gpu').name);
    expect(platformTopics(['cpu']).filter((topic) => topic.ofAccount === true)).toEqual([]);
    expect([inboxTopic(ann).ofAccount, accountRepliesTopic(ann).ofAccount]).toEqual([true, true]);
  });

  it('of an account are named by the name under which it is stored', () => {
    expect([inboxTopic(ann).name, accountRepliesTopic(ann).name]).toEqual(['inbox.ann.v1', 'replies.ann.v1']);
  });

  it('of retries follow from the delays, which grow', () => {
    const made = platformTopics([]).map((topic) => topic.name);
    expect(made).toEqual(expect.arrayContaining(retryDelays.map(({ name }) => retryTopic(name).name)));
    const delays = retryDelays.map(({ delayMs }) => delayMs);
    expect(delays).toEqual(delays.toSorted((one, other) => one - other));
  });

  it('keep requests and what waits longer than any call may take', () => {
    for (const topic of [requestsTopic('cpu'), inboxTopic(ann), ...retryDelays.map(({ name }) => retryTopic(name))]) {
      expect(topic.retentionMs).toBeGreaterThan(24 * 3_600_000 + limits.timeoutMaxS * 1_000);
    }
  });

  it('leave results that nobody chose a partition for partitions of their own', () => {
    expect(Number.isInteger(repliesPartitions)).toBe(true);
    expect(repliesPartitions).toBeGreaterThan(0);
    expect(repliesPartitions).toBeLessThan(topics.results.partitions);
  });

  it('of state are compacted and have one partition, because there is one order of changes', () => {
    expect(topics.state).toMatchObject({ cleanup: 'compact', partitions: 1 });
    expect(topics.commands.partitions).toBe(1);
  });
});
