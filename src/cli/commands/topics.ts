import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command } from '../command.ts';
import { readEnvironment } from '../environment.ts';

const help = `Usage: millrace topics [ACCOUNT]

Gives an account (default: the key's) its inbox and replies topics, with a broker user that may write the one and read
the other. Prints the credentials once, and lines for kcat. Doing it again makes a new password.`;

export interface TopicAccess {
  readonly inbox: string;
  readonly replies: string;
  readonly username: string;
  readonly password: string;
  readonly mechanism: string;
  readonly brokers: readonly string[];
  readonly group_prefix: string;
}

/** The configuration file of kcat (librdkafka) for these credentials. */
export const kcatConfiguration = (access: TopicAccess): string =>
  [
    `bootstrap.servers=${access.brokers.join(',')}`,
    'security.protocol=SASL_PLAINTEXT',
    `sasl.mechanisms=${access.mechanism}`,
    `sasl.username=${access.username}`,
    `sasl.password=${access.password}`,
    '',
  ].join('\n');

export const topicsCommand: Command = {
  name: 'topics',
  summary: 'give an account its inbox and replies topics',
  help,
  options: {},
  run: async ({ client, terminal, words }) => {
    const caller = (await client.json('GET', '/v1/caller')) as { readonly username: string };
    const account = words[0] ?? caller.username;
    const access = (await client.json('POST', `/v1/accounts/${encodeURIComponent(account)}/topics`, {})) as TopicAccess;
    if (terminal.json) {
      terminal.value(access);
      return;
    }
    const { dataFolder } = readEnvironment();
    const file = join(dataFolder, `kcat-${account}.conf`);
    await mkdir(dataFolder, { recursive: true });
    await writeFile(file, kcatConfiguration(access), { mode: 0o600 });
    terminal.line(`inbox     ${access.inbox}
replies   ${access.replies}
brokers   ${access.brokers.join(',')}
user      ${access.username}   (${access.mechanism}; groups ${access.group_prefix}*)
password  ${access.password}
kcat      configuration written to ${file}

publish   echo '{"lat":35.7,"lng":139.7,"time":0}' | kcat -F ${file} -P -t ${access.inbox} -H ce_specversion=1.0 -H ce_id=1 -H ce_source=me -H ce_type=call -H ce_subject=${account}/sun_moon -H content-type=application/json
read      kcat -F ${file} -C -t ${access.replies} -o beginning -e -f '%h\\n%s\\n'`);
  },
};
