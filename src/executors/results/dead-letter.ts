import { deadNames, type Headers, headerNames, headerText } from '../../kernel/contracts/envelope.ts';
import { topics } from '../../kernel/topics.ts';
import type { InRecord, OutRecord } from '../../messaging/messaging.ts';

export interface DeadReason {
  readonly reason: string;
  readonly code: string;
  /** Step that gave the record up. */
  readonly step: string;
  readonly atMs: number;
  /** When known. */
  readonly account?: string;
}

/** The record as it was, with the reason why nobody works on it. */
export const deadLetterOf = (record: InRecord, why: DeadReason): OutRecord => {
  const { key, value, headers } = record;
  const header = (name: string, text: string): Headers[number] => [name, Buffer.from(text)];
  return {
    topic: topics.dead,
    key,
    value,
    headers: [
      ...headers,
      header(deadNames.reason, why.reason),
      header(deadNames.code, why.code),
      header(deadNames.step, why.step),
      header(deadNames.attempt, headerText(headers, headerNames.attempt) ?? '1'),
      header(deadNames.at, String(Math.round(why.atMs))),
      header(deadNames.firstAt, String(record.timestampMs)),
      header(deadNames.topic, record.topic),
      header(deadNames.partition, String(record.partition)),
      header(deadNames.offset, record.offset.toString()),
      ...(why.account === undefined ? [] : [header(deadNames.account, why.account)]),
    ],
  };
};
