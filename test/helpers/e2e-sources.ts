import type { SourceFiles } from './e2e-client.ts';

/** Sources of small algorithms. */

const python = (name: string, code: string, manifest = ''): SourceFiles => ({
  'millrace.yaml': `name: ${name}\nlanguage: python3\nmemory_mb: 128\n${manifest}`,
  'src/__init__.py': '',
  [`src/${name}.py`]: code,
});

const javascript = (name: string, code: string, more: SourceFiles = {}): SourceFiles => ({
  'millrace.yaml': `name: ${name}\nlanguage: javascript\nmemory_mb: 256\n`,
  'package.json': `${JSON.stringify({ name: name.toLowerCase(), version: '1.0.0', private: true })}\n`,
  [`src/${name}.js`]: code,
  ...more,
});

export const sources = { python, javascript };

/** Answers with its input; `{"do": …}` makes it misbehave in the way named. */
export const probe = (name: string): SourceFiles =>
  python(
    name,
    `import sys
import threading
import time


class OddError(Exception):
    error_type = "OddError"


def fail(kind):
    error = Exception("went wrong")
    error.error_type = kind
    raise error


def apply(input):
    if not isinstance(input, dict) or "do" not in input:
        return input
    do = input["do"]
    if do == "type":
        return type(input["of"]).__name__
    if do == "raise":
        fail(input["type"])
    if do == "divide":
        return 1 / 0
    if do == "print":
        print("to stdout")
        print("to stderr", file=sys.stderr)
        return "printed"
    if do == "sleep":
        time.sleep(input["seconds"])
        return "slept"
    if do == "eat":
        held = []
        while True:
            held.append(bytearray(8 * 1024 * 1024))
    if do == "text":
        return "x" * input["bytes"]
    if do == "bytes":
        return bytes(input["bytes"])
    if do == "exit":
        threading.Thread(target=time.sleep, args=(60,)).start()
        sys.exit(3)
    if do == "unicode":
        return "Grüße, 世界 \\U0001f9ca"
`,
  );
