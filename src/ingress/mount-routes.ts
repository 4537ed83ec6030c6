import { createCommandDoor } from './http/command-door.ts';
import type { HttpApp } from './http/type-provider.ts';
import type { IngressDeps } from './ingress.ts';
import { createBuildWatch } from './logs/await-build.ts';
import { createDeadLetters } from './logs/dead-letters.ts';
import { createLogStreams } from './logs/log-stream.ts';
import type { SharedParts } from './parts.ts';
import type { Pulse } from './pulse.ts';
import type { Readiness } from './readiness.ts';
import { algorithmRoutes } from './routes/algorithms.ts';
import { buildRoutes } from './routes/builds.ts';
import { deadRoutes } from './routes/dead.ts';
import { environmentRoutes } from './routes/environments.ts';
import { healthRoutes } from './routes/health.ts';
import { keyRoutes } from './routes/keys.ts';
import { logRoutes } from './routes/logs.ts';
import { organizationRoutes } from './routes/organizations.ts';
import { registryRoutes } from './routes/registry.ts';
import { requestCallsRoutes } from './routes/request-calls.ts';
import { requestRoutes } from './routes/requests.ts';
import { reservationRoutes } from './routes/reservations.ts';
import { sourceRoutes } from './routes/source.ts';
import { statusRoutes } from './routes/status.ts';
import { topicRoutes } from './routes/topics.ts';
import { userRoutes } from './routes/users.ts';
import { versionRoutes } from './routes/versions.ts';

export interface MountOptions {
  readonly deps: IngressDeps;
  readonly parts: SharedParts;
  readonly readiness: Readiness;
  readonly pulse: Pulse;
}

/** Every route but the calls. */
export const mountRoutes = (app: HttpApp, { deps, parts, readiness, pulse }: MountOptions): void => {
  const { messaging, codec, clock } = deps;
  const commands = createCommandDoor(deps.commands);
  const logs = createLogStreams(messaging, codec);
  const builds = createBuildWatch(deps.view, clock);
  const letters = createDeadLetters(messaging, parts.records);
  const buildTimeoutMs = deps.config.MILLRACE_BUILD_TIMEOUT_S * 1000;
  const all = { ...deps, ...parts, commands, logs, builds, letters, buildTimeoutMs, pulse };

  healthRoutes(app, readiness, deps.metrics);
  registryRoutes(app, deps.registry);
  requestRoutes(app, all);
  requestCallsRoutes(app, all);
  algorithmRoutes(app, all);
  environmentRoutes(app, all);
  sourceRoutes(app, all);
  buildRoutes(app, all);
  versionRoutes(app, all);
  userRoutes(app, all);
  keyRoutes(app, all);
  organizationRoutes(app, all);
  logRoutes(app, all);
  topicRoutes(app, all);
  deadRoutes(app, all);
  statusRoutes(app, all);
  reservationRoutes(app, all);
};
