import { isUtf8 } from 'node:buffer';
import type { BodyType } from '../kernel/contracts/contracts.gen.ts';

/** What the body of a call may be, the same over HTTP and over topics. */

const bodyTypes: Readonly<Record<string, BodyType>> = {
  'application/json': 'json',
  'text/plain': 'text',
  'application/text': 'text',
  'application/octet-stream': 'binary',
};

/** Media type without parameters, lower case; empty when there is none. */
export const mediaTypeOf = (contentType: string | undefined): string => {
  if (contentType === undefined) return '';
  const end = contentType.indexOf(';');
  return (end === -1 ? contentType : contentType.slice(0, end)).trim().toLowerCase();
};

/** How the body is to be understood; without a content type it is bytes. Null: that content type is not supported. */
export const bodyTypeOf = (contentType: string | undefined): BodyType | null => {
  const media = mediaTypeOf(contentType);
  return media === '' ? 'binary' : (bodyTypes[media] ?? null);
};

const jsonFault = (text: string): string | null => {
  try {
    JSON.parse(text);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message.slice(0, 200) : 'it does not parse';
  }
};

/** What is wrong with a body of that type, as the end of a sentence; null: nothing. From here on bodies are opaque. */
export const bodyFault = (
  type: BodyType,
  body: Buffer,
): { readonly kind: 'not-utf8' | 'not-json'; readonly text: string } | null => {
  if (type === 'binary') return null;
  if (!isUtf8(body)) return { kind: 'not-utf8', text: 'not UTF-8' };
  const fault = type === 'json' ? jsonFault(body.toString('utf8')) : null;
  return fault === null ? null : { kind: 'not-json', text: `not JSON: ${fault}` };
};
