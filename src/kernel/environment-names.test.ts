import { expect, test } from 'vitest';
import { environmentOfName } from './environment-names.ts';

const known = ['python3', 'python39', 'javascript', 'java11'];
const meant = (name: string): string | null => environmentOfName(name, (id) => known.includes(id));

test.each([
  ['python-2.x-1', 'python3'],
  ['python-3.x-1', 'python3'],
  ['python2-langpack', 'python3'],
  ['python3-1', 'python3'],
  ['python3', 'python3'],
  ['python3.7', 'python3'],
  ['python3.9', 'python39'],
  ['Python 3.9', 'python39'],
  ['Python 3.7 + TensorFlow GPU 1.14', 'python3'],
  ['python39', 'python39'],
  ['python3-image', 'python3'],
  ['anaconda3x', 'python3'],
  ['node-5.x-1', 'javascript'],
  ['javascript', 'javascript'],
  ['java-ojdk11', 'java11'],
])('the name %s means the environment %s', (name, environment) => {
  expect(meant(name)).toBe(environment);
});

test.each([
  'java',
  'java3',
  'scala-2-sbt-1.3',
  'ruby-2.2-1',
  'rust',
  'r',
  'r36',
  'csharp-dotnet-core2',
  'cobol',
  'Xpython3',
])('the name %s means nothing where no environment runs it', (name) => {
  expect(meant(name)).toBeNull();
});
