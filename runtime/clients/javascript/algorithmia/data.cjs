'use strict';
// Files and folders of the data API. With a callback each method does as the vendor's client; without one it gives a
// promise, which is rejected with the platform's message.
const { readFile } = require('node:fs');
const { basename } = require('node:path');

const octets = 'application/octet-stream';
const json = 'application/json';

/** What the vendor's client hands to callbacks: the body, or an object with the error. */
const bodyOf = ({ status, headers, body }) => {
  const type = headers['content-type'] ?? '';
  const text = body.toString('utf8');
  let read = type.startsWith('text/plain') ? text : body;
  if (type.startsWith(json)) read = text === '' ? {} : JSON.parse(text);
  if (status >= 200 && status < 300) return read;
  const message = read?.error?.message ?? headers['x-error-message'] ?? `HTTP Response: ${status}`;
  return { error: { message } };
};

class Data {
  constructor(client, uri) {
    this.client = client;
    this.data_path = uri.replace(/^data:\/\//, '').replace(/^\/|\/$/g, '');
  }

  basename() {
    return this.data_path.slice(this.data_path.lastIndexOf('/') + 1);
  }

  parent() {
    const at = this.data_path.lastIndexOf('/');
    return at < 0 ? null : new Dir(this.client, this.data_path.slice(0, at));
  }

  /** Resolves with `{ status, body }`: a broken connection is status 500 with an error. */
  async ask(method, { query = '', body, type, path = this.data_path } = {}) {
    const encoded = path.split('/').map(encodeURIComponent).join('/').replaceAll('%3A', ':').replaceAll('%2B', '+');
    try {
      const answer = await this.client.request(method, `/v1/data/${encoded}${query}`, body, type);
      return { status: answer.status, body: bodyOf(answer), bytes: answer.body };
    } catch (error) {
      return { status: 500, body: { error: { message: error.message } }, bytes: Buffer.alloc(0) };
    }
  }

  /** Calls back with (body, status), or promises what `pick` makes of the answer. */
  deliver(asked, callback, pick = (answer) => answer.body) {
    if (callback !== undefined) return void asked.then((answer) => callback(answer.body, answer.status));
    return asked.then((answer) => {
      if (answer.status >= 300) throw new Error(answer.body.error.message);
      return pick(answer);
    });
  }

  answerExists(asked, callback) {
    if (callback === undefined) return asked.then(({ status }) => status === 200);
    return void asked.then(({ status, body }) => (status === 200 ? callback(true) : callback(false, status, body)));
  }
}

class File extends Data {
  /** Calls back with (error, content). */
  get(callback) {
    const asked = this.ask('GET');
    if (callback === undefined) return this.deliver(asked, undefined, ({ bytes }) => bytes);
    return void asked.then(({ status, body, bytes }) => (status < 300 ? callback(null, bytes) : callback(body.error, null)));
  }

  getString(callback) {
    const asked = this.ask('GET').then((answer) =>
      answer.status < 300 ? { ...answer, body: answer.bytes.toString('utf8') } : answer,
    );
    return this.deliver(asked, callback);
  }

  getJson(callback) {
    const asked = this.ask('GET').then((answer) =>
      answer.status < 300 ? { ...answer, body: JSON.parse(answer.bytes.toString('utf8')) } : answer,
    );
    return this.deliver(asked, callback);
  }

  put(content, callback) {
    return this.deliver(this.ask('PUT', { body: Buffer.from(content), type: octets }), callback);
  }

  putString(content, callback) {
    return this.deliver(this.ask('PUT', { body: Buffer.from(content), type: 'text/plain' }), callback);
  }

  /** Takes JSON as text, as the vendor's client does, or a value. */
  putJson(content, callback) {
    const text = typeof content === 'string' ? content : JSON.stringify(content);
    return this.deliver(this.ask('PUT', { body: Buffer.from(text), type: json }), callback);
  }

  exists(callback) {
    return this.answerExists(this.ask('HEAD'), callback);
  }

  delete(callback) {
    return this.deliver(this.ask('DELETE'), callback);
  }
}

class Dir extends Data {
  file(name) {
    return new File(this.client, `${this.data_path}/${name}`);
  }

  create(callback) {
    const body = Buffer.from(JSON.stringify({ name: this.basename() }));
    const path = this.parent()?.data_path ?? '';
    return this.deliver(this.ask('POST', { path, body, type: json }), callback);
  }

  putFile(filePath, callback) {
    const read = new Promise((resolve, reject) => {
      readFile(filePath, (error, content) => (error === null ? resolve(content) : reject(error)));
    });
    const put = read.then((content) => this.file(basename(filePath)).ask('PUT', { body: content, type: octets }));
    return this.deliver(put, callback);
  }

  exists(callback) {
    return this.answerExists(this.ask('GET'), callback);
  }

  delete(force, callback) {
    const given = typeof force === 'function' ? force : callback;
    return this.deliver(this.ask('DELETE', { query: force === true ? '?force=true' : '' }), given);
  }

  /** `for await (const item of dir)`: folders of a page first, then its files. */
  async *[Symbol.asyncIterator]() {
    let query = '';
    do {
      const page = await this.deliver(this.ask('GET', { query }));
      for (const { name } of page.folders ?? []) yield new Dir(this.client, `${this.data_path}/${name}`);
      for (const { filename, last_modified, size } of page.files ?? []) {
        yield Object.assign(this.file(filename), { last_modified, size });
      }
      query = page.marker ? `?marker=${encodeURIComponent(page.marker)}` : null;
    } while (query !== null);
  }

  /** `next(callback)` calls back with (error, item); no item: that was the last. */
  iterator() {
    const items = this[Symbol.asyncIterator]();
    return {
      next: (callback) => {
        items.next().then(
          ({ value }) => callback(null, value),
          (error) => callback({ message: error.message }, undefined),
        );
      },
    };
  }

  /** Calls back with (error, item) for each; the promise is resolved after the last. */
  async forEach(callback) {
    try {
      for await (const item of this) callback(null, item);
    } catch (error) {
      callback({ message: error.message }, undefined);
    }
  }

  forEachFile(callback) {
    return this.forEach((error, item) => (error !== null || item instanceof File) && callback(error, item));
  }

  forEachDir(callback) {
    return this.forEach((error, item) => (error !== null || item instanceof Dir) && callback(error, item));
  }
}

Object.assign(exports, { Dir, File });
