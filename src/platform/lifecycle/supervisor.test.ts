import { describe, expect, test } from 'vitest';
import type { Clock } from '../../kernel/clock.ts';
import { silentLogger } from '../../kernel/logger.ts';
import { type Component, createSupervisor } from './supervisor.ts';

/** A clock on which every timer fires in the next turn: a deadline is reached by whatever is still waiting then. */
const hastyClock: Clock = {
  nowMs: () => 0,
  monotonicMs: () => 0,
  after: (_delayMs, run) => {
    const timer = setImmediate(run);
    return () => {
      clearImmediate(timer);
    };
  },
};

const recorder = () => {
  const events: string[] = [];
  const component = (name: string, overrides: Partial<Component> = {}): Component => ({
    name,
    start: async () => {
      events.push(`start ${name}`);
      await Promise.resolve();
    },
    stop: async () => {
      events.push(`stop ${name}`);
      await Promise.resolve();
    },
    ...overrides,
  });
  return { events, component };
};

const supervisorOf = (components: readonly Component[]) =>
  createSupervisor({ components, logger: silentLogger, clock: hastyClock, stopTimeoutMs: 10 });

describe('the supervisor', () => {
  test('starts in declared order and stops in reverse', async () => {
    const { events, component } = recorder();
    const supervisor = supervisorOf([component('log'), component('control'), component('ingress')]);
    await supervisor.start();
    await supervisor.stop();
    expect(events).toEqual(['start log', 'start control', 'start ingress', 'stop ingress', 'stop control', 'stop log']);
  });

  test('stops what had started when one fails to start, and throws its error', async () => {
    const { events, component } = recorder();
    const broken = component('control', { start: async () => await Promise.reject(new Error('no log')) });
    const supervisor = supervisorOf([component('log'), broken, component('ingress')]);
    await expect(supervisor.start()).rejects.toThrow('no log');
    expect(events).toEqual(['start log', 'stop log']);
  });

  test('goes on stopping past a component that fails and one that hangs, then reports both', async () => {
    const { events, component } = recorder();
    const supervisor = supervisorOf([
      component('log'),
      component('hangs', { stop: async () => await new Promise(() => {}) }),
      component('fails', { stop: async () => await Promise.reject(new Error('broken pipe')) }),
    ]);
    await supervisor.start();
    await expect(supervisor.stop()).rejects.toThrow(/broken pipe hangs did not stop within 10 ms/);
    expect(events.at(-1)).toBe('stop log');
  });

  test('stops once, however often it is asked', async () => {
    const { events, component } = recorder();
    const supervisor = supervisorOf([component('log')]);
    await supervisor.start();
    await Promise.all([supervisor.stop(), supervisor.stop()]);
    expect(events).toEqual(['start log', 'stop log']);
  });

  test('starts nothing more when it is stopped while starting', async () => {
    const { events, component } = recorder();
    let release = (): void => {};
    const slow = component('log', {
      start: async () => {
        await new Promise<void>((resolve) => {
          release = resolve;
        });
      },
    });
    const supervisor = supervisorOf([slow, component('control')]);
    const starting = supervisor.start();
    const stopping = supervisor.stop();
    release();
    await Promise.all([starting, stopping]);
    expect(events).toEqual(['stop log']);
  });
});
