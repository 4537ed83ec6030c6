import { describe, expect, it } from 'vitest';
import { limits } from './limits.ts';
import { topics } from './topics.ts';

/** The broker's `message.max.bytes`, as shipped. */
const brokerBatchBytes = 1_048_588;

describe('limits', () => {
  it('are positive whole numbers', () => {
    expect(Object.entries(limits).filter(([, value]) => !Number.isSafeInteger(value) || value <= 0)).toEqual([]);
  });

  it('let a body that stands in a record stand in a batch, beside everything else of the record', () => {
    expect(limits.inlineBodyBytes + 4 * limits.logBytesPerRun).toBeLessThan(limits.batchBytes);
    expect(limits.batchBytes).toBeLessThan(brokerBatchBytes);
  });

  it('send bodies of every allowed size by reference when they are too large to stand in a record', () => {
    expect(limits.inlineBodyBytes).toBeLessThan(Math.min(limits.requestBodyBytes, limits.resultBodyBytes));
  });

  it('keep bodies longer than the records that name them', () => {
    expect(limits.bodiesKeptMs).toBeGreaterThan(2 * topics.results.retentionMs);
  });

  it('remember the ids of more records than may be unfinished', () => {
    expect(limits.recentIdsPerPartition).toBeGreaterThan(limits.inFlightPerPartition);
  });

  it('hold the settled results of an interval in the queue of one appender', () => {
    expect(limits.appendQueueRecords).toBeGreaterThan(12 * limits.inFlightPerPartition);
    expect(limits.appendQueueBytes).toBeGreaterThan(100 * limits.batchBytes);
  });

  it('have a usual time for a call below the longest', () => {
    expect(limits.timeoutDefaultS).toBeLessThan(limits.timeoutMaxS);
  });
});
