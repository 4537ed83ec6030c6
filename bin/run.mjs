#!/usr/bin/env node
// Runs a TypeScript file of the repository on the lock file's Node, after the set-up that it needs.
import { runOnNode24 } from './node24.mjs';
import { setup } from './setup.mjs';

if (await setup({ needs: ['packages', 'node'] })) runOnNode24(process.argv.slice(2));
else process.exitCode = 1;
