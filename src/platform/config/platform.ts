import { Type } from 'typebox';
import { logLevels } from '../telemetry/logger.ts';

/** Variables of every process. */
export const platformConfig = Type.Object(
  {
    MILLRACE_DATA_DIR: Type.String({
      default: '.millrace',
      description:
        'Folder of everything that is kept on this machine: log, blobs, git repositories, keys. Relative to the working folder.',
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
