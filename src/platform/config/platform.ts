import { Type } from 'typebox';
import { logLevels } from '../telemetry/logger.ts';
import { secretVariable } from './secret.ts';

/** Variables of every process. */
export const platformConfig = Type.Object(
  {
    MILLRACE_DATA_DIR: Type.String({
      default: '.millrace',
      description:
        'Folder of everything that is kept on this machine: log, blobs, git repositories, keys. Relative to the working folder.',
    }),
    MILLRACE_SECRET: secretVariable({
      minLength: 32,
      description:
        'Secret that all processes of one platform share; what they sign for one another is signed with keys derived from it. Unset: one is generated and kept in `platform.secret` in the data folder (mode 0600).',
    }),
    MILLRACE_LOG_LEVEL: Type.Enum(logLevels, {
      default: 'info',
      description: 'From which level on log lines are written: `error` asks for a person, `warn` healed itself.',
    }),
    MILLRACE_OPERATIONS_PORT: Type.Integer({
      default: 0,
      minimum: 0,
      maximum: 65535,
      description: 'Port of `/healthz`, `/readyz` and `/metrics` of a process; 0 takes any free one.',
    }),
  },
  { title: 'Every process' },
);
