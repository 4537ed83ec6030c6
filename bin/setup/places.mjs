import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** Where things lie in the repository. */
export const places = {
  root: at(''),
  lockFile: at('package-lock.json'),
  /** npm's own record of what is installed. */
  installedLockFile: at('node_modules/.package-lock.json'),
  modules: at('node_modules'),
  nodeBinary: at('node_modules/node/bin/node'),
  nodePackage: at('node_modules/node/package.json'),
  binaries: at('node_modules/.bin'),
  kafkaProject: at('runtime/kafka/pom.xml'),
  kafkaChecksums: at('runtime/kafka/checksums.sha256'),
  kafkaJars: at('.kafka'),
};
