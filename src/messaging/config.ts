import { type Static, Type } from 'typebox';
import { secretVariable } from '../platform/config/secret.ts';
import type { ConfigFault } from '../platform/config/variable.ts';

/** Variables of the connection to the log. */
export const messagingConfig = Type.Object(
  {
    MILLRACE_KAFKA_BROKERS: Type.Array(Type.String({ pattern: '^[^:]+:[0-9]+$' }), {
      default: [],
      description: 'Brokers (`host:port`) of the Kafka cluster to use. Empty: the embedded Apache Kafka.',
    }),
    MILLRACE_KAFKA_SASL_MECHANISM: Type.Optional(
      Type.Enum(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'], {
        description: 'How to authenticate at these brokers. Unset: not at all.',
      }),
    ),
    MILLRACE_KAFKA_SASL_USERNAME: Type.Optional(Type.String({ description: 'User at these brokers.' })),
    MILLRACE_KAFKA_SASL_PASSWORD: secretVariable({ description: 'Password of that user.' }),
    MILLRACE_KAFKA_TLS: Type.Boolean({ default: false, description: 'Whether to speak TLS to these brokers.' }),
    MILLRACE_KAFKA_TLS_CA: Type.Optional(
      Type.String({
        description:
          'PEM file of the authority that signed their certificates. Unset: the authorities that Node knows.',
      }),
    ),
    MILLRACE_TOPIC_PREFIX: Type.String({
      default: '',
      pattern: '^[a-zA-Z0-9._-]*$',
      description:
        'Put before the name of every topic, group and transactional id, so that several installations share a cluster.',
    }),
    MILLRACE_SCHEMA_REGISTRY_URL: Type.Optional(
      Type.String({
        pattern: '^https?://',
        description:
          'Confluent-compatible schema registry where the contracts are registered at start. Unset: ids of our own, served under `/registry`.',
      }),
    ),
    MILLRACE_SCHEMA_REGISTRY_USERNAME: Type.Optional(Type.String({ description: 'User at that registry.' })),
    MILLRACE_SCHEMA_REGISTRY_PASSWORD: secretVariable({ description: 'Password of that user.' }),
    MILLRACE_REPLICATION_FACTOR: Type.Optional(
      Type.Integer({
        minimum: -1,
        maximum: 32767,
        description: "Copies of every topic. Unset: 1 on the embedded log, the cluster's own default (-1) elsewhere.",
      }),
    ),
  },
  { title: 'Connection to the log' },
);

/** Values of {@link messagingConfig}. */
export type MessagingConfig = Static<typeof messagingConfig>;

/** Rule: a mechanism needs user and password, and all three only make sense at brokers of one's own. */
export const checkMessagingConfig = (config: MessagingConfig): readonly ConfigFault[] => {
  const faults: ConfigFault[] = [];
  const needs = (variable: string, value: unknown): void => {
    if (value !== undefined) return;
    faults.push({ variable, wrong: 'is not set', expected: 'a value, because MILLRACE_KAFKA_SASL_MECHANISM is set' });
  };
  if (config.MILLRACE_KAFKA_SASL_MECHANISM !== undefined) {
    needs('MILLRACE_KAFKA_SASL_USERNAME', config.MILLRACE_KAFKA_SASL_USERNAME);
    needs('MILLRACE_KAFKA_SASL_PASSWORD', config.MILLRACE_KAFKA_SASL_PASSWORD);
  }
  if (config.MILLRACE_KAFKA_TLS_CA !== undefined && !config.MILLRACE_KAFKA_TLS) {
    faults.push({ variable: 'MILLRACE_KAFKA_TLS_CA', wrong: 'is set', expected: 'MILLRACE_KAFKA_TLS=true beside it' });
  }
  const external = ['MILLRACE_KAFKA_SASL_MECHANISM', 'MILLRACE_KAFKA_TLS'] as const;
  for (const variable of external) {
    const value = config[variable];
    if (value === undefined || value === false || config.MILLRACE_KAFKA_BROKERS.length > 0) continue;
    faults.push({
      variable,
      wrong: 'is set',
      expected: 'MILLRACE_KAFKA_BROKERS beside it; the embedded log has credentials of its own',
    });
  }
  return faults;
};
