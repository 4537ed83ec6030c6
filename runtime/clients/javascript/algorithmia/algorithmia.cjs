'use strict';
// const client = Algorithmia(); client.algo('OWNER/ALGO').pipe(input).then((response) => response.get());
// client.file('data://…') and client.dir('data://…') reach the data API. On the platform no key is needed.
const http = require('node:http');
const https = require('node:https');

const defaultAddress = 'https://api.algorithmia.com';

const encode = (input) => {
  if (Buffer.isBuffer(input)) return { body: input, type: 'application/octet-stream' };
  if (typeof input === 'string') return { body: Buffer.from(input), type: 'text/plain' };
  return { body: Buffer.from(JSON.stringify(input === undefined ? null : input)), type: 'application/json' };
};

class Response {
  constructor(answer) {
    this.result = answer.result;
    this.error = answer.error;
    this.metadata = answer.metadata;
    this.rawResponse = answer;
  }

  /** The result; throws the error of the call. */
  get() {
    if (this.error) throw Object.assign(new Error(this.error.message), { error_type: this.error.error_type });
    return this.metadata?.content_type === 'binary' ? Buffer.from(this.result, 'base64') : this.result;
  }
}

class Algorithm {
  constructor(client, ref) {
    this.client = client;
    this.algo_path = ref.replace(/^algo:\/\//, '').replace(/^\/|\/$/g, '');
    this.promise = null;
    this.query = {};
  }

  setOptions(options) {
    this.query = { ...this.query, ...options };
    return this;
  }

  pipe(input) {
    const { body, type } = encode(input);
    return this.#send(body, type);
  }

  /** The input is JSON already. */
  pipeJson(text) {
    return this.#send(Buffer.from(text), 'application/json');
  }

  #send(body, type) {
    const query = new URLSearchParams(this.query).toString();
    const path = `/v1/algo/${this.algo_path}${query === '' ? '' : `?${query}`}`;
    this.promise = this.client
      .request('POST', path, body, type)
      .then((answer) => new Response(JSON.parse(answer.body.toString('utf8'))));
    return this;
  }

  // biome-ignore lint/suspicious/noThenProperty: the vendor's client is used as a promise
  then(onResponse, onError) {
    return this.promise.then(onResponse, onError);
  }

  catch(onError) {
    return this.promise.catch(onError);
  }
}

const dataPath = (uri) => uri.replace(/^data:\/\//, '').replace(/^\/|\/$/g, '');

class DataObject {
  constructor(client, uri) {
    this.client = client;
    this.data_path = dataPath(uri);
  }

  async send(method, { query = '', body, type } = {}) {
    const path = `/v1/data/${this.data_path.split('/').map(encodeURIComponent).join('/')}${query}`;
    const answer = await this.client.request(method, path.replaceAll('%3A', ':').replaceAll('%2B', '+'), body, type);
    if (answer.status >= 400) {
      throw new Error(answer.headers['x-error-message'] ?? `${method} ${this.data_path} failed with status ${answer.status}`);
    }
    return answer.body;
  }

  /** Calls back with (exists, status, error), or answers a promise when no callback is given. */
  exists(callback) {
    const path = `/v1/data/${this.data_path}`;
    const asked = this.client.request('HEAD', path).then((answer) => answer.status < 400);
    if (callback === undefined) return asked;
    asked.then(
      (there) => callback(there, there ? 200 : 404, null),
      (error) => callback(false, 0, error),
    );
    return undefined;
  }
}

/** Calls back with (error, value) in the vendor's order of arguments, or gives the promise back. */
const deliver = (promise, callback) => {
  if (callback === undefined) return promise;
  promise.then(
    (value) => callback(null, value),
    (error) => callback(error),
  );
  return undefined;
};

class DataFile extends DataObject {
  /** Calls back with (error, bytes); the promise form gives a Buffer. */
  get(callback) {
    return deliver(this.send('GET'), callback);
  }

  getString() {
    return this.send('GET').then((body) => body.toString('utf8'));
  }

  getJson() {
    return this.getString().then(JSON.parse);
  }

  put(content, callback) {
    const body = Buffer.from(content);
    return deliver(this.send('PUT', { body, type: 'application/octet-stream' }), callback);
  }

  putJson(value, callback) {
    const body = Buffer.from(JSON.stringify(value));
    return deliver(this.send('PUT', { body, type: 'application/json' }), callback);
  }

  delete(callback) {
    return deliver(this.send('DELETE'), callback);
  }
}

class DataDirectory extends DataObject {
  file(name) {
    return new DataFile(this.client, `${this.data_path}/${name}`);
  }

  create(callback) {
    const [, parent = '', name = ''] = /^(.*?)\/?([^/]*)$/.exec(this.data_path) ?? [];
    const made = new DataDirectory(this.client, parent).send('POST', {
      body: Buffer.from(JSON.stringify({ name })),
      type: 'application/json',
    });
    return deliver(made, callback);
  }

  delete(force = false, callback = undefined) {
    return deliver(this.send('DELETE', { query: force ? '?force=true' : '' }), callback);
  }
}

class Client {
  constructor(key, address) {
    this.key = key ?? process.env.ALGORITHMIA_API_KEY;
    this.address = (address ?? process.env.ALGORITHMIA_API ?? defaultAddress).replace(/\/$/, '');
  }

  algo(ref) {
    return new Algorithm(this, ref);
  }

  algorithm(ref) {
    return new Algorithm(this, ref);
  }

  file(uri) {
    return new DataFile(this, uri);
  }

  dir(uri) {
    return new DataDirectory(this, uri);
  }

  /** Sends metrics that belong to the running request. */
  reportInsights(insights) {
    return this.request('POST', '/v1/insights', Buffer.from(JSON.stringify(insights)), 'application/json');
  }

  request(method, path, body, type) {
    const url = new URL(this.address + path);
    const headers = {};
    if (this.key) headers.Authorization = `Simple ${this.key}`;
    if (type !== undefined) headers['Content-Type'] = type;
    if (body !== undefined) headers['Content-Length'] = body.length;
    return new Promise((resolve, reject) => {
      const request = (url.protocol === 'http:' ? http : https).request(url, { method, headers }, (answer) => {
        const chunks = [];
        answer.on('data', (chunk) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () => {
          resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(chunks) });
        });
      });
      request.on('error', reject);
      request.end(body);
    });
  }
}

const algorithmia = (key, address) => new Client(key, address);
algorithmia.client = algorithmia;
algorithmia.algo = (ref) => new Client().algo(ref);
algorithmia.file = (uri) => new Client().file(uri);
module.exports = algorithmia;
