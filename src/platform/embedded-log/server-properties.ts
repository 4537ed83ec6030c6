import { controllerUsername, type EmbeddedLogCredentials } from './credentials.ts';

/** What distinguishes one embedded log from another. */
export interface ServerSettings {
  /** Port for clients; the controller listens on the next one. Both on 127.0.0.1. */
  readonly port: number;
  /** Folder of the partitions. */
  readonly dataFolder: string;
  readonly credentials: EmbeddedLogCredentials;
}

const scramLogin = 'org.apache.kafka.common.security.scram.ScramLoginModule required';
const plainLogin = 'org.apache.kafka.common.security.plain.PlainLoginModule required';

/** Nobody connects unauthenticated, the controller included; what an account may do, its ACLs say. */
const security = ({ credentials }: ServerSettings): Record<string, string> => {
  const { username, password, controllerPassword } = credentials;
  return {
    'listener.security.protocol.map': 'CLIENT:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT',
    'listener.name.client.sasl.enabled.mechanisms': 'SCRAM-SHA-512',
    'listener.name.client.scram-sha-512.sasl.jaas.config': `${scramLogin} username="${username}" password="${password}";`,
    'sasl.mechanism.inter.broker.protocol': 'SCRAM-SHA-512',
    'listener.name.controller.sasl.enabled.mechanisms': 'PLAIN',
    'listener.name.controller.plain.sasl.jaas.config': `${plainLogin} username="${controllerUsername}" password="${controllerPassword}" user_${controllerUsername}="${controllerPassword}";`,
    'sasl.mechanism.controller.protocol': 'PLAIN',
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': `User:${username};User:${controllerUsername}`,
    'allow.everyone.if.no.acl.found': 'false',
  };
};

const network = ({ port }: ServerSettings): Record<string, string> => ({
  'process.roles': 'broker,controller',
  'node.id': '1',
  'controller.quorum.voters': `1@127.0.0.1:${port + 1}`,
  listeners: `CLIENT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${port + 1}`,
  'advertised.listeners': `CLIENT://127.0.0.1:${port}`,
  'controller.listener.names': 'CONTROLLER',
  'inter.broker.listener.name': 'CLIENT',
});

/** A dead broker is back, a dead member replaced and a dead producer's transaction ended within seconds, not minutes. */
const liveness: Record<string, string> = {
  'broker.session.timeout.ms': '1500',
  'broker.heartbeat.interval.ms': '300',
  'group.consumer.session.timeout.ms': '3000',
  'group.consumer.min.session.timeout.ms': '1000',
  'group.consumer.heartbeat.interval.ms': '500',
  'group.consumer.min.heartbeat.interval.ms': '200',
  'group.min.session.timeout.ms': '1000',
  'group.initial.rebalance.delay.ms': '0',
  'transaction.max.timeout.ms': '60000',
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': '1000',
};

/** One machine, one copy of everything, and a share of its memory. */
const size: Record<string, string> = {
  'num.partitions': '1',
  'default.replication.factor': '1',
  'min.insync.replicas': '1',
  'offsets.topic.num.partitions': '4',
  'offsets.topic.replication.factor': '1',
  'transaction.state.log.num.partitions': '4',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  // Offsets are committed in the batches of their clients already; lingering for more holds every transaction up.
  'group.coordinator.append.linger.ms': '0',
  'num.network.threads': '2',
  'num.io.threads': '4',
  'num.recovery.threads.per.data.dir': '2',
  // The default of 128 MB is taken from the heap at start, whether there is much to compact or not.
  'log.cleaner.dedupe.buffer.size': String(16 * 1024 * 1024),
};

const records: Record<string, string> = {
  'auto.create.topics.enable': 'false',
  // With a client's own time, an old record is deleted at the next retention check.
  'log.message.timestamp.type': 'LogAppendTime',
  'message.max.bytes': String(1024 * 1024 + 12),
  'offset.metadata.max.bytes': '4096',
};

/** The broker's `server.properties`. Holds passwords: to be written for its owner only. */
export const serverProperties = (settings: ServerSettings): string => {
  const properties = {
    ...network(settings),
    'log.dirs': settings.dataFolder,
    ...security(settings),
    ...liveness,
    ...size,
    ...records,
  };
  // Backslashes are escapes in this format.
  const line = ([name, value]: [string, string]): string => `${name}=${value.replaceAll('\\', '\\\\')}\n`;
  return Object.entries(properties).map(line).join('');
};
