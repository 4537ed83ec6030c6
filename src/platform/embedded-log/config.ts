import { Type } from 'typebox';

/** Variables of the embedded Apache Kafka. */
export const embeddedLogConfig = Type.Object(
  {
    MILLRACE_KAFKA_PORT: Type.Integer({
      default: 9092,
      minimum: 1,
      maximum: 65534,
      description:
        'Port of the embedded Apache Kafka on 127.0.0.1; its controller takes the next one. Used when `MILLRACE_KAFKA_BROKERS` is empty.',
    }),
  },
  { title: 'Embedded log' },
);
