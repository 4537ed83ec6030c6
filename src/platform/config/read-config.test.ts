import { inspect } from 'node:util';
import { Type } from 'typebox';
import { describe, expect, test } from 'vitest';
import { PlatformError } from '../../kernel/errors.ts';
import { describeConfig } from './describe.ts';
import { readConfig, redactedConfig } from './read-config.ts';
import { Secret, secretVariable } from './secret.ts';
import type { ConfigFault } from './variable.ts';

const server = Type.Object({
  MILLRACE_PORT: Type.Integer({ default: 8080, minimum: 1, maximum: 65535, description: 'Where to listen.' }),
  MILLRACE_TLS: Type.Boolean({ default: false }),
  MILLRACE_MODE: Type.Enum(['fast', 'safe'], { default: 'safe' }),
});
const store = Type.Object(
  {
    MILLRACE_STORE_NAMES: Type.Array(Type.String({ pattern: '^[a-z]+$' }), { default: ['a'] }),
    MILLRACE_STORE_KEY: secretVariable({ description: 'The key.', minLength: 4 }),
    MILLRACE_STORE_URL: Type.String(),
  },
  { title: 'Store' },
);

const faultsOf = (read: () => unknown): unknown => {
  try {
    read();
  } catch (error) {
    return error instanceof PlatformError ? error.details['faults'] : error;
  }
  return [];
};

describe('readConfig', () => {
  test('leaves variables unset in a schema that demands none', () => {
    const schemas = [Type.Object({ MILLRACE_ADDRESS: Type.Optional(Type.String()) })] as const;
    expect(readConfig({ schemas, environment: {} })).toEqual({});
  });

  test('coerces what is set, gives defaults for what is not, and freezes the result', () => {
    const environment = {
      MILLRACE_PORT: ' 9000 ',
      MILLRACE_TLS: 'yes',
      MILLRACE_STORE_URL: 'x',
      MILLRACE_STORE_NAMES: 'a, b',
      HOME: '/',
    };
    const config = readConfig({ schemas: [server, store], environment });
    expect(config).toEqual({
      MILLRACE_PORT: 9000,
      MILLRACE_TLS: true,
      MILLRACE_MODE: 'safe',
      MILLRACE_STORE_NAMES: ['a', 'b'],
      MILLRACE_STORE_URL: 'x',
    });
    expect(Object.isFrozen(config)).toBe(true);
  });

  test('counts an empty value as unset', () => {
    expect(readConfig({ schemas: [server], environment: { MILLRACE_PORT: '' } }).MILLRACE_PORT).toBe(8080);
  });

  test('reports every fault at once, and never the value of a secret', () => {
    const environment = {
      MILLRACE_PORT: '0',
      MILLRACE_TLS: 'maybe',
      MILLRACE_MODE: 'slow',
      MILLRACE_STORE_KEY: 'abc',
      MILLRACE_STORE_NAMES: 'a,B',
    };
    const read = () => readConfig({ schemas: [server, store], environment });
    expect(faultsOf(read)).toEqual([
      { variable: 'MILLRACE_PORT', wrong: 'is "0"', expected: 'a whole number from 1 to 65535' },
      { variable: 'MILLRACE_TLS', wrong: 'is "maybe"', expected: 'true or false' },
      { variable: 'MILLRACE_MODE', wrong: 'is "slow"', expected: 'one of fast, safe' },
      {
        variable: 'MILLRACE_STORE_NAMES',
        wrong: 'is "a,B"',
        expected: 'a list separated by commas, each text of the form ^[a-z]+$',
      },
      {
        variable: 'MILLRACE_STORE_KEY',
        wrong: 'has a value that is not allowed',
        expected: 'text of at least 4 characters',
      },
      { variable: 'MILLRACE_STORE_URL', wrong: 'is not set', expected: 'text' },
    ]);
    expect(read).toThrow(
      /6 variables are wrong:\n {2}MILLRACE_PORT is "0"; expected: a whole number from 1 to 65535\n/,
    );
  });

  test('refuses a variable that no module declares and names the one that was probably meant', () => {
    const read = () =>
      readConfig({ schemas: [server], environment: { MILLRACE_PROT: '1', MILLRACE_WHATEVER_IT_IS: '2' } });
    expect(faultsOf(read)).toEqual([
      { variable: 'MILLRACE_PROT', wrong: 'is not known', expected: 'did you mean MILLRACE_PORT?' },
      {
        variable: 'MILLRACE_WHATEVER_IT_IS',
        wrong: 'is not known',
        expected: 'no such variable (docs/config.md lists all)',
      },
    ]);
  });

  test('knows the variables of other modules without reading them', () => {
    const config = readConfig({
      schemas: [server],
      others: [store],
      environment: { MILLRACE_STORE_NAMES: 'NOT CHECKED' },
    });
    expect(config).not.toHaveProperty('MILLRACE_STORE_NAMES');
  });

  test('applies rules across variables once each is right for itself', () => {
    const rule = (config: { readonly MILLRACE_TLS: boolean }): readonly ConfigFault[] =>
      config.MILLRACE_TLS ? [] : [{ variable: 'MILLRACE_TLS', wrong: 'is off', expected: 'true in safe mode' }];
    expect(faultsOf(() => readConfig({ schemas: [server], rules: [rule], environment: {} }))).toHaveLength(1);
    expect(
      faultsOf(() => readConfig({ schemas: [server], rules: [rule], environment: { MILLRACE_TLS: '1' } })),
    ).toEqual([]);
  });
});

describe('Secret', () => {
  test('prints stars wherever text is made of it and gives its value only when asked', () => {
    const secret = new Secret('hunter2');
    expect([String(secret), JSON.stringify({ secret }), inspect({ secret }), secret.toString()].join()).not.toContain(
      'hunter2',
    );
    expect(secret.reveal()).toBe('hunter2');
  });

  test('is redacted in the effective configuration', () => {
    const environment = { MILLRACE_STORE_KEY: 'hunter2', MILLRACE_STORE_URL: 'x' };
    const config = readConfig({ schemas: [store], environment });
    expect(config.MILLRACE_STORE_KEY?.reveal()).toBe('hunter2');
    expect(redactedConfig(config)).toEqual({
      MILLRACE_STORE_KEY: '***',
      MILLRACE_STORE_NAMES: ['a'],
      MILLRACE_STORE_URL: 'x',
    });
  });
});

describe('describeConfig', () => {
  test('renders one table per schema with what each variable takes', () => {
    const page = describeConfig([server, store]);
    expect(page).toContain('| `MILLRACE_PORT` | a whole number from 1 to 65535 | `8080` | Where to listen. |');
    expect(page).toContain('## Store\n');
    expect(page).toContain('| `MILLRACE_STORE_KEY` | a secret; never printed | unset | The key. |');
    expect(page).toContain('| `MILLRACE_STORE_URL` | text | must be set |  |');
  });
});
