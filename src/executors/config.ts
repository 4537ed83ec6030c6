import { type Static, Type } from 'typebox';

/** Environment variables of the executors. */
export const executorsConfig = Type.Object(
  {
    MILLRACE_POOL: Type.String({
      default: 'cpu',
      pattern: '^[a-z0-9][a-z0-9-]{0,30}$',
      description: 'Pool whose requests this executor runs.',
    }),
    MILLRACE_SLOTS: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 512,
        description:
          'Sandboxes that may be in use at once; those whose calls wait for calls that they made do not count. Unset: two for each core, at least four.',
      }),
    ),
    MILLRACE_EXECUTOR_MEMORY_MB: Type.Optional(
      Type.Integer({
        minimum: 64,
        description: "Memory that all sandboxes together may take, in MiB. Unset: half of the machine's.",
      }),
    ),
    MILLRACE_INGRESS_URL: Type.Optional(
      Type.String({
        pattern: '^http://',
        description:
          'Address of the HTTP API as the executors reach it, for calls that algorithms make: `http://HOST:PORT`. Unset: the one in the same process, if any; `millrace up` sets it by itself.',
      }),
    ),
    MILLRACE_IDLE_EXPIRY_S: Type.Integer({
      default: 300,
      minimum: 1,
      maximum: 86_400,
      description: 'Seconds after which a sandbox that nobody calls is ended.',
    }),
    MILLRACE_PREWARMED: Type.Integer({
      default: 1,
      minimum: 0,
      maximum: 16,
      description:
        'Sandboxes of each language that are started ahead and wait for an algorithm, so that a first call does not wait for them. Where the machine does not allow to mount in running sandboxes, none are.',
    }),
    MILLRACE_ARTEFACTS_MB: Type.Integer({
      default: 10_240,
      minimum: 100,
      description: 'Disk that unpacked artefacts may take, in MiB; those not used for longest are removed above it.',
    }),
    MILLRACE_SANDBOX_MEMORY_MB: Type.Integer({
      default: 4_096,
      minimum: 32,
      description: 'Most memory that one sandbox gets, in MiB, whatever its build asks for.',
    }),
    MILLRACE_SANDBOX_CPUS: Type.Number({
      default: 2,
      minimum: 0.1,
      description: 'Most CPU cores that one sandbox gets, whatever its build asks for.',
    }),
    MILLRACE_SANDBOX_PROCESSES: Type.Integer({
      default: 4_096,
      minimum: 1,
      description: 'Most processes and threads that one sandbox gets, whatever its build asks for.',
    }),
    MILLRACE_SANDBOX_DISK_MB: Type.Integer({
      default: 2_048,
      minimum: 1,
      description:
        'Most space for `/tmp` and the home folder of one sandbox together, in MiB, whatever its build asks for.',
    }),
    MILLRACE_SANDBOX_FILE_MB: Type.Integer({
      default: 2_048,
      minimum: 1,
      description: 'Size of the largest file that one sandbox may write, in MiB, whatever its build asks for.',
    }),
    MILLRACE_SANDBOX_GPUS: Type.Integer({
      default: 0,
      minimum: 0,
      description: 'Most graphics processors that one sandbox gets, whatever its build asks for.',
    }),
  },
  { title: 'Executors' },
);

/** Values of {@link executorsConfig}. */
export type ExecutorsConfig = Static<typeof executorsConfig>;
