// $REQUESTS -> one of two Python runners (a line on stdin, the answer on a named pipe) -> $RESULTS.
import { execFileSync, spawn } from 'node:child_process';
import { constants, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { batcher, consume } from './log.mjs';

const { REQUESTS, RESULTS, FOLDER, FROM = 'latest', RESULT_PARTITIONS = '1' } = process.env;
const push = batcher('floor-worker');
const idle = [];
const queue = [];

const run = (slot, message) => {
  slot.done = (line) =>
    push({
      topic: RESULTS,
      partition: message.partition % Number(RESULT_PARTITIONS),
      key: message.key,
      value: Buffer.from(line),
    });
  slot.child.stdin.write(`{"content_type":"json","data":${message.value}}\n`);
};
const next = (slot) => {
  const message = queue.shift();
  if (message) run(slot, message);
  else idle.push(slot);
};
const start = (number) => {
  const pipe = join(FOLDER, `answers-${number}`);
  rmSync(pipe, { force: true });
  execFileSync('mkfifo', [pipe]);
  const answers = new Socket({
    fd: openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK),
    readable: true,
    writable: false,
  });
  const child = spawn('/usr/bin/python3', [join(import.meta.dirname, 'runner.py')], {
    env: { OUT: pipe },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const slot = { child, done: null };
  let gathered = '';
  answers.setEncoding('utf8');
  answers.on('data', (text) => {
    gathered += text;
    for (let end = gathered.indexOf('\n'); end >= 0; end = gathered.indexOf('\n')) {
      const line = gathered.slice(0, end);
      gathered = gathered.slice(end + 1);
      const { done } = slot;
      slot.done = null;
      done(line);
      next(slot);
    }
  });
  return new Promise((resolve) => {
    child.stdout.once('data', () => {
      next(slot);
      resolve();
    });
  });
};
await Promise.all([start(0), start(1)]);
await consume('worker', REQUESTS, FROM, (message) => {
  const slot = idle.pop();
  if (slot) run(slot, message);
  else queue.push(message);
});
console.log('worker up');
