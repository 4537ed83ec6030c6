import { describe, expect, it } from 'vitest';
import type { SandboxSpec } from '../sandbox.ts';
import { type ArgumentParts, bubblewrapArguments } from './arguments.ts';

const spec: SandboxSpec = {
  id: 'one',
  command: ['/bin/true'],
  environment: {},
  workingFolder: '/tmp',
  mounts: [],
  limits: { memoryBytes: 1, cpus: 1, processes: 1, diskBytes: 8 * 2 ** 20, fileBytes: 2 ** 20, gpus: 1 },
  network: 'none',
  resultChannel: false,
  endpoint: null,
};
const parts: ArgumentParts = {
  spec,
  system: { mounts: [], own: [], links: [], resolver: { source: '/r', target: '/etc/resolv.conf', writable: false } },
  resultPipe: null,
  reserved: [],
  devices: ['/dev/nvidia0', '/dev/nvidiactl'],
  hostsFile: null,
  forbidNamespaces: true,
  writableProc: false,
};
const argumentsOf = (changes: Partial<ArgumentParts> = {}): string =>
  bubblewrapArguments({ ...parts, ...changes }).join(' ');

describe("bubblewrap's arguments", () => {
  it('bind devices of graphics processors before /dev is closed', () => {
    const text = argumentsOf();
    const bound = '--dev-bind /dev/nvidia0 /dev/nvidia0 --dev-bind /dev/nvidiactl /dev/nvidiactl';
    expect(text).toContain(bound);
    expect(text.indexOf(bound)).toBeGreaterThan(text.indexOf('--dev /dev'));
    expect(text.indexOf(bound)).toBeLessThan(text.indexOf('--remount-ro /dev'));
    expect(argumentsOf({ devices: [] })).not.toContain('nvidia');
  });

  it('close /proc unless namespaces are to be made by another user than root', () => {
    expect(argumentsOf()).toContain('--remount-ro /proc');
    expect(argumentsOf({ writableProc: true })).not.toContain('--remount-ro /proc');
  });

  it('halve the space between /tmp and the home folder', () => {
    expect(argumentsOf()).toContain('--size 4194304 --tmpfs /tmp');
    expect(argumentsOf()).toContain('--size 4194304 --tmpfs /home/algo');
  });

  it('forbid namespaces unless the program is to make some', () => {
    expect(argumentsOf()).toContain('--disable-userns');
    expect(argumentsOf({ forbidNamespaces: false })).not.toContain('--disable-userns');
  });

  it('name hosts in a file of the sandbox alone, and no resolver, where only these are reached', () => {
    const text = argumentsOf({ spec: { ...spec, network: { hosts: ['a.test'] } }, hostsFile: '/run/x/hosts' });
    expect(text).toContain('--ro-bind /run/x/hosts /etc/hosts');
    expect(text).not.toContain('resolv.conf');
    expect(text).not.toContain('--unshare-net');
  });
});
