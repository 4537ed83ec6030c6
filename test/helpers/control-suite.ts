import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accountKind, keyKind } from '../../src/accounts/accounts.ts';
import { createAccounts } from '../../src/accounts/create.ts';
import { createControl } from '../../src/control/create.ts';
import { stateKinds } from '../../src/control/indexes.ts';
import { silentLogger } from '../../src/kernel/logger.ts';
import { topics } from '../../src/kernel/topics.ts';
import { createCodec } from '../../src/messaging/codec.ts';
import { createCommands } from '../../src/messaging/command-client.ts';
import { encodeEntity } from '../../src/messaging/entity-record.ts';
import type { InRecord, Messaging } from '../../src/messaging/messaging.ts';
import type { CommandOutcome } from '../../src/messaging/state-view.ts';
import { createStateView } from '../../src/messaging/tail-state.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { adminKey, controlOptions } from './control-options.ts';

/** A log that a suite runs on. */
export interface ControlLog {
  /** A connection of its own, as another process has. All see the same log, fresh for each call of `open`. */
  connect(): Promise<Messaging>;
  /** Starts a writer that stands still between writing a transaction and committing it. */
  startStallingWriter(): Promise<{ readonly written: Promise<void>; kill(): Promise<void> }>;
  close(): Promise<void>;
}

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
};

const replyOf = (outcome: CommandOutcome): unknown => {
  if (outcome.kind === 'refused') throw new Error(`${outcome.code}: ${outcome.message}`);
  return outcome.reply;
};

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.floor((sorted.length - 1) * share)] ?? NaN;

/** What control, views and commands promise together, on any log. */
export const controlSuite = (title: string, open: () => Promise<ControlLog>): void => {
  describe(title, () => {
    let log: ControlLog;
    const codec = createCodec();

    const startWriter = async () => {
      const messaging = await log.connect();
      const failures: Error[] = [];
      const control = createControl(controlOptions(messaging, codec, (error) => failures.push(error)));
      await control.start();
      const end = async (): Promise<void> => {
        await control.stop();
        await messaging.close();
      };
      return { control, failures, end };
    };

    const startReplica = async (process: string) => {
      const messaging = await log.connect();
      const view = await createStateView({
        messaging,
        codec,
        clock: systemClock,
        logger: silentLogger,
        kinds: stateKinds,
      });
      const accounts = createAccounts({ view });
      const commands = await createCommands({
        messaging,
        codec,
        view,
        clock: systemClock,
        random: systemRandom,
        process,
      });
      await view.barrier();
      const end = async (): Promise<void> => {
        await commands.close();
        await view.close();
        await messaging.close();
      };
      const send = async (name: string, body: unknown, id: string = randomUUID()) => {
        const caller = accounts.authenticate(adminKey);
        if (caller === null) throw new Error('The admin key is unknown');
        return await commands.send({ name, body, id, actor: caller.account.name, keyId: caller.key.id });
      };
      const createUser = async (user: string, id?: string) =>
        await send('account.create', { name: user, email: null }, id);
      return { view, accounts, send, createUser, end };
    };

    /** Committed audit records that name `target`. */
    const auditsOf = async (target: string) => {
      const messaging = await log.connect();
      const ends = await messaging.admin.endOffsets(topics.audit, 'committed');
      const records: InRecord[] = [];
      for (const [partition, end] of ends.entries()) {
        const reader = await messaging.own({
          topic: topics.audit,
          partition,
          from: 'start',
          isolation: 'committed',
          onRecords: (some) => {
            records.push(...some);
          },
          onFailed: () => {},
        });
        await until(() => reader.position >= end);
        await reader.close();
      }
      await messaging.close();
      return records.map((record) => codec.decode('audit', record)).filter((audit) => audit.target === target);
    };

    beforeAll(async () => {
      log = await open();
      const messaging = await log.connect();
      await messaging.admin.ensureTopics(Object.values(topics));
      await messaging.close();
    });
    afterAll(async () => {
      await log.close();
    });

    it('makes the admin and the environments of the configuration once, over restarts', async () => {
      const first = await startWriter();
      await first.end();
      const second = await startWriter();
      await second.end();
      const replica = await startReplica('a');
      expect(replica.accounts.authenticate(adminKey)?.account.name).toBe('admin');
      expect(replica.accounts.authenticate('simWRONG')).toBeNull();
      expect([...replica.view.all(keyKind)]).toHaveLength(1);
      expect(await auditsOf('environment/python3')).toHaveLength(1);
      await replica.end();
    });

    it('answers a command when the view of who asked holds the write, and another view after its barrier', async () => {
      const writer = await startWriter();
      const [a, b] = [await startReplica('a'), await startReplica('b')];
      for (const name of ['reply1', 'reply2', 'reply3', 'reply4', 'reply5']) {
        const reply = replyOf(await a.createUser(name));
        expect(a.accounts.account(name)).toEqual(reply);
        await b.view.barrier();
        expect(b.accounts.account(name)).toEqual(reply);
      }
      expect(a.view.ready && b.view.ready).toBe(true);
      for (const each of [a, b, writer]) await each.end();
    });

    it('answers a repeated command as the first, without a second effect, also after a restart', async () => {
      const id = randomUUID();
      const first = await startWriter();
      const replica = await startReplica('a');
      const reply = replyOf(await replica.createUser('twice', id));
      expect(replyOf(await replica.createUser('twice', id))).toEqual(reply);
      await first.end();
      const second = await startWriter();
      expect(replyOf(await replica.createUser('twice', id))).toEqual(reply);
      expect(await auditsOf('account/twice')).toHaveLength(1);
      for (const each of [replica, second]) await each.end();
    });

    it('knows after a restart what was decided before', async () => {
      const first = await startWriter();
      const replica = await startReplica('a');
      replyOf(await replica.createUser('Before'));
      await first.end();
      const second = await startWriter();
      expect(await replica.createUser('before')).toMatchObject({
        kind: 'refused',
        code: 'ACCOUNTS_NAME_TAKEN',
        error: 'conflict',
        details: { vendorCode: 3003 },
      });
      const audits = await auditsOf('account/before');
      expect(audits.map(({ allowed }) => allowed).sort()).toEqual([false, true]);
      for (const each of [replica, second]) await each.end();
    });

    it('carries out commands that were sent while no writer ran', async () => {
      const replica = await startReplica('a');
      const sent = replica.createUser('early');
      const writer = await startWriter();
      replyOf(await sent);
      for (const each of [replica, writer]) await each.end();
    });

    it('is written by the newest writer only: the one before is fenced, and its work counts for nothing', async () => {
      const first = await startWriter();
      const replica = await startReplica('a');
      const starting = startWriter();
      const second = await starting;
      const sent = replica.createUser('fenced');
      const ended = until(() => first.failures.length > 0);
      await Promise.race([ended, sent]);
      await first.end();
      replyOf(await sent);
      replyOf(await replica.createUser('unfenced'));
      expect(second.failures).toEqual([]);
      expect(await auditsOf('account/fenced')).toHaveLength(1);
      for (const each of [replica, second]) await each.end();
    });

    it('leaves nothing half-made when the writer is killed between writing and committing', async () => {
      const stalling = await log.startStallingWriter();
      const replica = await startReplica('a');
      const sent = replica.createUser('halfway');
      await stalling.written;
      await replica.view.barrier();
      expect(replica.view.get(accountKind, 'halfway')).toBeUndefined();
      await stalling.kill();
      const writer = await startWriter();
      replyOf(await sent);
      expect(replica.view.get(accountKind, 'halfway')).toBeDefined();
      expect(await auditsOf('account/halfway')).toHaveLength(1);
      for (const each of [replica, writer]) await each.end();
    });

    it('answers commands in milliseconds', async () => {
      const writer = await startWriter();
      const replica = await startReplica('a');
      const durationsMs: number[] = [];
      for (let at = 0; at < 300; at += 1) {
        const startedMs = performance.now();
        replyOf(await replica.createUser(`fast${at}`));
        durationsMs.push(performance.now() - startedMs);
      }
      const sorted = durationsMs.sort((a, b) => a - b);
      const burstMs = performance.now();
      await Promise.all(Array.from({ length: 500 }, async (_, at) => replyOf(await replica.createUser(`burst${at}`))));
      const perSecond = Math.round(500_000 / (performance.now() - burstMs));
      const [p50, p99] = [percentile(sorted, 0.5), percentile(sorted, 0.99)];
      console.log(
        `${title}: command until visible p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms; ${perSecond} commands/s in a burst`,
      );
      expect(p50).toBeLessThan(250);
      for (const each of [replica, writer]) await each.end();
    });

    it('loads a hundred thousand entities in less than five seconds', async () => {
      const messaging = await log.connect();
      const appender = await messaging.appender({ name: 'filler' });
      const value = (at: number) => ({
        id: randomUUID(),
        account: `user${at % 1000}`,
        label: 'default-key',
        hash: at.toString(16).padStart(64, '0'),
        permissions: { call: ['*'], manage: true, admin: false },
        createdAtMs: at,
        revokedAtMs: null,
      });
      for (let from = 0; from < 100_000; from += 10_000) {
        const some = Array.from({ length: 10_000 }, (_, at) =>
          encodeEntity(codec, keyKind, { revision: 1, value: value(from + at) }, 0),
        );
        await Promise.all(some.map(async (record) => await appender.append(record)));
      }
      await messaging.close();
      const startedMs = performance.now();
      const replica = await startReplica('late');
      const durationMs = performance.now() - startedMs;
      console.log(`${title}: 100,000 entities in ${Math.round(durationMs)} ms`);
      expect([...replica.view.all(keyKind)].length).toBeGreaterThanOrEqual(100_000);
      expect(durationMs).toBeLessThan(5_000);
      await replica.end();
    });
  });
};
