// System packages of an algorithm, inside a build sandbox, as an ordinary user. Commands, in a folder of work:
//   platform  prints the name of the system
//   resolve   reads request.json { packages, base }, writes lock.json { platform, packages }
//   install   reads lock.json, fills root/ with `usr/` and `etc/` of those packages
// Everything comes from the package sources of the system that the sandbox shows, signed and checked as apt does it.
// No maintainer script is run; what is done in their place stands in `tree.mjs` and `alternatives.mjs`.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createApt } from './apt.mjs';
import { baseStatus } from './base.mjs';
import { platformOf, statusFile } from './platform.mjs';
import { finishTree, prepareTree, unpack } from './tree.mjs';

const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'));
const say = (text) => process.stdout.write(`${text}\n`);

const resolve = () => {
  const { packages, base } = readJson('request.json');
  const apt = createApt('apt', baseStatus(readFileSync(statusFile, 'utf8'), base));
  apt.update();
  const resolved = apt.resolve(packages);
  const bytes = resolved.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  say(`locked: ${resolved.length} packages, ${(bytes / 2 ** 20).toFixed(1)} MiB, for ${packages.join(' ')}`);
  writeFileSync('lock.json', JSON.stringify({ platform: platformOf(), packages: resolved }));
};

const install = () => {
  const { platform, packages } = readJson('lock.json');
  const here = platformOf();
  if (platform !== here) {
    throw new Error(`The lock holds packages for ${platform}, but this is ${here}: resolve them again.`);
  }
  mkdirSync('debs', { recursive: true });
  const files = createApt('apt', '').download(packages, 'debs');
  prepareTree('root');
  for (const [index, file] of files.entries()) {
    say(`${packages[index].name} ${packages[index].version}`);
    unpack(file, 'root');
  }
  finishTree('root', files);
};

const commands = { platform: () => say(platformOf()), resolve, install };
try {
  commands[process.argv[2]]();
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
