// HTTP request -> $REQUESTS (4 partitions) -> wait for the record with the same key on $RESULTS -> HTTP answer.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { batcher, consume } from './log.mjs';

const { REQUESTS, RESULTS, PORT } = process.env;
const push = batcher('floor-gateway');
const waiting = new Map();
await consume('gateway', RESULTS, 'latest', (message) => {
  const id = message.key.toString();
  const answer = waiting.get(id);
  if (answer === undefined) return;
  waiting.delete(id);
  answer(message.value);
});
let turn = 0;
createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const id = randomUUID();
    waiting.set(id, (value) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': value.length });
      response.end(value);
    });
    const value = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
    push({ topic: REQUESTS, partition: turn++ % 4, key: Buffer.from(id), value });
  });
}).listen(Number(PORT), '127.0.0.1', () => console.log('gateway up'));
