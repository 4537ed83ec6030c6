import { createKafkaMessaging, type KafkaMessagingOptions } from './kafka/kafka-messaging.ts';
import type { Messaging } from './messaging.ts';

/** How to reach a cluster. */
export type KafkaConnection = Pick<KafkaMessagingOptions, 'brokers' | 'sasl' | 'tls'>;

/** Opens the platform's log. Resolves when a broker answers; throws `MESSAGING_UNAVAILABLE` when none does. */
export const createMessaging = async (options: KafkaMessagingOptions): Promise<Messaging> =>
  await createKafkaMessaging(options);
