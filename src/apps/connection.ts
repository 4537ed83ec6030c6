import { readFile } from 'node:fs/promises';
import type { MessagingConfig } from '../messaging/config.ts';
import type { KafkaConnection } from '../messaging/create.ts';
import type { EmbeddedLog } from '../platform/embedded-log/embedded-log.ts';

/** How to reach the cluster that the configuration names. */
export const externalConnection = async (config: MessagingConfig): Promise<KafkaConnection> => {
  const { MILLRACE_KAFKA_SASL_MECHANISM: mechanism, MILLRACE_KAFKA_TLS_CA: ca } = config;
  return {
    brokers: config.MILLRACE_KAFKA_BROKERS,
    ...(mechanism === undefined
      ? {}
      : {
          sasl: {
            mechanism,
            username: config.MILLRACE_KAFKA_SASL_USERNAME ?? '',
            password: config.MILLRACE_KAFKA_SASL_PASSWORD?.reveal() ?? '',
          },
        }),
    ...(config.MILLRACE_KAFKA_TLS ? { tls: ca === undefined ? {} : { ca: await readFile(ca, 'utf8') } } : {}),
  };
};

/** How to reach the embedded log. */
export const embeddedConnection = (log: EmbeddedLog): KafkaConnection => ({
  brokers: [...log.brokers],
  sasl: { mechanism: log.sasl.mechanism, username: log.sasl.username, password: log.sasl.password.reveal() },
});

/** The variables that tell another process of the same installation how to reach the log. */
export const connectionVariables = ({ brokers, sasl }: KafkaConnection): Readonly<Record<string, string>> => ({
  MILLRACE_KAFKA_BROKERS: brokers.join(','),
  ...(sasl === undefined
    ? {}
    : {
        MILLRACE_KAFKA_SASL_MECHANISM: sasl.mechanism,
        MILLRACE_KAFKA_SASL_USERNAME: sasl.username,
        MILLRACE_KAFKA_SASL_PASSWORD: sasl.password,
      }),
});
