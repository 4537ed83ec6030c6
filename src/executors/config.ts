import { type Static, Type } from 'typebox';

/** Variables of an executor. */
export const executorsConfig = Type.Object(
  {
    MILLRACE_POOL: Type.String({
      default: 'cpu',
      pattern: '^[a-z][a-z0-9-]{0,31}$',
      description: 'Pool that this executor serves; one of `MILLRACE_POOLS`.',
    }),
    MILLRACE_SLOTS: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1024,
        description: 'Calls that this executor runs at once. Unset: by the number of processors.',
      }),
    ),
    MILLRACE_EXECUTOR_MEMORY_MB: Type.Optional(
      Type.Integer({
        minimum: 64,
        description: "Memory that this executor's sandboxes may hold together. Unset: a share of the machine's.",
      }),
    ),
  },
  { title: 'Executors' },
);

/** Values of {@link executorsConfig}. */
export type ExecutorsConfig = Static<typeof executorsConfig>;
