import { type Static, Type } from 'typebox';

/** Variables of the public HTTP listener. */
export const ingressConfig = Type.Object(
  {
    MILLRACE_HTTP_HOST: Type.String({
      default: '127.0.0.1',
      description: 'Address that the HTTP API listens on; `0.0.0.0` opens it to the network.',
    }),
    MILLRACE_HTTP_PORT: Type.Integer({
      default: 8080,
      minimum: 0,
      maximum: 65535,
      description: 'Port of the HTTP API; 0 takes any free one.',
    }),
  },
  { title: 'HTTP API' },
);

/** Values of {@link ingressConfig}. */
export type IngressConfig = Static<typeof ingressConfig>;
