import { createRunTokens } from '../accounts/run-token.ts';
import { createIngress } from '../ingress/create.ts';
import { platformTopics } from '../kernel/topics.ts';
import { createOwnRegistry } from '../messaging/registry/own-registry.ts';
import { connectRedis, type Redis } from '../platform/redis/redis.ts';
import type { AllConfig } from './configuration.ts';
import type { Foundation } from './foundation.ts';
import { ensurePlatformSecret } from './platform-secret.ts';
import type { Role } from './role.ts';

/** What the ingresses share, when the configuration names it. */
const openRedis = async ({ logger }: Foundation, config: AllConfig): Promise<Redis | null> => {
  const url = config.MILLRACE_REDIS_URL?.reveal();
  const keyPrefix = `${config.MILLRACE_TOPIC_PREFIX}millrace:`;
  return url === undefined ? null : await connectRedis({ url, keyPrefix, logger });
};

/** The ingress role: the HTTP API. */
export const createIngressRole = async (foundation: Foundation, config: AllConfig): Promise<Role> => {
  const { connection } = foundation;
  const redis = await openRedis(foundation, config);
  const ingress = createIngress({
    ...foundation,
    redis,
    runTokens: createRunTokens(await ensurePlatformSecret(config)),
    registry: createOwnRegistry({
      topics: platformTopics(config.MILLRACE_POOLS),
      fullName: (topic) => foundation.messaging.admin.fullName(topic),
    }),
    broker: { brokers: connection.brokers, mechanism: connection.sasl?.mechanism ?? 'none' },
    pools: config.MILLRACE_POOLS,
    config,
  });
  return {
    name: 'ingress',
    checks: [{ name: 'ingress', check: () => (ingress.ready ? undefined : 'a call could not be answered') }],
    address: () => ingress.address,
    start: async () => await ingress.start(),
    stop: async () => {
      await ingress.stop();
      redis?.close();
    },
  };
};
