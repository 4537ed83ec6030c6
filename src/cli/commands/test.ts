import { CliError } from '../cli-error.ts';
import type { Command } from '../command.ts';
import { createTell, withBuild } from '../local.ts';

const help = `Usage: millrace test DIR

Builds the folder as a deploy would and runs its own tests on what was built, in the sandbox of a build's tests: read-only
and without network. The command is "test" in millrace.yaml; without one, what is usual in its language: python3 -m pytest
src (pytest has to be among its requirements) or npm test. Exit codes: 0 passed, 1 failed, 2 wrong usage.`;

export const testCommand: Command = {
  name: 'test',
  summary: "run a folder's own tests in its sandbox, on this machine",
  help,
  options: {},
  run: async (invocation) => {
    const { terminal } = invocation;
    await withBuild('test', invocation, async ({ local, build }) => {
      const report = await local.test(build, createTell(terminal));
      if (report === null) throw new CliError('it has no tests: name their command as "test" in millrace.yaml');
      if (terminal.json) terminal.value({ build: build.hash, artefact: build.artefact, tests: report });
      if (!report.passed) throw new CliError(report.summary);
      if (!terminal.json) terminal.line(`passed: ${report.summary}`);
    });
  },
};
