import { createControl } from '../../src/control/create.ts';
import { createCodec } from '../../src/messaging/codec.ts';
import { createMemoryBroker } from '../../src/messaging/memory/broker.ts';
import { createMemoryMessaging } from '../../src/messaging/memory/memory-messaging.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { controlOptions } from '../helpers/control-options.ts';
import { controlSuite } from '../helpers/control-suite.ts';
import { withStallingCommit } from '../helpers/stalling-commit.ts';

controlSuite('control on the log in memory', async () => {
  const broker = createMemoryBroker({ clock: systemClock });
  return await Promise.resolve({
    connect: async () => await Promise.resolve(createMemoryMessaging({ broker })),
    startStallingWriter: async () => {
      const messaging = createMemoryMessaging({ broker });
      const { promise, resolve } = Promise.withResolvers<undefined>();
      const stalling = withStallingCommit(messaging, () => {
        resolve(undefined);
      });
      await createControl(controlOptions(stalling, createCodec(), () => {})).start();
      return {
        written: promise,
        kill: async () => {
          await Promise.resolve();
          messaging.crash();
        },
      };
    },
    close: async () => {
      await Promise.resolve();
    },
  });
});
