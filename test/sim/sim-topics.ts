import { headerNames, headerNumber, headerText } from '../../src/kernel/contracts/envelope.ts';
import type { Topic } from '../../src/kernel/topics.ts';
import type { InRecord, OutRecord } from '../../src/messaging/messaging.ts';

const topic = (name: string, partitions: number): Topic => ({
  name,
  contract: null,
  key: 'lane',
  partitions,
  cleanup: 'delete',
  retentionMs: 86_400_000,
});

/** The topics of the simulated platform, small so that partitions are contended for. */
export const simTopics = {
  inbox: topic('inbox', 3),
  retry: topic('retry', 2),
  requests: topic('requests', 4),
  results: topic('results', 3),
  dead: topic('dead', 1),
};

export const groups = { routers: 'routers', executors: 'executors' } as const;

/** What identifies a message on its way: the inbox gives ids by place, later topics carry them. */
export interface Identity {
  readonly id: string;
  readonly attempt: number;
  readonly lane: string;
}

export const identityOf = (record: InRecord): Identity => ({
  id: headerText(record.headers, headerNames.id) ?? `${record.topic}-${record.partition}-${record.offset.toString()}`,
  attempt: headerNumber(record.headers, headerNames.attempt) ?? 1,
  lane: record.key?.toString() ?? '',
});

export const messageOf = (target: Topic, identity: Identity, value: string): OutRecord => ({
  topic: target,
  key: Buffer.from(identity.lane),
  value: Buffer.from(value),
  headers: [
    [headerNames.id, Buffer.from(identity.id)],
    [headerNames.attempt, Buffer.from(String(identity.attempt))],
  ],
});

export const deadOf = (identity: Identity, step: string, reason: string): OutRecord => {
  const record = messageOf(simTopics.dead, identity, 'parked');
  return {
    ...record,
    headers: [...record.headers, ['dead.step', Buffer.from(step)], ['dead.reason', Buffer.from(reason)]],
  };
};

/** A number that depends on the text alone (FNV-1a): what becomes of a message is its own property, not chance. */
export const fateOf = (text: string): number => {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
};
