// Kafka as the floor uses it: acks=all, idempotent, one produce in flight; what arrives meanwhile goes out as one batch.
import { Consumer, Producer } from '@platformatic/kafka';

const { KAFKA, SASL_USERNAME, SASL_PASSWORD } = process.env;
const connection = {
  bootstrapBrokers: [KAFKA],
  ...(SASL_USERNAME ? { sasl: { mechanism: 'SCRAM-SHA-512', username: SASL_USERNAME, password: SASL_PASSWORD } } : {}),
};

export function batcher(clientId) {
  const producer = new Producer({ ...connection, clientId, acks: -1, idempotent: true, autocreateTopics: false });
  let gathered = [];
  let flying = false;
  const kick = () => {
    if (flying || gathered.length === 0) return;
    flying = true;
    setImmediate(() => {
      const messages = gathered;
      gathered = [];
      producer.send({ messages, acks: -1, idempotent: true }, (error) => {
        if (error) console.error(error);
        flying = false;
        kick();
      });
    });
  };
  return (message) => {
    gathered.push(message);
    kick();
  };
}

export async function consume(name, topic, mode, onMessage) {
  const consumer = new Consumer({
    ...connection,
    groupId: `floor-${name}-${Date.now()}`,
    clientId: name,
    minBytes: 1,
    maxWaitTime: 500,
    autocommit: 1000,
    highWaterMark: 65536,
  });
  const stream = await consumer.consume({ topics: [topic], mode });
  stream.on('data', onMessage);
}
