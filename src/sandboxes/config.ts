import { Type } from 'typebox';

/** Environment variables of this module. */
export const sandboxesConfig = Type.Object(
  {
    MILLRACE_SANDBOX: Type.Union([Type.Literal('bubblewrap'), Type.Literal('plain')], {
      default: 'bubblewrap',
      description:
        'What runs algorithms: `bubblewrap` isolates them; `plain` starts ordinary processes without any isolation, for development with code that you trust.',
    }),
  },
  { title: 'Sandboxes' },
);
