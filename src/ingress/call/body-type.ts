import { isUtf8 } from 'node:buffer';
import type { BodyType } from '../../kernel/contracts/contracts.gen.ts';
import { ingressErrors } from '../errors.ts';

const bodyTypes: Readonly<Record<string, BodyType>> = {
  'application/json': 'json',
  'text/plain': 'text',
  'application/text': 'text',
  'application/octet-stream': 'binary',
};

/** Media type without parameters, lower case; empty when there is none. */
export const mediaTypeOf = (header: string | undefined): string => {
  if (header === undefined) return '';
  const end = header.indexOf(';');
  return (end === -1 ? header : header.slice(0, end)).trim().toLowerCase();
};

/** How the body is to be understood; without a content type it is bytes. Throws `INGRESS_CONTENT_TYPE_UNSUPPORTED`. */
export const bodyTypeOf = (contentType: string | undefined): BodyType => {
  const media = mediaTypeOf(contentType);
  if (media === '') return 'binary';
  const type = bodyTypes[media];
  if (type !== undefined) return type;
  const message = `content type ${media.slice(0, 80)} is not supported: send application/json, text/plain or application/octet-stream`;
  throw ingressErrors.CONTENT_TYPE_UNSUPPORTED({ message });
};

const parses = (text: string): string | null => {
  try {
    JSON.parse(text);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : 'it does not parse';
  }
};

/** Checks that JSON parses and text is UTF-8: from here on bodies are opaque bytes. Throws `INGRESS_BAD_JSON`, `INGRESS_BAD_REQUEST`. */
export const checkBody = (type: BodyType, body: Buffer): void => {
  if (type === 'binary') return;
  if (!isUtf8(body)) throw ingressErrors.BAD_REQUEST({ message: 'the request body is not UTF-8' });
  if (type === 'text') return;
  const fault = parses(body.toString('utf8'));
  if (fault !== null) throw ingressErrors.BAD_JSON({ message: `the request body is not JSON: ${fault.slice(0, 200)}` });
};
