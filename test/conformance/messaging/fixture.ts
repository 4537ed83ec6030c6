import { expect } from 'vitest';
import type { Topic } from '../../../src/kernel/topics.ts';
import type {
  Assignment,
  InRecord,
  JoinOptions,
  Membership,
  Messaging,
  OutRecord,
  OwnReader,
  PartitionOffset,
} from '../../../src/messaging/messaging.ts';

/** A log under test and what the suite needs beside the port. */
export interface MessagingUnderTest {
  readonly messaging: Messaging;
  /** One more client of the same log, as another process would have it. The suite closes it. */
  another(): Promise<Messaging>;
  /** Appends a record that carries a timestamp of its sender's clock, as a foreign client would. */
  appendForeign(record: OutRecord, timestampMs: number): Promise<void>;
  /** Makes the log forget a member of a group, as after its session timed out; the member itself is not told. */
  expel(group: string, memberId: string): Promise<void>;
  close(): Promise<void>;
}

export const text = (record: InRecord): string => record.value?.toString('utf8') ?? '';
export const texts = (records: readonly InRecord[]): string[] => records.map(text);
export const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

export const eventually = async (what: string, condition: () => boolean | Promise<boolean>): Promise<void> => {
  await expect.poll(condition, { timeout: 20_000, interval: 5, message: what }).toBe(true);
};

export const codeOf = async (promise: Promise<unknown>): Promise<string> =>
  await promise.then(
    () => 'resolved',
    (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : String(error)),
  );

/** What a reader has read so far. */
export interface Reading {
  readonly reader: OwnReader;
  readonly records: InRecord[];
  readonly positions: bigint[];
}

export const read = async (
  messaging: Messaging,
  topic: Topic,
  options: { partition?: number; isolation?: 'committed' | 'uncommitted'; from?: 'start' | 'end' | bigint } = {},
): Promise<Reading> => {
  const records: InRecord[] = [];
  const positions: bigint[] = [];
  const reader = await messaging.own({
    topic,
    partition: options.partition ?? 0,
    from: options.from ?? 'start',
    isolation: options.isolation ?? 'uncommitted',
    onRecords: (batch) => {
      records.push(...batch);
    },
    onPosition: (position) => {
      positions.push(position);
    },
    onFailed: (error) => {
      throw error;
    },
  });
  return { reader, records, positions };
};

/** A member that keeps what it was told. */
export class Member {
  readonly log: string[] = [];
  readonly records: InRecord[] = [];
  readonly assigned: Assignment[] = [];
  readonly lost: Assignment[] = [];
  membership: Membership | undefined;

  get joined(): Membership {
    if (this.membership === undefined) throw new Error('The member has not joined.');
    return this.membership;
  }

  get partitions(): number[] {
    return this.joined.assignments.map((each) => each.partition).sort((left, right) => left - right);
  }

  owned(partition: number): Assignment {
    const found = this.assigned.findLast((each) => each.partition === partition);
    if (found === undefined) throw new Error(`Partition ${partition} was never assigned.`);
    return found;
  }

  async join(
    messaging: Messaging,
    options: Partial<JoinOptions> & Pick<JoinOptions, 'group' | 'topics'>,
  ): Promise<this> {
    this.membership = await messaging.join({
      onAssigned: (assignment) => {
        this.assigned.push(assignment);
        this.log.push(`assigned ${assignment.partition}`);
      },
      onRecords: (_assignment, records) => {
        this.records.push(...records);
      },
      onRevoked: async (assignment) => {
        this.log.push(`revoked ${assignment.partition}`);
        await Promise.resolve();
      },
      onLost: (assignment) => {
        this.lost.push(assignment);
        this.log.push(`lost ${assignment.partition}`);
      },
      onFailed: (error) => {
        this.log.push(`failed ${error.message}`);
      },
      ...options,
    });
    return this;
  }
}

export const out = (topic: Topic, value: string | Buffer | null, more: Partial<OutRecord> = {}): OutRecord => ({
  topic,
  partition: 0,
  key: null,
  value: typeof value === 'string' ? Buffer.from(value) : value,
  headers: [],
  ...more,
});

export const offsetOf = (assignment: Assignment, offset: bigint, metadata = ''): PartitionOffset => ({
  assignment,
  offset,
  metadata,
});

/** The log under test, open while the suite runs, and topics that no other test uses. */
export class Suite {
  readonly #open: () => Promise<MessagingUnderTest>;
  #rig: MessagingUnderTest | undefined;
  #made = 0;

  constructor(open: () => Promise<MessagingUnderTest>) {
    this.#open = open;
  }

  get rig(): MessagingUnderTest {
    if (this.#rig === undefined) throw new Error('The log under test is not open.');
    return this.#rig;
  }

  get messaging(): Messaging {
    return this.rig.messaging;
  }

  async open(): Promise<void> {
    this.#rig = await this.#open();
  }

  async close(): Promise<void> {
    await this.#rig?.close();
  }

  async freshTopic(partitions = 1): Promise<Topic> {
    this.#made += 1;
    const topic: Topic = {
      name: `conformance.${this.#made}.v1`,
      contract: null,
      key: 'any',
      partitions,
      cleanup: 'delete',
      retentionMs: 3_600_000,
    };
    expect(await this.messaging.admin.ensureTopics([topic])).toEqual([]);
    return topic;
  }

  async fill(topic: Topic, values: readonly string[], partition = 0): Promise<void> {
    const appender = await this.messaging.appender({ name: 'fill' });
    await Promise.all(values.map(async (value) => await appender.append(out(topic, value, { partition }))));
    await appender.close();
  }
}
