// Loads a JavaScript algorithm and serves it on the pipe protocol: one JSON line on stdin, one JSON value on the result
// pipe. Runs inside the sandbox, in the algorithm's folder. `exports.apply = (input, cb)`; a promise is accepted as well.
import { AsyncLocalStorage } from 'node:async_hooks';
import { existsSync, openSync, readdirSync, readFileSync, readSync, writeSync } from 'node:fs';
import { createRequire, registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const resultPipe = process.env.MILLRACE_RESULT_PIPE ?? '/tmp/algoout';
const endpoint = process.env.MILLRACE_ENDPOINT ?? '/run/millrace.sock';

const fail = (message) => {
  process.stderr.write(`${message}\n`);
  process.exit(1);
};

const textOf = (file) => (existsSync(file) ? readFileSync(file, 'utf8').replace(/^\uFEFF/, '') : null);

const nameInConf = () => {
  const text = textOf('algorithmia.conf');
  return text === null ? undefined : JSON.parse(text).algoname;
};

const nameInManifest = () => /^name:\s*["']?([^"'#\s]+)/m.exec(textOf('millrace.yaml') ?? '')?.[1];

const onlySource = () => {
  const files = existsSync('src') ? readdirSync('src').filter((name) => /\.(c|m)?js$/.test(name)) : [];
  if (files.length !== 1) {
    fail(
      `Which file is the algorithm? Name it in algorithmia.conf (algoname) or millrace.yaml (name); src holds ${files.join(', ') || 'no JavaScript file'}.`,
    );
  }
  return files[0].replace(/\.(c|m)?js$/, '');
};

const sourceFile = (folder) => {
  const name = nameInConf() ?? nameInManifest() ?? onlySource();
  const files = ['.js', '.cjs', '.mjs'].map((ending) => join(folder, 'src', name + ending));
  return (
    files.find((file) => existsSync(file)) ?? fail(`The algorithm is called ${name}, but there is no src/${name}.js.`)
  );
};

/** The platform's client, in place of the one that an algorithm may have installed: theirs knows another platform. */
const offerClient = () => {
  const url = new URL('../../clients/javascript/algorithmia/algorithmia.cjs', import.meta.url).href;
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === 'algorithmia' ? { url, format: 'commonjs', shortCircuit: true } : next(specifier, context),
  });
};

const load = async (folder, file) => {
  const require = createRequire(join(folder, 'algorithm.js'));
  try {
    return require(file);
  } catch (error) {
    if (error?.code !== 'ERR_REQUIRE_ESM' && error?.code !== 'ERR_REQUIRE_ASYNC_MODULE') throw error;
    return await import(pathToFileURL(file).href);
  }
};

/** Gives the algorithm an address for the platform's API: a port of this sandbox that leads to its socket outside. */
const openRelay = async () => {
  if (!existsSync(endpoint)) return;
  const net = await import('node:net');
  const server = net.createServer({ allowHalfOpen: true }, (inside) => {
    const outside = net.connect({ path: endpoint, allowHalfOpen: true });
    for (const [from, to] of [
      [inside, outside],
      [outside, inside],
    ]) {
      from.pipe(to);
      from.on('error', () => to.destroy());
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  process.env.ALGORITHMIA_API = `http://127.0.0.1:${server.address().port}`;
};

/** Started ahead of any algorithm: one line on stdin says where one is mounted now. */
const awaitAdoption = () => {
  writeSync(1, 'PIPE_ADOPTABLE\n');
  const bytes = Buffer.alloc(4096);
  let line = '';
  while (!line.endsWith('\n')) {
    const length = readSync(0, bytes);
    if (length === 0) process.exit(0);
    line += bytes.toString('utf8', 0, length);
  }
  process.chdir(JSON.parse(line).adopt);
};

const resultLine = (value) => {
  if (Buffer.isBuffer(value) || value instanceof Uint8Array) {
    const encoded = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
    return `{"result": "${encoded}", "metadata": {"content_type": "binary"}}\n`;
  }
  // What JSON has no word for (undefined, a function) is null.
  const text = JSON.stringify(value) ?? 'null';
  return `{"result": ${text}, "metadata": {"content_type": "${typeof value === 'string' ? 'text' : 'json'}"}}\n`;
};

const describe = (error) => {
  try {
    return String(error);
  } catch {
    return 'An error that cannot be shown as text';
  }
};

/** A little more than the platform keeps, which says that something was cut off. */
const errorTextMax = 66_000;

/** `last` says that this process ends after the answer, so that nobody sends it another request. */
const errorLine = (error, last) => {
  const kind = error?.error_type ?? error?.errorType;
  const message = describe(error).slice(0, errorTextMax);
  const stacktrace = error instanceof Error ? String(error.stack).slice(0, errorTextMax) : '[None]';
  return `${JSON.stringify({ error: { message, error_type: typeof kind === 'string' ? kind : 'AlgorithmError', stacktrace }, last })}\n`;
};

const serve = (apply) => {
  const out = openSync(resultPipe, 'w');
  let answered = true;
  // Which request runs, from 1, for whatever its code starts: the client says it with what it asks for.
  const numbers = new AsyncLocalStorage();
  globalThis[Symbol.for('millrace.run')] = numbers;
  let number = 0;

  const write = (line) => {
    const bytes = Buffer.from(line);
    for (let sent = 0; sent < bytes.length; ) sent += writeSync(out, bytes, sent);
  };
  const answer = (make) => {
    answered = true;
    let line;
    try {
      line = make();
    } catch (error) {
      line = errorLine(error); // a cycle, a BigInt, a toJSON that throws
    }
    write(line);
  };

  const run = (line) => {
    answered = false;
    let settled = false;
    // A second call of the callback is ignored, and so is a promise after it.
    const done = (error, value) => {
      if (settled) return;
      settled = true;
      answer(() => (error === null || error === undefined ? resultLine(value) : errorLine(error)));
    };
    try {
      const request = JSON.parse(line);
      const input = request.content_type === 'binary' ? Buffer.from(request.data, 'base64') : request.data;
      number += 1;
      const returned = numbers.run(number, apply, input, done);
      if (typeof returned?.then === 'function') {
        returned.then(
          (value) => done(null, value),
          (error) => done(error ?? new Error('The promise was rejected without a reason.')),
        );
      } else if (apply.length < 2 && returned !== undefined) done(null, returned);
    } catch (error) {
      done(error ?? new Error('The algorithm threw nothing.'));
    }
  };

  // An error in a later tick leaves the algorithm in an unknown state: the caller learns it, the process ends.
  const crash = (error) => {
    process.stderr.write(`${error?.stack ?? describe(error)}\n`);
    if (!answered) write(errorLine(error, true));
    process.exit(1);
  };
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);

  const parts = [];
  process.stdin.on('data', (chunk) => {
    for (let from = 0; from < chunk.length; ) {
      const end = chunk.indexOf(10, from);
      parts.push(chunk.subarray(from, end < 0 ? chunk.length : end));
      if (end < 0) return;
      const line = Buffer.concat(parts).toString('utf8');
      parts.length = 0;
      from = end + 1;
      run(line);
    }
  });
  process.stdin.on('end', () => process.exit(0));
  process.stdout.write('PIPE_INIT_COMPLETE\n');
};

offerClient();
await openRelay();
if (process.argv[2] === 'adopt') {
  process.argv.length = 2;
  awaitAdoption();
}
const folder = process.cwd();
const file = sourceFile(folder);
const algorithm = await load(folder, file);
const apply = algorithm?.apply ?? algorithm?.default?.apply ?? algorithm?.default ?? algorithm;
if (typeof apply !== 'function') fail(`${file} exports no function apply(input, cb).`);
serve(apply);
