import type { Result } from '../../kernel/contracts/contracts.gen.ts';
import { cloudEventNames, type Headers } from '../../kernel/contracts/envelope.ts';
import { accountNameOf, type RequestId } from '../../kernel/ids.ts';
import { accountRepliesTopic } from '../../kernel/topics.ts';
import type { OutRecord } from '../../messaging/messaging.ts';

const contentTypes: Record<Result['contentType'], string> = {
  json: 'application/json',
  text: 'text/plain; charset=utf-8',
  binary: 'application/octet-stream',
  void: 'application/json',
};

const valueOf = (id: RequestId, result: Result): { readonly contentType: string; readonly value: Buffer } => {
  if (result.error !== null) {
    const { message, errorType } = result.error;
    const error = { message, error_type: errorType };
    return { contentType: contentTypes.json, value: Buffer.from(JSON.stringify({ error })) };
  }
  if (result.bodyRef !== null) {
    return { contentType: contentTypes.json, value: Buffer.from(JSON.stringify({ result_url: resultAddress(id) })) };
  }
  return { contentType: contentTypes[result.contentType], value: result.body ?? Buffer.from('null') };
};

const resultAddress = (id: RequestId): string => `/v1/requests/${id}/result`;

const typeOf = (result: Result): string => {
  if (result.error !== null) return 'millrace.result.failed';
  return result.bodyRef === null ? 'millrace.result.succeeded' : 'millrace.result.referenced';
};

/**
 * The answer for an account that asked for it over its own topics: CloudEvents headers, and the result's bytes as
 * they are; a failure as JSON; for a body that is too large for a record, the address where it can be fetched.
 */
export const replyRecordOf = (id: RequestId, account: string, result: Result): OutRecord => {
  const { contentType, value } = valueOf(id, result);
  const header = (name: string, text: string): Headers[number] => [name, Buffer.from(text)];
  const { specversion, source, type, subject, time, causationId } = cloudEventNames;
  const version = result.version ?? result.build;
  const headers: Headers[number][] = [
    header(specversion, '1.0'),
    header(cloudEventNames.id, id),
    header(source, `/v1/algo/${result.algorithm}/${version}`),
    header(type, typeOf(result)),
    header(subject, result.algorithm),
    header(time, new Date(result.finishedAtMs).toISOString()),
    header(cloudEventNames.contentType, contentType),
  ];
  if (result.causation !== null) headers.push(header(causationId, result.causation));
  if (result.error === null && result.bodyRef !== null)
    headers.push(header(cloudEventNames.dataRef, resultAddress(id)));
  return { topic: accountRepliesTopic(accountNameOf(account)), key: Buffer.from(id), value, headers };
};
