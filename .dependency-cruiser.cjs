// The direction rule of docs/ARCHITECTURE.md. No baseline file: it starts empty and stays empty.
const programs = 'ingress|router|executors|builder|control';
const domains = 'accounts|catalog';
const machinery = 'messaging|sandboxes|platform';
const modules = `${programs}|local|${domains}|messaging|sandboxes`;
const drivers = ['@platformatic/kafka', 'ioredis', 'dockerode', '@clickhouse/client', '@aws-sdk/', '@azure/', 'avsc', '@kafkajs/confluent-schema-registry'];

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    { name: 'kernel-is-pure', severity: 'error', from: { path: '^src/kernel/', pathNot: '\\.test\\.ts$' }, to: { dependencyTypes: ['core', 'npm', 'npm-dev'], pathNot: 'node_modules/typebox' } },
    { name: 'kernel-imports-only-kernel', severity: 'error', from: { path: '^src/kernel/' }, to: { path: '^src/', pathNot: '^src/kernel/' } },
    { name: 'infrastructure-knows-no-domain', severity: 'error', from: { path: `^src/(${machinery})/` }, to: { path: `^src/(${programs}|local|${domains}|apps|cli)/`, } },
    { name: 'domain-knows-no-service', severity: 'error', from: { path: `^src/(${domains})/` }, to: { path: `^src/(${programs}|local|apps|cli)/` } },
    { name: 'domain-order', severity: 'error', from: { path: '^src/accounts/' }, to: { path: '^src/catalog/' } },
    { name: 'services-meet-only-through-messages', severity: 'error', from: { path: `^src/(${programs})/` }, to: { path: `^src/(${programs})/`, pathNot: '^src/$1/' } },
    // Local runs are made of builder, executors and the call door, by their root files; nothing is made of local runs.
    { name: 'nobody-builds-on-local-runs', severity: 'error', from: { path: `^src/(${programs})/` }, to: { path: '^src/local/' } },
    { name: 'front-door-only', severity: 'error', from: { path: '^src/([^/]+)/', pathNot: '^src/apps/' }, to: { path: `^src/(${modules})/[^/]+/`, pathNot: '^src/$1/' } },
    { name: 'only-apps-create', severity: 'error', from: { path: '^src/', pathNot: '^src/apps/|\\.test\\.ts$' }, to: { path: '/create\\.ts$' } },
    { name: 'nobody-imports-apps', severity: 'error', from: { path: '^src/', pathNot: '^src/apps/|^src/cli/local\\.ts$' }, to: { path: '^src/apps/' } },
    // Its commands for local runs alone reach an app of this machine, from one file.
    { name: 'cli-is-a-client', severity: 'error', from: { path: '^src/cli/' }, to: { path: '^src/', pathNot: '^src/(cli|kernel)/|^src/local/local\\.ts$|^src/apps/local\\.ts$' } },
    {
      name: 'drivers-live-in-adapters',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(platform|messaging/(kafka|registry)|sandboxes/docker|connectors|insights/store)/|^src/messaging/codec\\.ts$' },
      to: { path: drivers.map((name) => `node_modules/${name}`).join('|') },
    },
    { name: 'no-test-code-in-production', severity: 'error', from: { path: '^src/', pathNot: '\\.test\\.ts$' }, to: { path: '^test/|node_modules/(vitest|fast-check)|\\.test\\.ts$' } },
    { name: 'no-orphans', severity: 'error', from: { orphan: true, path: '^src/', pathNot: '\\.test\\.ts$|^src/apps/|/config\\.ts$' }, to: {} },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(test|bench|tools)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'], extensions: ['.ts', '.mjs', '.js'] },
  },
};
