import type { Messaging } from '../../src/messaging/messaging.ts';

/** A door whose transactions are written but never committed: for killing who waits at exactly that place. */
export const withStallingCommit = (messaging: Messaging, onWritten: () => void): Messaging => ({
  admin: messaging.admin,
  appender: async (options) => await messaging.appender(options),
  join: async (options) => await messaging.join(options),
  own: async (options) => await messaging.own(options),
  close: async () => {
    await messaging.close();
  },
  transactor: async (options) => {
    const transactor = await messaging.transactor(options);
    return {
      append: async (record) => await transactor.append(record),
      send: (record, sink) => {
        transactor.send(record, sink);
      },
      abort: async () => {
        await transactor.abort();
      },
      close: async () => {
        await transactor.close();
      },
      commit: async (offsets) => {
        // What the configuration wants is committed; the first command is not.
        if (offsets.length === 0) {
          await transactor.commit(offsets);
          return;
        }
        onWritten();
        await new Promise<never>(() => {});
      },
    };
  },
});
