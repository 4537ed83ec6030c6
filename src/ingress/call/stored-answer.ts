import type { Result } from '../../kernel/contracts/contracts.gen.ts';
import { topics } from '../../kernel/topics.ts';
import type { ClaimCheck } from '../../messaging/claim-check.ts';
import type { Codec } from '../../messaging/codec.ts';
import type { Place } from '../../messaging/messaging.ts';
import type { RecordReader } from '../answers/read-place.ts';

/** Reads finished calls back from the log. */
export interface StoredResults {
  /** The result at that place; null when it is gone. */
  result(place: Place): Promise<Result | null>;
  /** The body of a result, wherever it lies; null when it has none. Throws `BLOBS_NOT_FOUND` when its day is over. */
  body(result: Result): Promise<Buffer | null>;
}

export const createStoredResults = (records: RecordReader, codec: Codec, claimCheck: ClaimCheck): StoredResults => ({
  result: async (place) => {
    const record = await records.read(topics.results, place);
    return record === null ? null : codec.decode('result', record);
  },
  body: async (result) => (result.bodyRef === null ? result.body : await claimCheck.get(result)),
});
