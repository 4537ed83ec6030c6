import { describe, expect, it } from 'vitest';
import { createVirtualClock } from '../../test/helpers/virtual-clock.ts';
import { silentLogger } from '../kernel/logger.ts';
import { topics } from '../kernel/topics.ts';
import { createCodec } from './codec.ts';
import { createMemoryBroker } from './memory/broker.ts';
import { createMemoryMessaging } from './memory/memory-messaging.ts';
import { createPresence, createPresenceView, type PresenceDescription } from './presence.ts';

const codec = createCodec();
const describeAs = (process: string, pool: string | null): PresenceDescription => ({
  process,
  roles: ['executor'],
  startedAtMs: 1,
  pool,
  slots: 4,
  busy: 0,
  warm: {},
  queued: 0,
  transactionalIds: [],
  endpoint: null,
  memoryBytes: 0,
  lastError: null,
});

const open = async () => {
  const clock = createVirtualClock();
  const messaging = createMemoryMessaging({ broker: createMemoryBroker({ clock }) });
  await messaging.admin.ensureTopics([topics.presence]);
  const appender = await messaging.appender({ name: 'test' });
  const openView = async () =>
    await createPresenceView({ messaging, codec, clock, onFailed: (error) => expect.fail(error.message) });
  const writer = (process: string, pool: string | null) =>
    createPresence({ appender, codec, clock, logger: silentLogger, describe: () => describeAs(process, pool) });
  const appendOnce = async (process: string) => {
    const presence = { ...describeAs(process, null), atMs: clock.nowMs(), stopping: false };
    await appender.append(codec.encode(topics.presence, presence, { key: process }));
  };
  return { clock, openView, writer, appendOnce };
};

describe('presence', () => {
  it('shows who spoke within three and a half seconds, by role and pool', async () => {
    const { clock, openView, writer } = await open();
    const view = await openView();
    const [cpu, gpu] = [writer('a', 'cpu'), writer('b', 'gpu')];
    cpu.start();
    gpu.start();
    await clock.advance(1_500);
    expect(view.live().map((each) => each.process)).toEqual(['a', 'b']);
    expect(view.liveIn('executor', 'gpu').map((each) => each.process)).toEqual(['b']);
    expect(view.liveIn('builder')).toEqual([]);
    await view.close();
  });

  it('forgets at once who says that he stops', async () => {
    const { clock, openView, writer } = await open();
    const view = await openView();
    const one = writer('a', 'cpu');
    one.start();
    await clock.advance(1_200);
    const stopped = one.stop();
    await clock.advance(500);
    await stopped;
    expect(view.live()).toEqual([]);
  });

  it('knows who spoke before it was opened', async () => {
    const { clock, openView, writer } = await open();
    writer('a', 'cpu').start();
    await clock.advance(900);
    const view = await openView();
    await clock.advance(50);
    expect(view.live().map((each) => each.process)).toEqual(['a']);
  });

  it('forgets who falls silent while others speak', async () => {
    const { clock, openView, writer, appendOnce } = await open();
    const view = await openView();
    await appendOnce('a');
    writer('b', 'cpu').start();
    await clock.advance(3_400);
    expect(view.live()).toHaveLength(2);
    await clock.advance(200);
    expect(view.live().map((each) => each.process)).toEqual(['b']);
  });

  it('takes nobody for dead because the log was away, and the dead for dead soon after it is back', async () => {
    const { clock, openView, writer, appendOnce } = await open();
    const view = await openView();
    await appendOnce('a');
    await appendOnce('b');
    await clock.advance(60_000);
    expect(view.live()).toHaveLength(2);
    writer('b', 'cpu').start();
    await clock.advance(1_000);
    expect(view.live()).toHaveLength(2);
    await clock.advance(1_000);
    expect(view.live().map((each) => each.process)).toEqual(['b']);
  });
});
