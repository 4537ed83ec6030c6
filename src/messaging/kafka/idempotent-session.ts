import { initProducerIdV5 } from '@platformatic/kafka';
import { type Cluster, codeError } from './cluster.ts';
import type { ProducerIdentity } from './partition-line.ts';
import type { ProducerSession } from './producer.ts';

const unused = { transactionTimeoutMs: 60_000, producerId: -1n, epoch: -1 };

/** A plain idempotent producer: one identity, replaced when its sequences cannot go on. */
export const createIdempotentSession = (cluster: Cluster): ProducerSession => {
  let identity: ProducerIdentity | null = null;
  let starting: Promise<ProducerIdentity> | null = null;

  const start = async (): Promise<ProducerIdentity> => {
    const response = await cluster.any(
      async (link) =>
        await link.call(initProducerIdV5, null, unused.transactionTimeoutMs, unused.producerId, unused.epoch),
    );
    if (response.errorCode !== 0) throw codeError(response.errorCode, 'registering a producer');
    identity = { producerId: response.producerId, epoch: response.producerEpoch };
    return identity;
  };

  const broken = (of: ProducerIdentity | null): void => {
    if (identity === of) identity = null;
  };

  return {
    transactionalId: null,
    prepare: async () => {
      if (identity !== null) return identity;
      starting ??= start().finally(() => {
        starting = null;
      });
      return await starting;
    },
    broken,
    gaveUp: () => {},
    // Without a transactional id nobody takes over: the broker forgot the producer.
    fenced: (of) => {
      broken(of);
      return Promise.resolve(null);
    },
  };
};
