import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { SandboxUsage } from '../sandbox.ts';
import type { Hierarchy } from './hierarchy.ts';

/** What a sandbox's groups measure. */
export interface Gauges {
  /** Nulls where nothing measures, and after `close`. */
  usage(): SandboxUsage;
  ranOutOfMemory(): boolean;
  /** May be called twice. */
  close(): void;
}

/** Null: the file does not exist on this kernel, or the group is gone. */
const open = (path: string): number | null => {
  try {
    return openSync(path, 'r');
  } catch {
    return null;
  }
};

/** Reads one small file again and again through one descriptor: a third of the cost of opening it each time. */
class Gauge {
  readonly #fd: number | null;
  readonly #buffer = Buffer.alloc(512);

  constructor(folder: string | undefined, file: string) {
    this.#fd = folder === undefined ? null : open(join(folder, file));
  }

  read(field: string | null): number | null {
    if (this.#fd === null) return null;
    const text = this.#text(this.#fd);
    const value = field === null ? text : new RegExp(`^${field} (\\d+)`, 'm').exec(text)?.[1];
    const number = Number.parseInt(value ?? '', 10);
    return Number.isNaN(number) ? null : number;
  }

  close(): void {
    if (this.#fd !== null) closeSync(this.#fd);
  }

  #text(fd: number): string {
    try {
      return this.#buffer.toString('latin1', 0, readSync(fd, this.#buffer, 0, this.#buffer.length, 0));
    } catch {
      // The group is gone.
      return '';
    }
  }
}

interface GaugeSet {
  readonly cpu: Gauge;
  readonly memory: Gauge;
  readonly peak: Gauge;
  readonly kills: Gauge;
}

const gaugesOf = (version: 1 | 2, at: Hierarchy['folders']): GaugeSet =>
  version === 1
    ? {
        cpu: new Gauge(at.cpuacct, 'cpuacct.usage'),
        memory: new Gauge(at.memory, 'memory.usage_in_bytes'),
        peak: new Gauge(at.memory, 'memory.max_usage_in_bytes'),
        kills: new Gauge(at.memory, 'memory.oom_control'),
      }
    : {
        cpu: new Gauge(at.cpu, 'cpu.stat'),
        memory: new Gauge(at.memory, 'memory.current'),
        peak: new Gauge(at.memory, 'memory.peak'),
        kills: new Gauge(at.memory, 'memory.events'),
      };

const cpuSecondsOf = (version: 1 | 2, cpu: Gauge): number | null => {
  const spent = version === 1 ? cpu.read(null) : cpu.read('usage_usec');
  return spent === null ? null : spent / (version === 1 ? 1e9 : 1e6);
};

const nothing: SandboxUsage = { cpuS: null, memoryBytes: null, memoryPeakBytes: null };

/** Opens the files of these groups. */
export const openGauges = ({ version, folders }: Hierarchy): Gauges => {
  const gauges = gaugesOf(version, folders);
  let closed = false;
  return {
    usage: () =>
      closed
        ? nothing
        : {
            cpuS: cpuSecondsOf(version, gauges.cpu),
            memoryBytes: gauges.memory.read(null),
            memoryPeakBytes: gauges.peak.read(null),
          },
    ranOutOfMemory: () => !closed && (gauges.kills.read('oom_kill') ?? 0) > 0,
    close: () => {
      if (!closed) for (const gauge of [gauges.cpu, gauges.memory, gauges.peak, gauges.kills]) gauge.close();
      closed = true;
    },
  };
};
