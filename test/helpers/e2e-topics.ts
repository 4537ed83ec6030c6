import { type Consumer, type IHeaders, Kafka, logLevel, type Producer } from 'kafkajs';
import { eventually } from './e2e-client.ts';

/** What `millrace topics --json` prints. */
export interface TopicAccess {
  readonly inbox: string;
  readonly replies: string;
  readonly username: string;
  readonly password: string;
  readonly mechanism: string;
  readonly brokers: readonly string[];
  readonly group_prefix: string;
}

/** A reply as it was read. */
export interface Reply {
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

export interface Sent {
  readonly headers: Readonly<Record<string, string>>;
  readonly value: string | Buffer | null;
}

/** An account's own client of the broker. */
export interface TopicClient {
  readonly kafka: Kafka;
  /** Publishes to the inbox, or to `topic`. */
  readonly send: (records: readonly Sent[], topic?: string) => Promise<void>;
  /** The reply to the record with that `ce_id`. */
  readonly replyTo: (id: string) => Promise<Reply>;
  readonly close: () => Promise<void>;
}

/** Headers of a call. */
export const callHeaders = (id: string, subject: string, contentType = 'application/json'): Record<string, string> => ({
  ce_specversion: '1.0',
  ce_id: id,
  ce_source: 'e2e',
  ce_type: 'call',
  ce_subject: subject,
  'content-type': contentType,
});

const texts = (headers: IHeaders | undefined): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers ?? {}).map(([name, value]) => [
      name,
      (Array.isArray(value) ? value[0] : value)?.toString() ?? '',
    ]),
  );

/** Connects with an account's credentials; nothing is retried, so a refusal is seen at once. */
export const connectTopics = (access: Pick<TopicAccess, 'brokers' | 'username' | 'password'>): Kafka =>
  new Kafka({
    clientId: 'e2e',
    brokers: [...access.brokers],
    sasl: { mechanism: 'scram-sha-512', username: access.username, password: access.password },
    logLevel: logLevel.NOTHING,
    retry: { retries: 3, initialRetryTime: 50 },
  });

const readReplies = async (consumer: Consumer, topic: string): Promise<readonly Reply[]> => {
  const replies: Reply[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      replies.push({ headers: texts(message.headers), text: message.value?.toString('utf8') ?? '' });
      await Promise.resolve();
    },
  });
  return replies;
};

/** Makes the client; it reads the account's replies from the beginning on. */
export const createTopicClient = async (access: TopicAccess): Promise<TopicClient> => {
  const kafka = connectTopics(access);
  const producer: Producer = kafka.producer({ allowAutoTopicCreation: false });
  const consumer = kafka.consumer({ groupId: `${access.group_prefix}e2e`, maxWaitTimeInMs: 100 });
  await producer.connect();
  const replies = await readReplies(consumer, access.replies);
  return {
    kafka,
    send: async (records, topic = access.inbox) => {
      await producer.send({ topic, messages: records.map(({ headers, value }) => ({ headers, value })) });
    },
    replyTo: async (id) =>
      await eventually(
        async () => await Promise.resolve(replies.find(({ headers }) => headers['ce_causationid'] === id)),
        {
          what: `the reply to ${id}`,
          withinMs: 40_000,
        },
      ),
    close: async () => {
      await consumer.disconnect();
      await producer.disconnect();
    },
  };
};
