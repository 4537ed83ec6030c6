import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun } from './command.mjs';
import { places } from './places.mjs';
import { SetupProblem } from './problem.mjs';
import { hashOf, isStamped, stamp } from './stamp.mjs';

const stampFile = join(places.kafkaJars, '.verified');

const expected = () =>
  readFileSync(places.kafkaChecksums, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(/\s+/))
    .map(([hash, name]) => ({ hash, name }));

/** The artefacts in a folder that are missing, differ or are not on the list. */
const faultsOf = (folder) => {
  const list = expected();
  const names = new Set(list.map(({ name }) => name));
  const wrong = list.filter(({ hash, name }) => hashOf(join(folder, name)) !== hash).map(({ name }) => name);
  const extra = readdirSync(folder).filter((name) => name.endsWith('.jar') && !names.has(name));
  return [...wrong, ...extra];
};

/** Apache Kafka, from Maven's repository, checked against the list in the repository. */
export const kafka = {
  title: 'kafka 4.1.1',
  isDone: () =>
    isStamped(stampFile, hashOf(places.kafkaChecksums)) &&
    expected().every(({ name }) => existsSync(join(places.kafkaJars, name))),
  run: async (tell) => {
    const aside = join(places.kafkaJars, '.incoming');
    rmSync(aside, { recursive: true, force: true });
    mkdirSync(aside, { recursive: true });
    tell('mvn dependency:copy-dependencies');
    await mustRun(
      'mvn',
      ['-q', '-B', '-f', places.kafkaProject, 'dependency:copy-dependencies', `-DoutputDirectory=${aside}`],
      { onLine: tell },
    );
    const faults = faultsOf(aside);
    if (faults.length > 0) {
      throw new SetupProblem(
        `These artefacts are not what runtime/kafka/checksums.sha256 says: ${faults.join(', ')}.\nThey lie in ${aside} and are not used. A mirror of Maven's repository may be damaged; remove ~/.m2/repository/org/apache/kafka and try again.`,
      );
    }
    // Java's class archives (`.jsa`) belong to the artefacts that they were made of.
    const stale = readdirSync(places.kafkaJars).filter((name) => /\.(jar|jsa)$/.test(name));
    for (const name of stale) rmSync(join(places.kafkaJars, name));
    for (const { name } of expected()) renameSync(join(aside, name), join(places.kafkaJars, name));
    rmSync(aside, { recursive: true });
    stamp(stampFile, hashOf(places.kafkaChecksums));
    return `${expected().length} artefacts, checksums verified`;
  },
};
