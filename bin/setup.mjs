#!/usr/bin/env node
/**
 * Brings a fresh machine to where the platform starts: locked packages, Node 24, system packages, Apache Kafka.
 * Runs on Node 18 or later without any package. Each step does only what is missing; when nothing is, all together
 * takes a few milliseconds. `npm start`, `npm test` and `bin/millrace` call it; by hand: `node bin/setup.mjs`, with a
 * Docker engine, the image of sandboxes and what tests need: `node bin/setup.mjs --docker`.
 */
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { dockerEngine, sandboxImage } from './setup/docker.mjs';
import { kafka } from './setup/kafka.mjs';
import { node24 } from './setup/node24.mjs';
import { packages } from './setup/packages.mjs';
import { SetupProblem } from './setup/problem.mjs';
import { createProgress } from './setup/progress.mjs';
import { sandboxPackages, systemPackages, testPackages } from './setup/system-packages.mjs';

const steps = {
  packages,
  node: node24,
  system: systemPackages,
  kafka,
  docker: dockerEngine,
  image: sandboxImage,
  sandboxes: sandboxPackages,
  tests: testPackages,
};
const wantsDocker = process.env.MILLRACE_SANDBOX === 'docker';
/** What everybody needs. The other steps are for tests and for `MILLRACE_SANDBOX=docker`. */
const usual = ['packages', 'node', 'system', 'kafka'];
/** The usual steps, and an engine that runs sandboxes. */
export const withDocker = [...usual, 'docker', 'image'];
/** All that tests need. */
export const forTests = [...withDocker, 'tests'];
/** What runs an algorithm on this machine, without the platform. */
export const forLocalRuns = ['packages', 'node', 'sandboxes', ...(wantsDocker ? ['docker', 'image'] : [])];

/**
 * Runs the steps that are needed, in order.
 * @param {{ needs?: ('packages' | 'node' | 'system' | 'kafka' | 'docker' | 'image' | 'sandboxes' | 'tests')[] }} [options] default: what a platform needs; `['packages', 'node']` is enough for checks and unit tests
 * @returns {Promise<boolean>} false when the set-up could not be completed; what to do has been printed
 */
export const setup = async ({ needs = wantsDocker ? withDocker : usual } = {}) => {
  const missing = needs.filter((name) => !steps[name].isDone());
  if (missing.length === 0) return true;
  const progress = createProgress(process.stderr);
  progress.heading('set-up (once)');
  for (const name of missing) {
    // An earlier step may have brought what this one looks for.
    if (steps[name].isDone()) continue;
    const line = progress.begin(steps[name].title);
    try {
      line.done(await steps[name].run((text) => line.tell(text)));
    } catch (error) {
      line.failed();
      if (!(error instanceof SetupProblem)) throw error;
      progress.problem(error.message);
      return false;
    }
  }
  progress.end();
  return true;
};

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const needs = process.argv.includes('--docker') ? { needs: forTests } : {};
  if (!(await setup(needs))) process.exitCode = 1;
}
