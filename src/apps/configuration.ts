import type { TObject } from 'typebox';
import { controlConfig } from '../control/config.ts';
import { executorsConfig } from '../executors/config.ts';
import { ingressConfig } from '../ingress/config.ts';
import { messagingConfig } from '../messaging/config.ts';
import { platformConfig } from '../platform/config/platform.ts';
import { embeddedLogConfig } from '../platform/embedded-log/config.ts';
import { sandboxesConfig } from '../sandboxes/config.ts';

/** The schemas of all modules: what `docs/config.md` lists, and what every role knows even where it does not read it. */
export const allConfig: readonly TObject[] = [
  platformConfig,
  ingressConfig,
  embeddedLogConfig,
  messagingConfig,
  controlConfig,
  executorsConfig,
  sandboxesConfig,
];
