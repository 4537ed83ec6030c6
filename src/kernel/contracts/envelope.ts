/**
 * Names of the headers of records. Internal records carry only what routing, dedupe, expiry and tracing need (each
 * header costs time on every hop); records that outsiders see carry CloudEvents attributes instead.
 */
export const headerNames = {
  /** Contract and version of the value, for example `request/1`: records are decoded by it. */
  contract: 'contract',
  /** Request id. */
  id: 'id',
  /** Attempt of the request, from 1. */
  attempt: 'attempt',
  /** Milliseconds since the epoch after which nobody waits. */
  deadline: 'deadline',
  /** W3C trace context. */
  traceparent: 'traceparent',
  /** On nested calls: the calls above it, root first, as `OWNER/ALGO@VERSION`, comma between. */
  chain: 'chain',
} as const;

/** Headers of records on inboxes and replies: CloudEvents 1.0 in Kafka's binary mode, lower case, prefix `ce_`. */
export const cloudEventNames = {
  specversion: 'ce_specversion',
  id: 'ce_id',
  source: 'ce_source',
  type: 'ce_type',
  subject: 'ce_subject',
  time: 'ce_time',
  causationId: 'ce_causationid',
  contentType: 'content-type',
  /** Where the data stands when it is too large for the record (CloudEvents extension `dataref`). */
  dataRef: 'ce_dataref',
} as const;

/** Headers of a dead letter. The original key, value and other headers are kept beside them. */
export const deadNames = {
  reason: 'dead.reason',
  step: 'dead.step',
  code: 'dead.code',
  attempt: 'dead.attempt',
  at: 'dead.at',
  firstAt: 'dead.first-at',
  topic: 'dead.topic',
  partition: 'dead.partition',
  offset: 'dead.offset',
  account: 'dead.account',
} as const;

/** Headers as they stand on a record, in order; a name may repeat on records of outsiders. */
export type Headers = readonly (readonly [name: string, value: Buffer])[];

/** Text of the first header of that name, or undefined. */
export const headerText = (headers: Headers, name: string): string | undefined => {
  for (const [each, value] of headers) if (each === name) return value.toString('utf8');
  return undefined;
};

/** Whole number in the first header of that name; undefined when absent or not a whole number. */
export const headerNumber = (headers: Headers, name: string): number | undefined => {
  const text = headerText(headers, name);
  if (text === undefined || !/^-?\d{1,16}$/.test(text)) return undefined;
  return Number(text);
};
