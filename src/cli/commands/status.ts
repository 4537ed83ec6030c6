import { setTimeout as pause } from 'node:timers/promises';
import { type Command, type Invocation } from '../command.ts';
import { readReservations, reservationHeads, reservationRows } from './reserve.ts';

const help = `Usage: millrace status [--watch]

Shows every process that is alive, its slots and queue, the lag of every group and what differs from the declared
topics. Needs an administrator's key.`;

interface Process {
  readonly process: string;
  readonly roles: readonly string[];
  readonly pool: string | null;
  readonly slots: number;
  readonly busy: number;
  readonly warm: number;
  readonly queued: number;
  readonly memory_bytes: number;
  readonly last_error: string | null;
}

interface Status {
  readonly broker: { readonly brokers: readonly string[]; readonly reachable: boolean };
  readonly processes: readonly Process[];
  readonly lag: readonly { readonly group: string; readonly topic: string; readonly records: number }[];
  readonly mismatches: readonly {
    readonly topic: string;
    readonly property: string;
    readonly declared: string;
    readonly actual: string;
  }[];
}

const show = async ({ client, terminal }: Invocation): Promise<void> => {
  const status = (await client.json('GET', '/v1/status')) as Status;
  const reservations = await readReservations({ client });
  if (terminal.json) {
    terminal.value({ ...status, reservations });
    return;
  }
  terminal.line(`broker ${status.broker.brokers.join(',')} ${status.broker.reachable ? 'up' : 'DOWN'}`);
  terminal.table(
    ['PROCESS', 'ROLES', 'POOL', 'SLOTS', 'WARM', 'QUEUED', 'MEMORY', 'LAST ERROR'],
    status.processes.map((each) => [
      each.process,
      each.roles.join(' '),
      each.pool ?? '-',
      each.pool === null ? '-' : `${each.busy}/${each.slots}`,
      each.pool === null ? '-' : String(each.warm),
      String(each.queued),
      `${(each.memory_bytes / 2 ** 20).toFixed(0)} MiB`,
      each.last_error ?? '-',
    ]),
  );
  if (status.lag.length > 0)
    terminal.table(
      ['GROUP', 'TOPIC', 'LAG'],
      status.lag.map((each) => [each.group, each.topic, String(each.records)]),
    );
  if (reservations.length > 0) terminal.table([...reservationHeads], reservationRows(reservations));
  for (const each of status.mismatches) {
    terminal.line(terminal.red(`topic ${each.topic}: ${each.property} is ${each.actual}, declared ${each.declared}`));
  }
};

export const statusCommand: Command = {
  name: 'status',
  summary: 'show processes, slots and lag',
  help,
  options: { watch: { type: 'boolean' } },
  run: async (invocation) => {
    await show(invocation);
    if (invocation.options['watch'] !== true) return;
    try {
      for (;;) {
        await pause(2000, undefined, { signal: invocation.signal });
        await show(invocation);
      }
    } catch (error) {
      if (!invocation.signal.aborted) throw error;
    }
  },
};
