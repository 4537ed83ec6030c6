import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limits } from '../kernel/limits.ts';
import { decodeOffsetMetadata, encodeOffsetMetadata, offsetSpanMax } from './offset-metadata.ts';
import { createOffsetTracker, type Taken } from './offset-tracker.ts';

describe('the offset tracker', () => {
  it('agrees with a plain set of unfinished offsets, whatever the order of finishing', () => {
    const steps = fc.array(fc.record({ gap: fc.nat(3), finish: fc.nat(20) }), { maxLength: 200 });
    fc.assert(
      fc.property(steps, (given) => {
        const tracker = createOffsetTracker({ next: 5 });
        const open: Taken[] = [];
        for (const { gap, finish } of given) {
          open.push(tracker.take(tracker.next + gap));
          for (const taken of open.splice(finish % open.length, finish % 3)) tracker.finish(taken);
          expect(tracker.holes()).toEqual(open.map((taken) => taken.offset));
          expect(tracker.unfinished).toBe(open.length);
          expect(tracker.lowWater).toBe(open[0]?.offset ?? tracker.next);
        }
      }),
    );
  });

  it('restores the holes of an earlier owner and counts them as unfinished', () => {
    const holes: Taken[] = [];
    const tracker = createOffsetTracker({ next: 10, holes: [3, 7] }, (taken) => holes.push(taken));
    expect([tracker.lowWater, tracker.next, tracker.unfinished]).toEqual([3, 10, 2]);
    for (const taken of holes) tracker.finish(taken);
    expect([tracker.lowWater, tracker.unfinished]).toEqual([10, 0]);
  });

  it('refuses an offset that was taken before', () => {
    const tracker = createOffsetTracker({ next: 0 });
    tracker.take(4);
    expect(() => tracker.take(4)).toThrow(RangeError);
  });
});

describe('the metadata of commits', () => {
  const ascending = fc.uniqueArray(fc.nat(1_000_000), { maxLength: 300 }).map((all) => all.sort((a, b) => a - b));

  it('comes back as it was written', () => {
    const metadata = fc.record({
      owner: fc.string(),
      drained: fc.boolean(),
      holes: ascending,
      marked: fc.option(fc.nat(1_000_000)),
      blamed: fc.dictionary(fc.nat(1_000_000).map(String), fc.integer({ min: 1, max: 9 }), { maxKeys: 5 }),
    });
    fc.assert(
      fc.property(fc.nat(2 ** 40), metadata, (offset, given) => {
        const written = {
          owner: given.owner,
          drained: given.drained,
          next: offset + 1_000_001,
          holes: given.holes.map((gap) => offset + gap),
          marked: given.marked === null ? null : offset + given.marked,
          blamed: new Map(Object.entries(given.blamed).map(([gap, count]) => [offset + Number(gap), count])),
        };
        expect(decodeOffsetMetadata(offset, encodeOffsetMetadata(offset, written))).toEqual(written);
      }),
    );
  });

  it('fits the broker with as many holes as may be, over the widest span', () => {
    // 495 gaps of four characters and the rest of three use the span up: the worst that can be.
    const holes: number[] = [];
    let offset = 0;
    for (let at = 0; at < limits.inFlightPerPartition; at += 1) {
      offset += at < 495 ? 32_769 : 1_025;
      holes.push(offset);
    }
    const owner = 'executor-'.padEnd(120, 'x');
    const blamed = new Map(holes.slice(0, 8).map((hole) => [hole, 1]));
    const text = encodeOffsetMetadata(0, { owner, drained: false, next: offsetSpanMax, holes, marked: 1, blamed });
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(limits.commitMetadataBytes);
  });

  it('leaves the metadata of other tools alone', () => {
    for (const text of ['', 'none', 'm1', 'm1.x.A....o', 'm1.u.!....o', 'm2.u.A....o']) {
      expect(decodeOffsetMetadata(0, text)).toBeUndefined();
    }
  });
});
