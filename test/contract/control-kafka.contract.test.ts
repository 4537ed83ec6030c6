import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { silentLogger } from '../../src/kernel/logger.ts';
import { createKafkaMessaging } from '../../src/messaging/kafka/kafka-messaging.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createEmbeddedLog } from '../../src/platform/embedded-log/embedded-log.ts';
import { controlSuite } from '../helpers/control-suite.ts';
import { freePortPair } from '../helpers/free-ports.ts';

const root = join(import.meta.dirname, '../..');

controlSuite('control on Apache Kafka', async () => {
  const dataFolder = await mkdtemp(join(tmpdir(), 'millrace-test-control-'));
  const port = await freePortPair();
  const jarsFolder = join(root, '.kafka');
  const log = await createEmbeddedLog({ dataFolder, port, jarsFolder, clock: systemClock, logger: silentLogger });
  await log.start();
  const broker = log.brokers[0] ?? '';
  const { username, password } = log.sasl;

  return {
    connect: async () =>
      await createKafkaMessaging({
        brokers: [broker],
        sasl: { mechanism: log.sasl.mechanism, username, password: password.reveal() },
        clientId: 'control-test',
        topicPrefix: '',
        replicationFactor: 1,
        clock: systemClock,
        logger: silentLogger,
      }),
    startStallingWriter: async () => {
      const program = join(root, 'test/fixtures/control-process.ts');
      const child = spawn(process.execPath, [program, broker, username, password.reveal()], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const lines = createInterface({ input: child.stdout });
      const saying = async (text: string): Promise<void> => {
        await new Promise<void>((resolve) => {
          lines.on('line', (line) => {
            if (line === text) resolve();
          });
        });
      };
      const written = saying('written');
      await saying('started');
      return {
        written,
        kill: async () => {
          const exited = once(child, 'exit');
          child.kill('SIGKILL');
          await exited;
        },
      };
    },
    close: async () => {
      await log.stop();
      await rm(dataFolder, { recursive: true, force: true });
    },
  };
});
