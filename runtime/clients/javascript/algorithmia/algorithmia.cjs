'use strict';
// const client = Algorithmia(); client.algo('OWNER/ALGO').pipe(input).then((response) => response.get());
// client.file('data://…') and client.dir('data://…') reach the data API. On the platform no key is needed.
const { Algorithm } = require('./algorithm.cjs');
const { Dir, File } = require('./data.cjs');
const { exchange } = require('./http.cjs');

const defaultAddress = 'https://api.algorithmia.com';

class Client {
  constructor(key, address) {
    this.key = key ?? process.env.ALGORITHMIA_API_KEY ?? process.env.ALGORITHMIA_DEFAULT_API_KEY;
    const known = address ?? process.env.ALGORITHMIA_API ?? process.env.ALGORITHMIA_API_ADDRESS;
    this.address = (known ?? defaultAddress).replace(/\/$/, '');
  }

  algo(ref) {
    return new Algorithm(this, ref);
  }

  algorithm(ref) {
    return new Algorithm(this, ref);
  }

  file(uri) {
    return new File(this, uri);
  }

  dir(uri) {
    return new Dir(this, uri);
  }

  /** Sends metrics that belong to the running request. */
  reportInsights(insights) {
    return this.request('POST', '/v1/insights', Buffer.from(JSON.stringify(insights)), 'application/json');
  }

  /** Resolves with `{ status, headers, body }`, whatever the status is. */
  request(method, path, body, type) {
    const headers = {};
    if (this.key) headers.Authorization = `Simple ${this.key}`;
    // Code that outlives its request is told from the next one by its number; the runner keeps it.
    const number = globalThis[Symbol.for('millrace.run')]?.getStore();
    if (number !== undefined) headers['X-Millrace-Run'] = number;
    if (type !== undefined) headers['Content-Type'] = type;
    if (body !== undefined) headers['Content-Length'] = body.length;
    return exchange(new URL(this.address + path), { method, headers }, body);
  }
}

const algorithmia = (key, address) => new Client(key, address);
algorithmia.client = algorithmia;
algorithmia.algo = (ref) => new Client().algo(ref);
algorithmia.file = (uri) => new Client().file(uri);
algorithmia.dir = (uri) => new Client().dir(uri);
algorithmia.default = algorithmia;
module.exports = algorithmia;
