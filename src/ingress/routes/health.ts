import { Type } from 'typebox';
import { type Metrics, metricsContentType } from '../../platform/telemetry/metrics.ts';
import type { HttpApp } from '../http/type-provider.ts';
import type { Readiness } from '../readiness.ts';

const CheckObject = Type.Object({ name: Type.String(), ok: Type.Boolean(), found: Type.String() });
const ReadyObject = Type.Object({ ready: Type.Boolean(), checks: Type.Array(CheckObject) });

/** Health for probes: alive, ready with the reason, metrics. Open. */
export const healthRoutes = (app: HttpApp, readiness: Readiness, metrics: Metrics): void => {
  app.get('/healthz', { schema: { response: { 200: Type.Object({ status: Type.Literal('ok') }) } } }, async () => {
    return await Promise.resolve({ status: 'ok' as const });
  });
  app.get('/readyz', { schema: { response: { 200: ReadyObject, 503: ReadyObject } } }, async (_request, reply) => {
    const checks = [...readiness.checks()];
    // Ready is the whole way: a replica that could only refuse calls is alive, not ready.
    const ready = checks.every((check) => check.ok);
    return await reply.code(ready ? 200 : 503).send({ ready, checks });
  });
  app.get('/metrics', async (_request, reply) => await reply.type(metricsContentType).send(await metrics.text()));
};
