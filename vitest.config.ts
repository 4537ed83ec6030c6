import { defineConfig } from 'vitest/config';

const kind = (name: string, include: string[], testTimeout: number, serial: boolean) => ({
  test: {
    name,
    include,
    testTimeout,
    hookTimeout: Math.max(testTimeout, 60_000),
    fileParallelism: !serial,
    pool: 'forks' as const,
  },
});

export default defineConfig({
  test: {
    passWithNoTests: false,
    reporters: ['default'],
    projects: [
      kind('unit', ['src/**/*.test.ts', 'tools/**/*.test.ts'], 5_000, false),
      kind('sim', ['test/sim/**/*.sim.test.ts'], 240_000, true),
      kind('contract', ['test/contract/**/*.contract.test.ts'], 60_000, true),
      kind('hostile', ['test/hostile/**/*.hostile.test.ts'], 90_000, true),
      kind('flow', ['test/flow/**/*.flow.test.ts'], 30_000, false),
      {
        test: {
          ...kind('e2e', ['test/e2e/**/*.e2e.test.ts'], 180_000, true).test,
          globalSetup: ['test/helpers/e2e-platform.ts'],
        },
      },
      kind('chaos', ['test/chaos/**/*.chaos.test.ts'], 120_000, true),
      // For minutes, when asked for: `npm run test:chaos -- --long`.
      kind('chaos-long', ['test/chaos/**/*.long.test.ts'], 3_600_000, true),
    ],
  },
});
