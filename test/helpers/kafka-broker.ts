import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePortPair } from './free-ports.ts';

/** A Kafka of its own for one test file: SASL (SCRAM-SHA-512), access lists, data in a temporary folder. */
export interface TestBroker {
  /** `host:port` of the authenticated door. */
  readonly address: string;
  /** May do everything. */
  readonly superUser: { readonly mechanism: 'SCRAM-SHA-512'; readonly username: string; readonly password: string };
  /** `kill -9`; the data stay. */
  kill(): Promise<void>;
  /** Starts it again on the same data. */
  start(): Promise<void>;
  /** Ends the process and deletes the data. */
  stop(): Promise<void>;
}

const run = promisify(execFile);

const jarFolder = async (): Promise<string> => {
  const folder = join(import.meta.dirname, '..', '..', '.kafka');
  const names = await readdir(folder).catch(() => []);
  if (!names.some((name) => name.startsWith('kafka_2.13'))) {
    throw new Error(`Put the jars of Apache Kafka into ${folder}: the tests start a broker of their own.`);
  }
  return folder;
};

const properties = (port: number, insidePort: number, dataFolder: string): string => `
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${port + 1}
listeners=DOOR://127.0.0.1:${port},CONTROLLER://127.0.0.1:${port + 1},INTERNAL://127.0.0.1:${insidePort}
advertised.listeners=DOOR://127.0.0.1:${port},INTERNAL://127.0.0.1:${insidePort}
listener.security.protocol.map=DOOR:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT,INTERNAL:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=INTERNAL
log.dirs=${dataFolder}
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:admin
allow.everyone.if.no.acl.found=false
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.door.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
transaction.abort.timed.out.transaction.cleanup.interval.ms=500
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=300
auto.create.topics.enable=false
num.partitions=1
`;

const answers = async (port: number): Promise<boolean> =>
  await new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => {
      resolve(false);
    });
  });

const untilAnswers = async (port: number, broker: ChildProcess): Promise<void> => {
  while (!(await answers(port))) {
    if (broker.exitCode !== null) throw new Error(`Kafka ended with exit code ${broker.exitCode} before it was ready.`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

/** Starts a broker on `port`; the next port and a free one serve its inside. */
export const startTestBroker = async (options: { readonly port: number }): Promise<TestBroker> => {
  const { port } = options;
  const jars = join(await jarFolder(), '*');
  const folder = await mkdtemp(join(tmpdir(), 'millrace-test-kafka-'));
  const config = join(folder, 'server.properties');
  const password = randomBytes(12).toString('hex');
  await writeFile(config, properties(port, await freePortPair(), join(folder, 'data')));
  const scram = `SCRAM-SHA-512=[name=admin,password=${password}]`;
  // In one word: an id may begin with a hyphen.
  const format = [
    'format',
    `--cluster-id=${randomBytes(16).toString('base64url')}`,
    '-c',
    config,
    '--add-scram',
    scram,
  ];
  await run('java', ['-cp', jars, 'kafka.tools.StorageTool', ...format]);

  let broker: ChildProcess;
  const start = async (): Promise<void> => {
    const memory = ['-Xmx384m', '-XX:+UseSerialGC'];
    broker = spawn('java', [...memory, '-cp', jars, 'kafka.Kafka', config], { stdio: 'ignore' });
    await untilAnswers(port, broker);
  };
  const end = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<void> => {
    if (broker.exitCode !== null || broker.signalCode !== null) return;
    const exited = once(broker, 'exit');
    broker.kill(signal);
    await exited;
  };

  await start();
  return {
    address: `127.0.0.1:${port}`,
    superUser: { mechanism: 'SCRAM-SHA-512', username: 'admin', password },
    start,
    kill: async () => {
      await end('SIGKILL');
    },
    stop: async () => {
      await end('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
};
