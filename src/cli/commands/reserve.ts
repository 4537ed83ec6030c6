import { type Command, type Invocation, parseReference, textOption, usageError } from '../command.ts';

const help = `Usage: millrace reserve OWNER/ALGO[/VERSION] --min N [--account A]
       millrace reserve OWNER/ALGO[/VERSION] --remove [--account A]
       millrace reserve

Keeps N sandboxes of a version warm on each executor of its pool, for the calls of one account (default: yours), whether
anybody calls or not. Where sandboxes are not kept apart by account, they take everybody's calls. Without an algorithm
it lists what is reserved. Needs an administrator's key.`;

interface Reservation {
  readonly algorithm: string;
  readonly version: string | null;
  readonly build: string;
  readonly account: string;
  readonly min: number;
  readonly warm: number;
}

/** Rows of a table of reservations. */
export const reservationRows = (reservations: readonly Reservation[]): readonly (readonly string[])[] =>
  reservations.map((each) => [
    `${each.algorithm}@${each.version ?? each.build.slice(0, 12)}`,
    each.account,
    String(each.min),
    String(each.warm),
  ]);
export const reservationHeads = ['RESERVED', 'ACCOUNT', 'MIN', 'WARM'] as const;

/** What is reserved now. */
export const readReservations = async ({ client }: Pick<Invocation, 'client'>): Promise<readonly Reservation[]> =>
  (await client.json('GET', '/v1/reservations')) as readonly Reservation[];

const minOf = (options: Invocation['options']): number => {
  if (options['remove'] === true) return 0;
  const text = textOption(options, 'min') ?? '';
  const min = /^\d+$/.test(text) ? Number(text) : 0;
  if (min >= 1 && min <= 64) return min;
  throw usageError('reserve', 'give --min N with a number from 1 to 64, or --remove');
};

const run = async (invocation: Invocation): Promise<void> => {
  const { client, terminal, words, options } = invocation;
  const [reference] = words;
  if (reference === undefined) {
    const reservations = await readReservations(invocation);
    if (terminal.json) terminal.value(reservations);
    else if (reservations.length === 0) terminal.line('nothing is reserved');
    else terminal.table([...reservationHeads], reservationRows(reservations));
    return;
  }
  const { owner, name, version } = parseReference('reserve', reference);
  const account = textOption(options, 'account');
  const min = minOf(options);
  const algorithm = [owner, name, ...(version === null ? [] : [version])].join('/');
  const body = { algorithm, min, ...(account === undefined ? {} : { account }) };
  const made = (await client.json('POST', '/v1/reservations', body)) as Reservation;
  if (terminal.json) terminal.value(made);
  else terminal.line(`${made.algorithm}@${made.version ?? made.build}: ${made.min} kept warm for ${made.account}`);
};

export const reserveCommand: Command = {
  name: 'reserve',
  summary: 'keep sandboxes of a version warm',
  help,
  options: { min: { type: 'string' }, account: { type: 'string' }, remove: { type: 'boolean' } },
  run,
};
