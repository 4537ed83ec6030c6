import { describe, expect, inject, it } from 'vitest';
import { createE2eClient } from '../helpers/e2e-client.ts';

/** An environment for each Python that this machine has: Debian's own at least. */

const client = createE2eClient(inject('platform'));

const code = `import enum
import os
import sys

import six
from Algorithmia import ADK
from Algorithmia.errors import AlgorithmException


def load(state):
    state["where"] = os.path.dirname(six.__file__)
    return {}


def apply(input, state):
    if input == "bad":
        raise AlgorithmException("not this", "InputError")
    return {
        "version": "%d.%d" % sys.version_info[:2],
        "state": state,
        "enum": os.path.basename(enum.__file__),
        "six": six.__version__,
    }


ADK(apply, load).init()
`;

const filesFor = (release: string) => ({
  'algorithmia.conf': JSON.stringify({ algoname: `Python${release.replace('.', '')}`, language: `python${release}` }),
  // A package of years ago that took the place of Python's own when it came first.
  'requirements.txt': 'six==1.16.0\nenum34==1.1.10\n',
  '.adk': '',
  'src/__init__.py': '',
  [`src/Python${release.replace('.', '')}.py`]: code,
});

describe('an environment of each Python of this machine', async () => {
  // `as`: what the route's schema says.
  const rows = (await client.ask('GET', '/v1/algorithm-environments/edge/languages/python3/environments')).json() as {
    readonly environments: readonly { readonly display_name: string }[];
  };
  const labels = rows.environments.map((row) => row.display_name);
  const releases = labels.flatMap((label) => /^Python (3\.\d+)$/.exec(label)?.[1] ?? []);

  it('is listed', () => {
    expect(labels).toContain('Python 3');
    expect(releases.length).toBeGreaterThan(0);
  });

  it.each(releases)('builds and runs an algorithm that says python%s in its algorithmia.conf', async (release) => {
    const deployed = await client.deploy(filesFor(release));
    const answer = await client.call(deployed.reference, { body: 'x' });
    expect(answer.json()).toMatchObject({
      result: {
        version: release,
        state: {},
        enum: expect.stringMatching(/^(enum|__init__)\.py$/) as string,
        six: '1.16.0',
      },
    });
    const bad = await client.call(deployed.reference, { body: 'bad' });
    expect(bad.json()).toMatchObject({ error: { message: "'not this'", error_type: 'InputError' } });
  });
});
