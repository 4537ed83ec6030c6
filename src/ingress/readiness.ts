import type { PresenceView } from '../messaging/presence.ts';
import type { StateView } from '../messaging/state-view.ts';
import type { Pulse } from './pulse.ts';

/** One thing that a call needs. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** For people: what is wrong, or what was found. */
  readonly found: string;
}

export interface ReadinessOptions {
  readonly view: StateView;
  readonly presence: PresenceView;
  readonly pulse: Pulse;
  readonly pools: readonly string[];
  replyReaderAlive(): boolean;
}

/** Every hop that a call takes, looked at. */
export interface Readiness {
  checks(): readonly Check[];
  /** True when this replica could take a call; pools without executors do not count: those calls are refused one by one. */
  readonly ready: boolean;
}

const brokerSilentMaxMs = 10_000;

export const createReadiness = (options: ReadinessOptions): Readiness => {
  const { view, presence, pulse } = options;

  const own = (): Check[] => {
    const ageMs = Math.round(pulse.ageMs());
    return [
      {
        name: 'view',
        ok: view.ready,
        found: view.ready ? 'up to date' : 'has not reached the end of the control state',
      },
      {
        name: 'replies',
        ok: options.replyReaderAlive(),
        found: options.replyReaderAlive() ? 'reading' : 'not reading results',
      },
      { name: 'log', ok: ageMs <= brokerSilentMaxMs, found: `a broker answered ${ageMs} ms ago` },
    ];
  };
  const others = (): Check[] => {
    const control = presence.liveIn('control').length;
    const pools = options.pools.map((pool) => {
      const executors = presence.liveIn('executor', pool).length;
      return { name: `pool ${pool}`, ok: executors > 0, found: `${executors} executors alive` };
    });
    return [{ name: 'control', ok: control > 0, found: `${control} alive` }, ...pools];
  };
  return {
    checks: () => [...own(), ...others()],
    get ready() {
      return own().every((check) => check.ok);
    },
  };
};
