import { type AccountName } from '../src/kernel/ids.ts';
import {
  accountRepliesTopic,
  inboxTopic,
  nestedTopic,
  repliesPartitions,
  requestsTopic,
  retryDelays,
  retryTopic,
  type Topic,
  topics,
} from '../src/kernel/topics.ts';

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
] as const;

/** `7 d`: the largest unit that divides the time. */
const spoken = (ms: number): string => {
  const unit = units.find(([, size]) => ms % size === 0);
  return unit === undefined ? `${ms} ms` : `${ms / unit[1]} ${unit[0]}`;
};

const row = (topic: Topic): string => {
  const contract = topic.contract === null ? '–' : `[${topic.contract}](../schemas/${topic.contract})`;
  const kept =
    topic.cleanup === 'compact' ? `compacted; tombstones ${spoken(topic.retentionMs)}` : spoken(topic.retentionMs);
  return `| \`${topic.name}\` | ${contract} | ${topic.key} | ${topic.partitions} | ${kept} |`;
};

const table = (rows: readonly Topic[]): readonly string[] => [
  '| topic | contract | key | partitions | kept |',
  '| --- | --- | --- | --- | --- |',
  ...rows.map(row),
];

/** Text of `docs/topics.md`. */
export const topicsPage = (): string =>
  [
    '# Topics',
    '',
    'Generated from `src/kernel/topics.ts`; do not edit. Names carry the prefix that `MILLRACE_TOPIC_PREFIX` sets. All topics',
    'use the time of appending (`LogAppendTime`).',
    '',
    '## Of the platform',
    '',
    ...table([
      requestsTopic('<pool>'),
      nestedTopic('<pool>'),
      ...Object.values(topics),
      ...retryDelays.map((delay) => retryTopic(delay.name)),
    ]),
    '',
    `Partitions 0 to ${repliesPartitions - 1} of \`${topics.results.name}\` are used only for callers who wait there.`,
    '',
    '## Of an account',
    '',
    ...table([inboxTopic('<account>' as AccountName), accountRepliesTopic('<account>' as AccountName)]),
    '',
  ].join('\n');
