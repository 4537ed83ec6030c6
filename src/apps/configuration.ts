import { type TObject, Type } from 'typebox';
import { builderConfig } from '../builder/config.ts';
import { controlConfig } from '../control/config.ts';
import { executorsConfig } from '../executors/config.ts';
import { ingressConfig } from '../ingress/config.ts';
import { checkMessagingConfig, messagingConfig } from '../messaging/config.ts';
import { blobsConfig, checkBlobsConfig } from '../platform/blobs/config.ts';
import { platformConfig } from '../platform/config/platform.ts';
import { type ConfigOf, readConfig } from '../platform/config/read-config.ts';
import { embeddedLogConfig } from '../platform/embedded-log/config.ts';
import { sandboxesConfig } from '../sandboxes/config.ts';

/** Variables that the CLI reads; processes of the platform know them so that they may be set beside. */
export const clientConfig = Type.Object(
  {
    MILLRACE_API: Type.Optional(
      Type.String({ description: 'Address of the platform that `millrace` talks to. Unset: the local one.' }),
    ),
    MILLRACE_API_KEY: Type.Optional(
      Type.String({ description: "Key that `millrace` uses. Unset: the local administrator's." }),
    ),
  },
  { title: 'Command line' },
);

const schemas = [
  platformConfig,
  ingressConfig,
  embeddedLogConfig,
  messagingConfig,
  blobsConfig,
  controlConfig,
  executorsConfig,
  builderConfig,
  sandboxesConfig,
] as const;

/** The schemas of all modules, as `docs/config.md` lists them. */
export const allConfig: readonly TObject[] = [...schemas, clientConfig];

/** The configuration of a process. */
export type AllConfig = ConfigOf<typeof schemas>;

/** Reads and checks the environment. Throws `CONFIG_INVALID` with every fault. */
export const readAllConfig = (): AllConfig =>
  readConfig({ schemas, others: [clientConfig], rules: [checkMessagingConfig, checkBlobsConfig] });
