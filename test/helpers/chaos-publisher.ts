import { Kafka, logLevel, type Message } from 'kafkajs';
import type { ChaosPlatform } from './chaos-platform.ts';

/** What an account needs to publish calls, as the API gives it. */
export interface AccountTopics {
  readonly inbox: string;
  readonly replies: string;
  readonly username: string;
  readonly password: string;
  readonly brokers: readonly string[];
}

/** A producer of the account's own: Kafka, but nothing of Millrace. */
export interface AccountPublisher {
  publish(messages: readonly Message[]): Promise<void>;
  close(): Promise<void>;
}

/** Gives the administrator's account its topics. */
export const enableTopics = async (platform: ChaosPlatform): Promise<AccountTopics> => {
  const response = await platform.api('POST', '/v1/accounts/admin/topics', { body: {} });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`no topics: ${text}`);
  return JSON.parse(text) as AccountTopics;
};

export const openPublisher = async (topics: AccountTopics): Promise<AccountPublisher> => {
  const { username, password } = topics;
  const kafka = new Kafka({
    clientId: 'chaos-account',
    brokers: [...topics.brokers],
    sasl: { mechanism: 'scram-sha-512', username, password },
    logLevel: logLevel.NOTHING,
  });
  const producer = kafka.producer();
  await producer.connect();
  return {
    publish: async (messages) => {
      await producer.send({ topic: topics.inbox, messages: [...messages] });
    },
    close: async () => {
      await producer.disconnect();
    },
  };
};
