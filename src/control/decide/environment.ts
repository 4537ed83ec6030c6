import { environmentKind } from '../../catalog/catalog.ts';
import { put } from '../state.ts';
import { requireRole } from './actor.ts';
import { commandSpec } from './decision.ts';

const register = commandSpec({
  name: 'environment.register',
  body: environmentKind.schema,
  target: ({ id }) => `environment/${id}`,
  decide: ({ actor, body }) => {
    requireRole(actor, 'control');
    return { changes: [put(environmentKind, body)], reply: body };
  },
});

export const environmentCommands = [register] as const;
