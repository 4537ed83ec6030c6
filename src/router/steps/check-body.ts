import { bodyFault } from '../../catalog/call-body.ts';
import { limits } from '../../kernel/limits.ts';
import { next, park } from '../../kernel/outcome.ts';
import type { Step } from '../../kernel/pipeline.ts';
import type { CheckedBody, ClaimCheck } from '../../messaging/claim-check.ts';
import type { Allowed, Placeable } from '../router.ts';

/** Checks the body against its content type; a large one goes to the blob store before the record that refers to it. */
export const checkBody = (claimCheck: ClaimCheck): Step<Allowed, Placeable> => ({
  name: 'check-body',
  run: (allowed) => {
    const body = allowed.record.value;
    if (body === null) return park('value is null: a call needs a body', 'ROUTER_BAD_BODY');
    if (body.length > limits.requestBodyBytes) {
      return park(`value has ${body.length} bytes, at most ${limits.requestBodyBytes} are taken`, 'ROUTER_BAD_BODY');
    }
    const fault = bodyFault(allowed.contentType, body);
    if (fault !== null) return park(`value is ${fault.text}`, 'ROUTER_BAD_BODY');
    const checked = claimCheck.put(body);
    const placeable = (put: CheckedBody) => next({ ...allowed, body: put });
    return checked instanceof Promise ? checked.then(placeable) : placeable(checked);
  },
});
