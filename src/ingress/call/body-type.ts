import { bodyFault, bodyTypeOf, mediaTypeOf } from '../../catalog/call-body.ts';
import type { BodyType } from '../../kernel/contracts/contracts.gen.ts';
import { ingressErrors } from '../errors.ts';

/** How the body is to be understood. Throws `INGRESS_CONTENT_TYPE_UNSUPPORTED`. */
export const requiredBodyType = (contentType: string | undefined): BodyType => {
  const type = bodyTypeOf(contentType);
  if (type !== null) return type;
  const media = mediaTypeOf(contentType).slice(0, 80);
  const message = `content type ${media} is not supported: send application/json, text/plain or application/octet-stream`;
  throw ingressErrors.CONTENT_TYPE_UNSUPPORTED({ message });
};

/** Throws `INGRESS_BAD_JSON` or `INGRESS_BAD_REQUEST` for a body that is not what its content type says. */
export const checkBody = (type: BodyType, body: Buffer): void => {
  const fault = bodyFault(type, body);
  if (fault === null) return;
  const message = `the request body is ${fault.text}`;
  throw fault.kind === 'not-json' ? ingressErrors.BAD_JSON({ message }) : ingressErrors.BAD_REQUEST({ message });
};
