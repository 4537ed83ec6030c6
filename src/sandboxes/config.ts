import { type Static, Type } from 'typebox';

/** Variables of the sandboxes that algorithms and builds run in. */
export const sandboxesConfig = Type.Object(
  {
    MILLRACE_SANDBOX: Type.Enum(['bubblewrap', 'plain'], {
      default: 'bubblewrap',
      description:
        '`plain` runs code without isolation: for development on a machine without user namespaces, never for code of others.',
    }),
  },
  { title: 'Sandboxes' },
);

/** Values of {@link sandboxesConfig}. */
export type SandboxesConfig = Static<typeof sandboxesConfig>;
