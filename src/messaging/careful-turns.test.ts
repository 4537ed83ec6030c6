import { expect, it } from 'vitest';
import { createCarefulTurns, type Turn } from './careful-turns.ts';

/** Takes turns and notes who got one, in order. */
const open = () => {
  const turns = createCarefulTurns();
  const begun: string[] = [];
  const take = async (name: string, alone: boolean): Promise<Turn> => {
    const turn = await turns.take(alone);
    begun.push(name);
    return turn;
  };
  return { take, begun };
};

it('lets records that nobody suspects be open together', async () => {
  const { take, begun } = open();
  await Promise.all([take('a', false), take('b', false)]);
  expect(begun).toEqual(['a', 'b']);
});

it('opens a suspect when nothing else is open, and nothing else while it is', async () => {
  const { take, begun } = open();
  const first = await take('a', false);
  const suspect = take('suspect', true);
  const later = take('b', false);
  const other = take('other suspect', true);
  expect(begun).toEqual(['a']);
  first.release();
  const alone = await suspect;
  expect(begun).toEqual(['a', 'suspect']);
  alone.release();
  alone.release();
  (await later).release();
  await other;
  expect(begun).toEqual(['a', 'suspect', 'b', 'other suspect']);
});
