import { Type } from 'typebox';
import { secretVariable } from '../platform/config/secret.ts';

/** Variables of the control plane. */
export const controlConfig = Type.Object(
  {
    MILLRACE_ADMIN_USER: Type.String({
      default: 'admin',
      pattern: '^[a-z][a-z0-9_]{0,63}$',
      description: 'Name of the first administrator, made when there is none.',
    }),
    MILLRACE_ADMIN_KEY: secretVariable({
      description:
        "That administrator's API key. Unset: one is generated and kept in `admin.key` in the data folder (mode 0600).",
    }),
    MILLRACE_POOLS: Type.Array(Type.String({ pattern: '^[a-z][a-z0-9-]{0,31}$' }), {
      default: ['cpu'],
      minItems: 1,
      description: 'Pools of executors; each has a requests topic of its own.',
    }),
  },
  { title: 'Control plane' },
);
