import type { Hierarchy } from '../cgroups/hierarchy.ts';
import type { Enforcement } from '../sandbox.ts';
import type { Identity } from './identity.ts';

const userOf: Record<Identity['kind'], Enforcement> = {
  separate: {
    what: 'user',
    enforced: true,
    how: 'a user of its own on this host, without rights, and a user namespace',
  },
  root: {
    what: 'user',
    enforced: false,
    how: 'a user namespace of root, without capabilities; this machine lets no other user make namespaces, or the run folder cannot be reached by one',
  },
  same: { what: 'user', enforced: true, how: 'a user namespace of the user that Millrace runs as' },
};

const byGroup = (
  what: 'memory' | 'cpu' | 'processes',
  folder: string | undefined,
  otherwise: Enforcement,
): Enforcement => (folder === undefined ? otherwise : { what, enforced: true, how: 'control group' });

const needGroups = 'no control group can be written here; run as root or under a delegated group';

/** What the driver says about this machine. */
export const enforcementOf = (
  identity: Identity,
  { folders }: Hierarchy,
  missingForNetwork: readonly string[],
  gpus: number,
): readonly Enforcement[] => [
  { what: 'filesystem', enforced: true, how: 'mount namespace with read-only system folders' },
  {
    what: 'network',
    enforced: true,
    how: `network namespace; ${missingForNetwork.length === 0 ? 'outside access through slirp4netns' : `no outside access, missing: ${missingForNetwork.join(', ')}`}`,
  },
  userOf[identity.kind],
  byGroup('memory', folders.memory, {
    what: 'memory',
    enforced: false,
    how: `data size of each process alone is limited; ${needGroups}`,
  }),
  byGroup('cpu', folders.cpu, { what: 'cpu', enforced: false, how: needGroups }),
  byGroup('processes', folders.pids, { what: 'processes', enforced: true, how: 'process limit of the user namespace' }),
  { what: 'file-size', enforced: true, how: 'resource limit of every process' },
  {
    what: 'gpu',
    enforced: true,
    how: `${gpus} devices of graphics processors on this machine, each in one sandbox at most`,
  },
  { what: 'disk', enforced: true, how: 'size of /tmp and of the home folder, which live in memory' },
];
