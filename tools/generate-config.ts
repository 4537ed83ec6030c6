import { builderConfig } from '../src/builder/config.ts';
import { controlConfig } from '../src/control/config.ts';
import { executorsConfig } from '../src/executors/config.ts';
import { ingressConfig } from '../src/ingress/config.ts';
import { messagingConfig } from '../src/messaging/config.ts';
import { blobsConfig } from '../src/platform/blobs/config.ts';
import { describeConfig } from '../src/platform/config/describe.ts';
import { platformConfig } from '../src/platform/config/platform.ts';
import { embeddedLogConfig } from '../src/platform/embedded-log/config.ts';
import { sandboxesConfig } from '../src/sandboxes/config.ts';

/** Text of `docs/config.md`. */
export const configPage = (): string =>
  describeConfig([
    platformConfig,
    messagingConfig,
    embeddedLogConfig,
    blobsConfig,
    ingressConfig,
    controlConfig,
    executorsConfig,
    builderConfig,
    sandboxesConfig,
  ]);
