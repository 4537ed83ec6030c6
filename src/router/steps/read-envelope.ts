import type { Account } from '../../accounts/accounts.ts';
import { bodyTypeOf } from '../../catalog/call-body.ts';
import { cloudEventNames, type Headers, headerNames, headerText } from '../../kernel/contracts/envelope.ts';
import { next, park } from '../../kernel/outcome.ts';
import type { Step } from '../../kernel/pipeline.ts';
import { originalHeaders } from '../core/origin.ts';
import type { Addressed, Arrival } from '../router.ts';

/** Headers that only the platform may set; `traceparent` is everybody's. */
const ours = new Set<string>([headerNames.contract, headerNames.id, headerNames.attempt, headerNames.deadline]);
const subjectPattern = /^(?:algo:\/\/)?([^/\s]+)\/([^/\s]+)(?:\/([^/\s]+))?$/;
const idLengthMax = 256;

const isOurs = (name: string): boolean => ours.has(name) || name.startsWith('dead.') || name.startsWith('retry.');
const foreignHeader = (headers: Headers): string | undefined => headers.find(([name]) => isOurs(name))?.[0];

/** A field that is wrong, and how. */
class Fault {
  readonly field: string;
  readonly text: string;

  constructor(field: string, text: string) {
    this.field = field;
    this.text = text;
  }
}

interface Envelope {
  readonly senderId: string;
  readonly target: Addressed['target'];
  readonly contentType: Addressed['contentType'];
}

const readId = (headers: Headers): string | Fault => {
  const id = headerText(headers, cloudEventNames.id);
  if (id === undefined || id === '') return new Fault(cloudEventNames.id, 'is missing');
  return id.length <= idLengthMax ? id : new Fault(cloudEventNames.id, `is longer than ${idLengthMax} characters`);
};

const readTarget = (headers: Headers): Addressed['target'] | Fault => {
  const expected = 'OWNER/ALGO or OWNER/ALGO/VERSION';
  const subject = headerText(headers, cloudEventNames.subject);
  if (subject === undefined) return new Fault(cloudEventNames.subject, `is missing: ${expected}`);
  const [, owner, name, selector] = subjectPattern.exec(subject) ?? [];
  if (owner !== undefined && name !== undefined) return { owner, name, selector: selector ?? null };
  return new Fault(cloudEventNames.subject, `is "${subject.slice(0, 80)}", expected ${expected}`);
};

const readContentType = (headers: Headers): Addressed['contentType'] | Fault => {
  const given = headerText(headers, cloudEventNames.contentType);
  const expected = 'application/json, text/plain or application/octet-stream';
  return (
    bodyTypeOf(given) ??
    new Fault(cloudEventNames.contentType, `is "${given?.slice(0, 80) ?? ''}", expected ${expected}`)
  );
};

const checkPlatformHeaders = (headers: Headers): Fault | null => {
  const foreign = foreignHeader(headers);
  if (foreign !== undefined) return new Fault(`header ${foreign}`, "is the platform's own and may not be sent");
  const specversion = headerText(headers, cloudEventNames.specversion);
  if (specversion === undefined || specversion === '1.0') return null;
  return new Fault(cloudEventNames.specversion, `is "${specversion.slice(0, 20)}", expected 1.0`);
};

const readHeaders = (headers: Headers): Envelope | Fault => {
  const fault = checkPlatformHeaders(headers);
  if (fault !== null) return fault;
  const senderId = readId(headers);
  if (senderId instanceof Fault) return senderId;
  const target = readTarget(headers);
  if (target instanceof Fault) return target;
  const contentType = readContentType(headers);
  return contentType instanceof Fault ? contentType : { senderId, target, contentType };
};

export interface ReadEnvelopeDeps {
  /** The account whose inbox that topic is, or null. */
  readonly accountOf: (topic: string) => Account | null;
}

/** Reads the CloudEvents headers. What is missing or wrong is parked with the field's name. */
export const readEnvelope = ({ accountOf }: ReadEnvelopeDeps): Step<Arrival, Addressed> => ({
  name: 'read-envelope',
  run: (arrival) => {
    const account = accountOf(arrival.origin.topic);
    if (account === null) return park(`no account has the inbox ${arrival.origin.topic}`, 'ROUTER_NO_ACCOUNT');
    const sent = arrival.attempt === 1 ? arrival.record.headers : originalHeaders(arrival.record.headers);
    const envelope = readHeaders(sent);
    if (envelope instanceof Fault) return park(`${envelope.field} ${envelope.text}`, 'ROUTER_BAD_ENVELOPE');
    return next({ ...arrival, ...envelope, account, traceparent: headerText(sent, headerNames.traceparent) });
  },
});
