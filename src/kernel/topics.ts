import type { Contracts } from './contracts/contracts.gen.ts';
import type { AccountName } from './ids.ts';

const second = 1000;
const hour = 3600 * second;
const day = 24 * hour;

/** What a topic is: the only place in the code where a topic's name, contract, key and retention are written. */
export interface Topic<Name extends keyof Contracts | null = keyof Contracts | null> {
  /** Name without the configured prefix. */
  readonly name: string;
  /** Contract of its values; null for topics that carry other topics' records or outsiders' bytes. */
  readonly contract: Name;
  /** What the record's key is, in words. */
  readonly key: string;
  readonly partitions: number;
  readonly cleanup: 'delete' | 'compact';
  /** Milliseconds that records are kept; for compacted topics, that tombstones are kept. */
  readonly retentionMs: number;
  /** Made and removed with an account: it may be missing, and then records for it are refused for good. */
  readonly ofAccount?: true;
}

const topic = <const Name extends keyof Contracts | null>(spec: Topic<Name>): Topic<Name> => spec;

/** Topics that exist once. */
export const topics = {
  results: topic({
    name: 'results.v1',
    contract: 'result',
    key: 'request id',
    partitions: 12,
    cleanup: 'delete',
    retentionMs: 7 * day,
  }),
  insights: topic({
    name: 'insights.v1',
    contract: 'insight',
    key: 'algorithm id',
    partitions: 12,
    cleanup: 'delete',
    retentionMs: 7 * day,
  }),
  logs: topic({
    name: 'logs.v1',
    contract: 'log-line',
    key: 'request id or build hash',
    partitions: 6,
    cleanup: 'delete',
    retentionMs: 7 * day,
  }),
  builds: topic({
    name: 'builds.v1',
    contract: 'build',
    key: 'algorithm id',
    partitions: 6,
    cleanup: 'delete',
    retentionMs: 7 * day,
  }),
  presence: topic({
    name: 'presence.v1',
    contract: 'presence',
    key: 'process',
    partitions: 1,
    cleanup: 'delete',
    retentionMs: hour,
  }),
  commands: topic({
    name: 'control.commands.v1',
    contract: 'command',
    key: 'account',
    partitions: 1,
    cleanup: 'delete',
    retentionMs: day,
  }),
  state: topic({
    name: 'control.state.v1',
    contract: 'entity',
    key: 'kind/id',
    partitions: 1,
    cleanup: 'compact',
    retentionMs: 7 * day,
  }),
  audit: topic({
    name: 'audit.v1',
    contract: 'audit',
    key: 'account',
    partitions: 6,
    cleanup: 'delete',
    retentionMs: 90 * day,
  }),
  dead: topic({
    name: 'dead.v1',
    contract: null,
    key: 'as origin',
    partitions: 3,
    cleanup: 'delete',
    retentionMs: 14 * day,
  }),
} as const;

/** Results partitions `0 … repliesPartitions - 1` are used only by explicit choice of a waiting replica. */
export const repliesPartitions = topics.results.partitions / 3;

/** Requests for the executors of one pool. */
export const requestsTopic = (pool: string): Topic<'request'> =>
  topic({
    name: `requests.${pool}.v1`,
    contract: 'request',
    key: 'lane',
    partitions: 12,
    cleanup: 'delete',
    retentionMs: 7 * day,
  });

/**
 * Calls that running calls made, for the executors of one pool. Apart from the others: were they behind calls that wait
 * for them, neither would ever end.
 */
export const nestedTopic = (pool: string): Topic<'request'> =>
  topic({
    name: `requests.${pool}.nested.v1`,
    contract: 'request',
    key: 'lane',
    partitions: 12,
    cleanup: 'delete',
    retentionMs: 7 * day,
  });

/** Where an account publishes calls. */
export const inboxTopic = (account: AccountName): Topic<null> =>
  topic({
    name: `inbox.${account}.v1`,
    contract: null,
    key: "the caller's choice",
    partitions: 3,
    cleanup: 'delete',
    retentionMs: 7 * day,
    ofAccount: true,
  });

/** Where an account reads the answers to what it published. */
export const accountRepliesTopic = (account: AccountName): Topic<null> =>
  topic({
    name: `replies.${account}.v1`,
    contract: null,
    key: 'request id',
    partitions: 3,
    cleanup: 'delete',
    retentionMs: day,
    ofAccount: true,
  });

/** Fixed delays of the retry topics, shortest first; a record is tried once more after each. */
export const retryDelays = [
  { name: '1s', delayMs: second },
  { name: '10s', delayMs: 10 * second },
  { name: '1m', delayMs: 60 * second },
  { name: '10m', delayMs: 600 * second },
] as const;

/** Inbox records that wait for their next attempt. */
export const retryTopic = (delay: (typeof retryDelays)[number]['name']): Topic<null> =>
  topic({
    name: `inbox.retry.${delay}.v1`,
    contract: null,
    key: 'as origin',
    partitions: 3,
    cleanup: 'delete',
    retentionMs: 7 * day,
  });

/** Every topic that the platform creates at its first start, for the given pools. Account topics are made on demand. */
export const platformTopics = (pools: readonly string[]): readonly Topic[] => [
  ...Object.values(topics),
  ...pools.map(requestsTopic),
  ...pools.map(nestedTopic),
  ...retryDelays.map((delay) => retryTopic(delay.name)),
];
