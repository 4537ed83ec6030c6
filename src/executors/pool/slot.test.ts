import { describe, expect, it } from 'vitest';
import { classKeyOf } from './class-key.ts';
import { begin, cold, drain, drainAfter, finish, gone, measured, prepare, prepared } from './slot.ts';

const build = { algorithmId: 'a1', hash: 'b1' };

describe('a slot', () => {
  it('lives from cold to gone and counts the runs of its sandbox', () => {
    const preparing = prepare(cold(3), { classKey: 'k', memoryBytes: 10, nowMs: 1 });
    const warm = prepared(preparing, 2);
    const busy = begin(warm, 3);
    const again = finish(busy, 4);
    expect(again).toEqual({ ...warm, idleSinceMs: 4, runs: 1 });
    expect(gone(drain(again, 'idle'))).toEqual({ state: 'gone', id: 3 });
  });

  it('keeps the first reason for which it will be ended', () => {
    const busy = begin(prepared(prepare(cold(0), { classKey: 'k', memoryBytes: 10, nowMs: 1 }), 2), 3);
    expect(drainAfter(drainAfter(busy, 'yield'), 'stopping').drain).toBe('yield');
  });

  it('takes over what its sandbox was measured to use', () => {
    expect(measured(prepare(cold(0), { classKey: 'k', memoryBytes: 10, nowMs: 1 }), 99).memoryBytes).toBe(99);
  });
});

describe('the class of a call', () => {
  it('holds the account when sandboxes are kept apart by account', () => {
    expect(classKeyOf(build, 'account', 'ann')).toBe('b1@a1/ann');
  });

  it('is the same for all accounts when sandboxes are shared', () => {
    expect(classKeyOf(build, 'shared', 'ann')).toBe(classKeyOf(build, 'shared', 'bob'));
  });
});
