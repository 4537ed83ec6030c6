#!/usr/bin/env node
// `npm start`: set-up, the platform, the demonstration; then it stays up. With --exit it stops after the demonstration.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { places } from './setup/places.mjs';
import { setup } from './setup.mjs';

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const exit = process.argv.includes('--exit');
const { version } = JSON.parse(readFileSync(at('package.json'), 'utf8'));
const say = (text) => process.stderr.write(`${text}\n`);

const ended = (child) =>
  new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve(signal === null ? code : 1));
  });

const nextSteps = ({ address, key, user, dataFolder }) => `
ready    ${address}      key ${key}${process.env.MILLRACE_ADMIN_KEY ? '' : `   (also in ${dataFolder}/admin.key)`}

  call       curl -H 'Authorization: Simple ${key}' -H 'Content-Type: application/json' -d '{"lat":35.7,"lng":139.7,"time":"2026-11-21T03:00:00Z"}' ${address}/v1/algo/${user}/sun_moon
  deploy     bin/millrace deploy examples/sun_moon
  watch      bin/millrace status --watch
  topics     bin/millrace topics && echo '{"lat":35.7,"lng":139.7,"time":0}' | kcat -F ${dataFolder}/kcat-${user}.conf -P -t inbox.${user}.v1 -H ce_id=1 -H ce_subject=${user}/sun_moon -H content-type=application/json

Ctrl-C stops everything. Nothing is lost: start again and it goes on.`;

const main = async () => {
  say(`\nmillrace ${version}\n`);
  if (!(await setup())) return 1;
  const platform = spawn(places.nodeBinary, [at('src/apps/all.ts')], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const platformEnded = ended(platform);
  let stopping = false;
  const stop = () => {
    if (!stopping) say('\nstopping');
    stopping = true;
    platform.kill('SIGTERM');
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, stop);
  const ready = await Promise.race([
    new Promise((resolve) => platform.once('message', resolve)),
    platformEnded.then(() => null),
  ]);
  if (ready === null) return await platformEnded;
  const demonstration = spawn(
    places.nodeBinary,
    ['--disable-warning=TimeoutNegativeWarning', at('src/cli/main.ts'), 'demo'],
    {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, MILLRACE_API: ready.address, MILLRACE_API_KEY: ready.key },
    },
  );
  const shown = await Promise.race([ended(demonstration), platformEnded.then(() => 1)]);
  if (shown !== 0) {
    demonstration.kill('SIGTERM');
    stop();
    await platformEnded;
    return 1;
  }
  say(nextSteps(ready));
  if (exit) stop();
  return await platformEnded;
};

process.exit(await main());
