import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CliError } from '../cli-error.ts';
import { type Command, type Invocation } from '../command.ts';
import { readQuakes } from '../demonstration/quakes.ts';
import { type RestSummary, throughRest } from '../demonstration/through-rest.ts';
import { type TopicsSummary, throughTopics } from '../demonstration/through-topics.ts';
import type { Terminal } from '../terminal.ts';
import { type Deployment, deploy } from './deploy.ts';
import type { TopicAccess } from './topics.ts';

const help = `Usage: millrace demo

Deploys the two examples and puts real data through them: the held-out samples of a breast cancer data set through
REST, 1,707 earthquakes through the account's topics. Exit code 1 when a count or a check is off.`;

const examples = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..', 'examples');

/** What a build says of its stages; the rest of its log passes by on the progress line. */
const stage = /^ {2}(dependencies|build|test|trained)\b/;

const quietly = (terminal: Terminal): Terminal => ({
  ...terminal,
  note: (text) => {
    if (stage.test(text)) terminal.progress(terminal.dim(`  ${text}`), true);
    else terminal.progress(terminal.dim(`    ${text.trim().slice(0, 100)}`));
  },
});

const deployExample = async (invocation: Invocation, name: string): Promise<Deployment> => {
  const { terminal } = invocation;
  const done = await deploy({ ...invocation, terminal: quietly(terminal), words: [join(examples, name)], options: {} });
  const how = done.unchanged ? 'unchanged' : `built and published in ${done.seconds} s`;
  terminal.progress('');
  terminal.note(`  ${terminal.green('✓')} ${done.reference.padEnd(34)} ${how}`);
  return done;
};

const check = (passed: boolean, message: string): void => {
  if (!passed) throw new CliError(`the demonstration failed: ${message}`);
};

const checkRest = (rest: RestSummary): void => {
  check(rest.answered === rest.sent, `${rest.answered} of ${rest.sent} samples were answered`);
  check(rest.accuracy >= 0.93, `accuracy ${rest.accuracy.toFixed(3)} is below 0.93`);
};

const checkTopics = (summary: TopicsSummary): void => {
  check(summary.answered === summary.sent, `${summary.answered} of ${summary.sent} earthquakes were answered`);
  check(
    summary.sampled === 200 && summary.sampledEqual === 200,
    `${summary.sampledEqual} of ${summary.sampled} altitudes equal suncalc called directly`,
  );
};

export const demoCommand: Command = {
  name: 'demo',
  summary: 'deploy the examples and put real data through them',
  help,
  options: {},
  run: async (invocation) => {
    const { client, terminal } = invocation;
    const caller = (await client.json('GET', '/v1/caller')) as { readonly username: string };
    terminal.note(`\n${terminal.bold('examples')}`);
    await deployExample(invocation, 'sun_moon');
    await deployExample(invocation, 'breast_cancer');

    terminal.note(`\n${terminal.bold('the main job')}`);
    const rest = await throughRest(client, `${caller.username}/breast_cancer`);
    terminal.note(
      `  REST     ${rest.sent} held-out samples → ${caller.username}/breast_cancer   ${rest.answered} answered, accuracy ${rest.accuracy.toFixed(3)}, p50 ${rest.p50Ms.toFixed(1)} ms`,
    );
    checkRest(rest);

    const quakes = await readQuakes();
    const access = (await client.json('POST', `/v1/accounts/${caller.username}/topics`, {})) as TopicAccess;
    terminal.note(`  topic    ${quakes.length} earthquakes → ${access.inbox} → sun_moon → ${access.replies}`);
    const topics = await throughTopics({ access, quakes, subject: `${caller.username}/sun_moon`, terminal });
    terminal.progress(
      `  topic    ${'█'.repeat(40)} ${topics.answered} of ${topics.sent} answered, ${topics.failed} failed, ${topics.perSecond} a second`,
      true,
    );
    terminal.note(
      `           ${topics.strong} quakes of magnitude 5 or more, ${topics.strongInTheDark} of them in the dark`,
    );
    terminal.note(
      `           ${topics.sampledEqual} of ${topics.sampled} sampled altitudes equal suncalc called directly`,
    );
    checkTopics(topics);
    if (terminal.json) terminal.value({ rest, topics });
  },
};
