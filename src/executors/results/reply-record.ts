import type { Result } from '../../kernel/contracts/contracts.gen.ts';
import { cloudEventNames, type Headers } from '../../kernel/contracts/envelope.ts';
import { accountNameOf, type RequestId } from '../../kernel/ids.ts';
import { accountRepliesTopic } from '../../kernel/topics.ts';
import type { OutRecord } from '../../messaging/messaging.ts';

type Header = Headers[number];

const header = (name: string, text: string): Header => [name, Buffer.from(text)];

/** Headers that do not differ from answer to answer. */
const specversion = header(cloudEventNames.specversion, '1.0');
const typed = (outcome: 'failed' | 'succeeded' | 'referenced'): Header =>
  header(cloudEventNames.type, `millrace.result.${outcome}`);
const types = { failed: typed('failed'), succeeded: typed('succeeded'), referenced: typed('referenced') };
const contentTypes: Record<Result['contentType'], Header> = {
  json: header(cloudEventNames.contentType, 'application/json'),
  text: header(cloudEventNames.contentType, 'text/plain; charset=utf-8'),
  binary: header(cloudEventNames.contentType, 'application/octet-stream'),
  void: header(cloudEventNames.contentType, 'application/json'),
};

interface Data {
  readonly type: Header;
  readonly contentType: Header;
  readonly value: Buffer;
}

const dataOf = (id: RequestId, result: Result): Data => {
  if (result.error !== null) {
    const { message, errorType } = result.error;
    const error = { message, error_type: errorType };
    return { type: types.failed, contentType: contentTypes.json, value: Buffer.from(JSON.stringify({ error })) };
  }
  if (result.bodyRef !== null) {
    const value = Buffer.from(JSON.stringify({ result_url: resultAddress(id) }));
    return { type: types.referenced, contentType: contentTypes.json, value };
  }
  const value = result.body ?? Buffer.from('null');
  return { type: types.succeeded, contentType: contentTypes[result.contentType], value };
};

const resultAddress = (id: RequestId): string => `/v1/requests/${id}/result`;

/**
 * The answer for an account that asked for it over its own topics: CloudEvents headers, and the result's bytes as
 * they are; a failure as JSON; for a body that is too large for a record, the address where it can be fetched.
 */
export const replyRecordOf = (id: RequestId, account: string, result: Result): OutRecord => {
  const { type, contentType, value } = dataOf(id, result);
  const { source, subject, time, causationId } = cloudEventNames;
  const version = result.version ?? result.build;
  const key = Buffer.from(id, 'latin1');
  const headers: Header[] = [
    specversion,
    [cloudEventNames.id, key],
    header(source, `/v1/algo/${result.algorithm}/${version}`),
    type,
    header(subject, result.algorithm),
    header(time, new Date(result.finishedAtMs).toISOString()),
    contentType,
  ];
  if (result.causation !== null) headers.push(header(causationId, result.causation));
  if (result.error === null && result.bodyRef !== null)
    headers.push(header(cloudEventNames.dataRef, resultAddress(id)));
  return { topic: accountRepliesTopic(accountNameOf(account)), key, value, headers };
};
