import { Type } from 'typebox';

/** Configuration of the builder. */
export const builderConfig = Type.Object(
  {
    MILLRACE_BUILDS_AT_ONCE: Type.Integer({
      default: 1,
      minimum: 1,
      maximum: 64,
      description: 'Builds that run side by side.',
    }),
    MILLRACE_BUILD_STEP_TIMEOUT_S: Type.Integer({
      default: 1800,
      minimum: 10,
      description: 'Seconds that one step of a build may take.',
    }),
    MILLRACE_BUILD_MEMORY_MB: Type.Integer({
      default: 4096,
      minimum: 256,
      description: 'Memory of a build sandbox, MiB.',
    }),
  },
  { title: 'Builder' },
);
