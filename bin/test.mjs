#!/usr/bin/env node
// `npm test`: all set-up, then the tests. Arguments name projects: unit sim contract hostile flow e2e chaos.
import { runOnNode24 } from './node24.mjs';
import { forTests, setup } from './setup.mjs';

const projects = process.argv.slice(2);
const needsDocker =
  projects.length === 0 || projects.some((each) => ['contract', 'hostile', 'flow', 'e2e'].includes(each));

if (await setup(needsDocker ? { needs: forTests } : {})) runOnNode24(['tools/test.ts', ...projects]);
else process.exitCode = 1;
