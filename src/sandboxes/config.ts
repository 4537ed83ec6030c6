import { type Static, Type } from 'typebox';

/** Environment variables of this module. */
export const sandboxesConfig = Type.Object(
  {
    MILLRACE_SANDBOX: Type.Union(
      [Type.Literal('auto'), Type.Literal('bubblewrap'), Type.Literal('docker'), Type.Literal('plain')],
      {
        default: 'auto',
        description:
          'What runs algorithms and builds: `bubblewrap` and `docker` isolate them; `auto` is bubblewrap where it works, else Docker where an engine answers; `plain` starts ordinary processes without any isolation, for development with code that you trust.',
      },
    ),
    MILLRACE_DOCKER_SOCKET: Type.String({
      default: '/var/run/docker.sock',
      description:
        'Socket of the Docker engine that runs sandboxes, where they are containers. It has to run on this machine.',
    }),
    MILLRACE_DOCKER_BASE: Type.String({
      default: 'debian:bookworm-slim',
      description:
        'Debian image from which the image of sandboxes is built, once; where it cannot be pulled, debootstrap makes a base.',
    }),
    MILLRACE_INTERPRETERS: Type.Array(Type.String(), {
      default: ['/opt', '~/.pyenv/versions'],
      description:
        "Folders that hold installed interpreters, one in each subfolder, as pyenv keeps them; the system's are found anyway. An environment exists where its interpreter is found.",
    }),
  },
  { title: 'Sandboxes' },
);

type SandboxesConfig = Static<typeof sandboxesConfig>;

/** What these variables say for `createSandboxDriver`. */
export const driverChoiceOf = (
  config: Pick<SandboxesConfig, 'MILLRACE_SANDBOX' | 'MILLRACE_DOCKER_SOCKET' | 'MILLRACE_DOCKER_BASE'>,
) => ({
  kind: config.MILLRACE_SANDBOX,
  docker: { socketPath: config.MILLRACE_DOCKER_SOCKET, baseImage: config.MILLRACE_DOCKER_BASE },
});
