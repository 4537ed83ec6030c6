import { headerNames, headerNumber, headerText } from '../../kernel/contracts/envelope.ts';
import { isRequestId, type RequestId } from '../../kernel/ids.ts';
import { drop, next, park } from '../../kernel/outcome.ts';
import type { Step } from '../../kernel/pipeline.ts';
import type { Delivery } from '../../messaging/work.ts';
import type { Arrival, Identified } from '../call.ts';

/** True when an earlier record of this partition has the same id and attempt. Remembers the record otherwise. */
export type IsCopy = (from: Pick<Delivery, 'generation'>, id: RequestId, attempt: number) => boolean;

/** Drops a later copy of (id, attempt): a publisher that was not sure of its first send sent it again. */
export const dropCopy = (isCopy: IsCopy): Step<Arrival, Identified> => ({
  name: 'drop-copy',
  run: ({ delivery, takenAtMs }) => {
    const { headers } = delivery.record;
    const id = headerText(headers, headerNames.id);
    if (id === undefined || !isRequestId(id)) return park('the record has no request id', 'EXECUTOR_NO_ID');
    const attempt = headerNumber(headers, headerNames.attempt) ?? 1;
    if (isCopy(delivery, id, attempt)) return drop('a copy of an earlier record');
    const deadlineMs = headerNumber(headers, headerNames.deadline) ?? Number.POSITIVE_INFINITY;
    return next({ delivery, takenAtMs, id, attempt, deadlineMs });
  },
});
