import { CliError } from '../cli-error.ts';
import type { ApiClient } from '../client.ts';
import { type Command, type Invocation, textOption, usageError } from '../command.ts';
import { readManifest, record, text } from '../manifest.ts';
import { packFolder } from '../pack-folder.ts';

const help = `Usage: millrace deploy DIR [--owner NAME] [--name NAME] [--private] [--no-publish] [--major | --revision]

Commits the folder into the algorithm's repository, builds it (log as it runs), and publishes what built.

  --owner NAME     account that owns it (default: the key's account)
  --name NAME      algorithm (default: "name" in millrace.yaml, "algoname" in algorithmia.conf, or the folder's name)
  --private        publish a version that only the owner can call
  --no-publish     stop after the build; it can be called by its hash
  --major, --revision   which number grows (default: minor)`;

interface Target {
  readonly owner: string;
  readonly name: string;
  readonly path: string;
}

const ensureAlgorithm = async (client: ApiClient, target: Target, language: string): Promise<boolean> => {
  if ((await client.find(target.path)) !== null) return false;
  await client.json('POST', `/v1/algorithms/${encodeURIComponent(target.owner)}`, {
    name: target.name,
    details: { label: target.name, summary: '', tagline: '' },
    settings: {
      algorithm_environment: language,
      source_visibility: 'closed',
      license: 'apl',
      network_access: 'isolated',
      pipeline_enabled: true,
    },
  });
  return true;
};

const upload = async (client: ApiClient, target: Target, folder: string): Promise<string> => {
  const archive = await packFolder(folder).catch((error: unknown) =>
    Promise.reject(
      new CliError(`cannot read the folder ${folder}: ${error instanceof Error ? error.message : String(error)}`),
    ),
  );
  const response = await client.send('PUT', `${target.path}/source`, {
    contentType: 'application/gzip',
    body: archive,
  });
  const answer = record(await response.json().catch(() => ({})));
  if (!response.ok)
    throw new CliError(text(record(answer['error'])['message']) ?? `the source was refused: ${response.status}`);
  return String(answer['commit']);
};

const followLog = async (
  { client, terminal }: Invocation,
  target: Target,
  commit: string,
  signal: AbortSignal,
): Promise<void> => {
  try {
    for await (const line of client.lines(`${target.path}/builds/${commit}/logs?follow=true`, signal))
      terminal.note(`  ${line}`);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
};

/** Builds; shows the log while it runs. Throws with the failed step when it failed. */
const build = async (invocation: Invocation, target: Target, commit: string): Promise<void> => {
  const { client } = invocation;
  const stop = new AbortController();
  const log = followLog(invocation, target, commit, stop.signal).catch(() => {});
  const answer = record(
    await client.json('POST', `${target.path}/compile`, { commitSha: commit }).finally(async () => {
      const timer = setTimeout(() => stop.abort(), 2000);
      await log;
      clearTimeout(timer);
    }),
  );
  const compilation = record(answer['compilation']);
  if (compilation['successful'] === true) return;
  throw new CliError(
    `the build of ${target.owner}/${target.name} at ${commit.slice(0, 8)} failed:\n${String(compilation['output']).trim()}`,
  );
};

const publish = async ({ client, options }: Invocation, target: Target): Promise<string> => {
  const kind = options['major'] === true ? 'major' : options['revision'] === true ? 'revision' : 'minor';
  const answer = record(
    await client.json('POST', `${target.path}/versions`, {
      settings: { algorithm_callability: options['private'] === true ? 'private' : 'public' },
      version_info: { version_type: kind },
    }),
  );
  return String(record(answer['version_info'])['semantic_version']);
};

/** The version that this commit is published as, or null. */
const publishedAs = async (client: ApiClient, target: Target, commit: string): Promise<string | null> => {
  const page = record(await client.json('GET', `${target.path}/versions?limit=100&published=true`));
  const versions = (Array.isArray(page['results']) ? page['results'] : []).map((each) =>
    record(record(each)['version_info']),
  );
  return text(versions.find((each) => each['git_hash'] === commit)?.['semantic_version']) ?? null;
};

/** How a deployment ended. */
export interface Deployment {
  readonly reference: string;
  readonly version: string | null;
  readonly build: string;
  readonly seconds: number;
  /** True when this very source was published before. */
  readonly unchanged: boolean;
}

/** Deploys the folder that `invocation.words` names; see the command's help. */
export const deploy = async (invocation: Invocation): Promise<Deployment> => {
  const { client, terminal, words, options } = invocation;
  const begin = performance.now();
  const [folder] = words;
  if (folder === undefined) throw usageError('deploy', 'DIR is missing');
  const manifest = await readManifest(folder);
  const name = textOption(options, 'name') ?? manifest.name;
  const owner = textOption(options, 'owner') ?? String(record(await client.json('GET', '/v1/caller'))['username']);
  const target: Target = {
    owner,
    name,
    path: `/v1/algorithms/${encodeURIComponent(owner)}/${encodeURIComponent(name)}`,
  };
  const made = await ensureAlgorithm(client, target, manifest.language);
  if (made) terminal.note(`made ${owner}/${name}`);
  const commit = await upload(client, target, folder);
  const wantsVersion = options['no-publish'] !== true;
  const before = wantsVersion && !made ? await publishedAs(client, target, commit) : null;
  let version = before;
  if (before === null) {
    terminal.note(`building ${owner}/${name} at ${commit.slice(0, 8)}`);
    await build(invocation, target, commit);
    if (wantsVersion) version = await publish(invocation, target);
  }
  const seconds = Number(((performance.now() - begin) / 1000).toFixed(1));
  return {
    reference: `${owner}/${name}/${version ?? commit}`,
    version,
    build: commit,
    seconds,
    unchanged: before !== null,
  };
};

export const deployCommand: Command = {
  name: 'deploy',
  summary: 'deploy an algorithm from a folder',
  help,
  options: {
    owner: { type: 'string' },
    name: { type: 'string' },
    private: { type: 'boolean' },
    'no-publish': { type: 'boolean' },
    major: { type: 'boolean' },
    revision: { type: 'boolean' },
  },
  run: async (invocation) => {
    const { terminal } = invocation;
    const done = await deploy(invocation);
    const how = done.unchanged ? 'unchanged since it was published' : `ready in ${done.seconds} s`;
    if (terminal.json) terminal.value(done);
    else terminal.line(`${done.reference}  ${how}  (build ${done.build.slice(0, 8)})`);
  },
};
