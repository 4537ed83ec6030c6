import type { Enforcement } from '../sandbox.ts';

const byGroup = (what: Enforcement['what']): Enforcement => ({
  what,
  enforced: true,
  how: "control group of the container, set by Docker's engine",
});

/** What the driver says about this machine; the list names what outside access lacks. */
export const enforcementOf = (user: string, missingForNetwork: readonly string[]): readonly Enforcement[] => [
  { what: 'filesystem', enforced: true, how: 'container with a read-only image and mounts' },
  {
    what: 'network',
    enforced: true,
    how: `network namespace; ${missingForNetwork.length === 0 ? 'outside access through slirp4netns' : `no outside access, missing: ${missingForNetwork.join(', ')}`}`,
  },
  {
    what: 'user',
    enforced: true,
    how: `user ${user} of this host without capabilities, who cannot gain privileges`,
  },
  byGroup('memory'),
  byGroup('cpu'),
  byGroup('processes'),
  { what: 'disk', enforced: true, how: 'size of /tmp and of the home folder, which live in memory' },
  { what: 'file-size', enforced: true, how: 'resource limit of every process' },
  {
    what: 'gpu',
    enforced: false,
    how: 'no graphics processor is given to containers; a build that asks for one is refused',
  },
];
