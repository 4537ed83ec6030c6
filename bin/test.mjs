#!/usr/bin/env node
// `npm test`: all set-up, then the tests. Arguments name projects: unit sim contract flow e2e chaos.
import { runOnNode24 } from './node24.mjs';
import { setup } from './setup.mjs';

if (await setup()) runOnNode24(['tools/test.ts', ...process.argv.slice(2)]);
else process.exitCode = 1;
