import type { HttpApp } from '../http/type-provider.ts';
import type { RegistryReads } from '../ingress.ts';

const contentType = 'application/vnd.schemaregistry.v1+json';

/** The read part of a schema registry, for who decodes our records. Open: schemas hold no secrets. */
export const registryRoutes = (app: HttpApp, registry: RegistryReads): void => {
  for (const path of ['/registry', '/registry/*']) {
    app.get(path, async (request, reply) => {
      const { status, body } = registry.get(request.url.slice('/registry'.length));
      return await reply
        .code(status)
        .type(contentType)
        .send(Buffer.from(JSON.stringify(body)));
    });
  }
};
