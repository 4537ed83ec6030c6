import { Type } from 'typebox';
import type { LogLine } from '../../kernel/contracts/contracts.gen.ts';
import { ingressErrors } from '../errors.ts';
import type { Access } from '../http/access.ts';
import { flagOf } from '../http/paging.ts';
import { sendTextStream } from '../http/send-stream.ts';
import type { HttpApp } from '../http/type-provider.ts';
import type { LogStreams } from '../logs/log-stream.ts';

export interface LogRoutesDeps {
  readonly access: Access;
  readonly logs: LogStreams;
}

const recordsBack = 10_000;

const textOf = (line: LogLine): string => {
  if (line.text === '') return '';
  const before = `${new Date(line.atMs).toISOString()} ${line.subjectId.slice(0, 12)} ${line.stream}  `;
  const lines = line.text.endsWith('\n') ? line.text.slice(0, -1) : line.text;
  return lines
    .split('\n')
    .map((each) => `${before}${each}\n`)
    .join('');
};

/** `GET /v1/logs?algorithm=OWNER/ALGO[&follow=true]`: what an algorithm's runs and builds wrote, as lines of text. */
export const logRoutes = (app: HttpApp, { access, logs }: LogRoutesDeps): void => {
  const querystring = Type.Object({ algorithm: Type.String(), follow: Type.Optional(Type.String()) });
  app.get('/v1/logs', { schema: { querystring } }, async (request, reply) => {
    const caller = await access.caller(request);
    const [owner = '', algo, more] = request.query.algorithm.replace(/^algo:\/\//, '').split('/');
    if (algo === undefined || more !== undefined) {
      throw ingressErrors.BAD_REQUEST({ message: 'algorithm names no algorithm: give OWNER/ALGO' });
    }
    const { id } = access.managed(caller, { owner, algo }, 'log.read');
    const stream = await logs.open({
      backMax: recordsBack,
      follow: flagOf(request.query.follow) === true,
      acceptsKey: () => true,
      accepts: (line) => line.algorithmId === id,
      format: textOf,
      ends: () => false,
    });
    sendTextStream(reply, stream);
  });
};
