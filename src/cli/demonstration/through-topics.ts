import { randomUUID } from 'node:crypto';
import { type Consumer, type EachMessagePayload, type IHeaders, Kafka, logLevel } from 'kafkajs';
import { getPosition } from 'suncalc';
import { CliError } from '../cli-error.ts';
import type { TopicAccess } from '../commands/topics.ts';
import type { Terminal } from '../terminal.ts';
import type { Quake } from './quakes.ts';

/** What the sun_moon algorithm answers for one quake. */
interface SunMoon {
  readonly altitude: number;
  readonly dark: boolean;
}

/** Figures of one run of the topic half. */
export interface TopicsSummary {
  readonly sent: number;
  readonly answered: number;
  readonly failed: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly strong: number;
  readonly strongInTheDark: number;
  readonly sampled: number;
  readonly sampledEqual: number;
}

const answersWithinMs = 120_000;

const header = (headers: IHeaders | undefined, name: string): string => {
  const value = headers?.[name];
  return value === undefined ? '' : ((Array.isArray(value) ? value[0] : value)?.toString() ?? '');
};

/** Collects the replies that were caused by the records of this run. */
class Replies {
  readonly answers = new Map<string, SunMoon>();
  readonly failures = new Map<string, string>();
  readonly #wanted: ReadonlySet<string>;

  constructor(wanted: ReadonlySet<string>) {
    this.#wanted = wanted;
  }

  get count(): number {
    return this.answers.size + this.failures.size;
  }

  take({ message }: EachMessagePayload): void {
    const cause = header(message.headers, 'ce_causationid');
    if (!this.#wanted.has(cause)) return;
    const body: unknown = JSON.parse(message.value?.toString('utf8') ?? 'null');
    if (header(message.headers, 'ce_type').endsWith('failed')) this.failures.set(cause, JSON.stringify(body));
    else this.answers.set(cause, body as SunMoon);
  }
}

const connect = (access: TopicAccess): Kafka =>
  new Kafka({
    clientId: 'millrace-demonstration',
    brokers: [...access.brokers],
    sasl: { mechanism: 'scram-sha-512', username: access.username, password: access.password },
    logLevel: logLevel.NOTHING,
  });

const publish = async (
  kafka: Kafka,
  access: TopicAccess,
  calls: ReadonlyMap<string, Quake>,
  subject: string,
): Promise<void> => {
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  const messages = [...calls].map(([id, quake]) => ({
    key: quake.id,
    value: JSON.stringify({ lat: quake.lat, lng: quake.lng, time: quake.timeMs }),
    headers: {
      ce_specversion: '1.0',
      ce_id: id,
      ce_source: 'earthquake.usgs.gov',
      ce_type: 'earthquake',
      ce_subject: subject,
      'content-type': 'application/json',
    },
  }));
  for (let at = 0; at < messages.length; at += 500)
    await producer.send({ topic: access.inbox, messages: messages.slice(at, at + 500) });
  await producer.disconnect();
};

const waitFor = async (replies: Replies, wanted: number, terminal: Terminal): Promise<void> => {
  const begin = performance.now();
  while (replies.count < wanted) {
    if (performance.now() - begin > answersWithinMs) {
      throw new CliError(
        `${replies.count} of ${wanted} earthquakes were answered within ${answersWithinMs / 1000} s. See: millrace status, millrace dead list`,
      );
    }
    const done = Math.round((replies.count / wanted) * 40);
    terminal.progress(`  topic    ${'█'.repeat(done)}${'░'.repeat(40 - done)} ${replies.count} of ${wanted}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

const summarise = (calls: ReadonlyMap<string, Quake>, replies: Replies, seconds: number): TopicsSummary => {
  const answered = [...calls].flatMap(([id, quake]) => {
    const answer = replies.answers.get(id);
    return answer === undefined ? [] : [{ quake, answer }];
  });
  const strong = answered.filter(({ quake }) => quake.magnitude >= 5);
  const sample = answered
    .filter((_, index) => index % Math.max(1, Math.floor(answered.length / 200)) === 0)
    .slice(0, 200);
  const equal = sample.filter(
    ({ quake, answer }) => getPosition(new Date(quake.timeMs), quake.lat, quake.lng).altitude === answer.altitude,
  );
  return {
    sent: calls.size,
    answered: answered.length,
    failed: replies.failures.size,
    seconds,
    perSecond: Math.round(replies.count / seconds),
    strong: strong.length,
    strongInTheDark: strong.filter(({ answer }) => answer.dark).length,
    sampled: sample.length,
    sampledEqual: equal.length,
  };
};

const joined = async (consumer: Consumer): Promise<void> => {
  await new Promise<void>((resolve) => {
    consumer.on(consumer.events.GROUP_JOIN, () => resolve());
  });
};

/** Publishes every quake to the account's inbox and reads the answers from its replies: the broker alone, no HTTP. */
export const throughTopics = async (options: {
  readonly access: TopicAccess;
  readonly quakes: readonly Quake[];
  readonly subject: string;
  readonly terminal: Terminal;
}): Promise<TopicsSummary> => {
  const { access, quakes, subject, terminal } = options;
  const run = randomUUID().slice(0, 8);
  const calls = new Map(quakes.map((quake) => [`${run}-${quake.id}`, quake]));
  const replies = new Replies(new Set(calls.keys()));
  const kafka = connect(access);
  const consumer = kafka.consumer({ groupId: `${access.group_prefix}demonstration-${run}`, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topic: access.replies, fromBeginning: true });
  const ready = joined(consumer);
  await consumer.run({
    autoCommit: false,
    eachMessage: (payload) => {
      replies.take(payload);
      return Promise.resolve();
    },
  });
  await ready;
  const begin = performance.now();
  await publish(kafka, access, calls, subject);
  await waitFor(replies, calls.size, terminal);
  const seconds = (performance.now() - begin) / 1000;
  await consumer.disconnect();
  return summarise(calls, replies, seconds);
};
