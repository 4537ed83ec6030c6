import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CliError, exitCodes } from '../cli-error.ts';
import { type Command, type Invocation, textOption, usageError } from '../command.ts';
import { record, text } from '../manifest.ts';

const help = `Usage: millrace new NAME [--language LANGUAGE]
       millrace new --languages

Makes the folder NAME with an algorithm that answers: its handler, a test and a README.

  --language LANGUAGE   python (default), javascript, or a release of Python: python3.9
  --languages           list what the platform runs, and end`;

type Files = Readonly<Record<string, string>>;

const readme = (name: string, edit: string): string => `# ${name}

    bin/millrace run ${name} --text world         # build it here and call it once
    bin/millrace test ${name}                     # its own tests
    bin/millrace serve ${name}                    # on a port, built again when a file changes
    bin/millrace deploy ${name}                   # to the platform
    bin/millrace call admin/${name} --text world

Edit \`${edit}\`: \`apply\` gets the input and returns the result. Load models at the top of the file: it runs once per
sandbox, not once per call. \`millrace.yaml\` says how it is built and run.
`;

const pythonFiles = (name: string, language: string): Files => ({
  'millrace.yaml': `name: ${name}\nlanguage: ${language}\ntest: python3 -m unittest discover -s . -p '*_test.py'\n`,
  'requirements.txt': '# One requirement a line, as for pip.\n',
  'src/__init__.py': '',
  [`src/${name}.py`]: `"""Greets. Input: text, or any JSON value. Output: text."""


def apply(input):
    return f"hello {input}"
`,
  [`src/${name}_test.py`]: `import unittest

from src.${name} import apply


class ${name[0]?.toUpperCase() ?? ''}${name.slice(1)}Test(unittest.TestCase):
    def test_greets(self):
        self.assertEqual(apply("world"), "hello world")
`,
  'README.md': readme(name, `src/${name}.py`),
});

const javascriptFiles = (name: string): Files => ({
  'millrace.yaml': `name: ${name}\nlanguage: javascript\ntest: node --test\n`,
  'package.json': `${JSON.stringify({ name, version: '1.0.0', private: true, dependencies: {} }, null, 2)}\n`,
  [`src/${name}.js`]: `// Greets. Input: text, or any JSON value. Output: text.
exports.apply = (input, done) => {
  done(null, \`hello \${input}\`);
};
`,
  [`test/${name}.test.js`]: `const assert = require('node:assert');
const { test } = require('node:test');
const { apply } = require('../src/${name}.js');

test('greets', (_, done) => {
  apply('world', (error, result) => {
    assert.equal(result, 'hello world');
    done(error);
  });
});
`,
  'README.md': readme(name, `src/${name}.js`),
});

const filesOf = (language: string, name: string): Files => {
  if (language === 'python') return pythonFiles(name, 'python3');
  if (/^python3(\.?\d+)?$/.test(language)) return pythonFiles(name, language);
  if (language === 'javascript') return javascriptFiles(name);
  throw usageError('new', `there is no language "${language}": python, javascript or, for example, python3.9`);
};

const strings = (value: unknown, field: string): readonly string[] =>
  (Array.isArray(value) ? value : []).flatMap((each: unknown) => text(record(each)[field]) ?? []);

/** Names that algorithms can give as their language, each with what it is. */
const listLanguages = async ({ client, terminal }: Invocation): Promise<void> => {
  const path = '/v1/algorithm-environments/edge/languages';
  const environments: { readonly name: string; readonly label: string }[] = [];
  for (const language of strings(await client.json('GET', path), 'name')) {
    const { environments: list } = record(await client.json('GET', `${path}/${language}/environments`));
    const [names, labels] = [strings(list, 'description'), strings(list, 'display_name')];
    environments.push(...names.map((name, at) => ({ name, label: labels[at] ?? name })));
  }
  if (terminal.json) terminal.value(environments);
  else for (const { name, label } of environments) terminal.line(`${name.padEnd(14)}${label}`);
};

export const newCommand: Command = {
  name: 'new',
  summary: 'make the folder of a new algorithm',
  help,
  options: { language: { type: 'string', default: 'python' }, languages: { type: 'boolean' } },
  run: async (invocation) => {
    const { terminal, words, options } = invocation;
    if (options['languages'] === true) {
      await listLanguages(invocation);
      return;
    }
    const [name] = words;
    if (name === undefined || !/^[a-zA-Z][a-zA-Z0-9_]*$/.test(name)) {
      throw usageError('new', 'NAME must begin with a letter and hold letters, digits and underscores');
    }
    const files = filesOf(textOption(options, 'language') ?? 'python', name);
    const existing = await readdir(name).catch(() => []);
    if (existing.length > 0) throw new CliError(`the folder ${name} exists and is not empty`, exitCodes.failed);
    for (const [file, content] of Object.entries(files)) {
      await mkdir(dirname(join(name, file)), { recursive: true });
      await writeFile(join(name, file), content);
    }
    if (terminal.json) terminal.value({ folder: name, files: Object.keys(files) });
    else
      terminal.line(
        `made ${name}/ (${Object.keys(files).join(', ')})\nnext: bin/millrace run ${name} --text world, then bin/millrace deploy ${name}`,
      );
  },
};
