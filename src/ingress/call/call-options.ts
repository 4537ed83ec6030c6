import { limits } from '../../kernel/limits.ts';
import { ingressErrors } from '../errors.ts';

/** What the query of a call asks for. */
export interface CallOptions {
  readonly output: 'default' | 'raw' | 'void';
  readonly timeoutS: number;
  readonly stdout: boolean;
  readonly timing: boolean;
}

const defaults: CallOptions = { output: 'default', timeoutS: limits.timeoutDefaultS, stdout: false, timing: false };

const timeoutOf = (text: string | null): number => {
  if (text === null || text === '') return limits.timeoutDefaultS;
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (seconds > 0 && seconds <= limits.timeoutMaxS) return seconds;
  const message = `timeout is "${text.slice(0, 40)}": give a number of seconds, more than 0 and at most ${limits.timeoutMaxS}`;
  throw ingressErrors.BAD_REQUEST({ message });
};

const outputOf = (text: string | null): CallOptions['output'] => {
  if (text === null || text === '' || text === 'default') return 'default';
  if (text === 'raw' || text === 'void') return text;
  throw ingressErrors.BAD_REQUEST({ message: `output is "${text.slice(0, 40)}": give default, raw or void` });
};

/** Reads the query (without `?`). Unknown parameters are ignored. Throws `INGRESS_BAD_REQUEST`. */
export const parseCallOptions = (query: string): CallOptions => {
  if (query === '') return defaults;
  const parameters = new URLSearchParams(query);
  return {
    output: outputOf(parameters.get('output')),
    timeoutS: timeoutOf(parameters.get('timeout')),
    stdout: parameters.get('stdout')?.toLowerCase() === 'true',
    timing: parameters.get('timing') === '1',
  };
};
