import { next } from '../../kernel/outcome.ts';
import type { Step } from '../../kernel/pipeline.ts';
import type { Codec } from '../../messaging/codec.ts';
import type { Accepted, Identified } from '../call.ts';

/** Reads the message. What cannot be read is thrown as `MESSAGING_UNDECODABLE`, which parks it. */
export const decodeRequest = (codec: Pick<Codec, 'decode'>): Step<Identified, Accepted> => ({
  name: 'decode-request',
  run: ({ delivery, takenAtMs, id, attempt, deadlineMs }) => {
    const request = codec.decode('request', delivery.record);
    return next({ delivery, takenAtMs, id, attempt, deadlineMs, request });
  },
});
