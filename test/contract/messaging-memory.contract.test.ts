import { createMemoryBroker } from '../../src/messaging/memory/broker.ts';
import { createMemoryMessaging } from '../../src/messaging/memory/memory-messaging.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { messagingConformance } from '../conformance/messaging/suite.ts';

messagingConformance('the log in memory', async () => {
  const broker = createMemoryBroker({ clock: systemClock });
  const messaging = createMemoryMessaging({ broker });
  return await Promise.resolve({
    messaging,
    another: async () => await Promise.resolve(createMemoryMessaging({ broker })),
    appendForeign: async (record) => {
      // The sender's clock never reaches the log: it stamps records itself.
      broker.append(record, record.partition ?? 0);
      await Promise.resolve();
    },
    expel: async (group, memberId) => {
      broker.group(group).expel(memberId);
      await Promise.resolve();
    },
    close: async () => {
      await messaging.close();
    },
  });
});
