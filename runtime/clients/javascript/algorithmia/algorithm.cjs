'use strict';

const encode = (input) => {
  if (Buffer.isBuffer(input)) return { body: input, type: 'application/octet-stream' };
  if (typeof input === 'string') return { body: Buffer.from(input), type: 'text/plain' };
  return { body: Buffer.from(JSON.stringify(input === undefined ? null : input)), type: 'application/json' };
};

const read = (answer) => {
  try {
    return JSON.parse(answer.body.toString('utf8'));
  } catch {
    return { error: { message: `HTTP Response: ${answer.status}` } };
  }
};

/** What a call was answered with; a failed call is an answer too. */
class Response {
  constructor(answer, status) {
    this.status = status;
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
    if (typeof text !== 'string') throw new TypeError(`Cannot convert ${typeof text} to string`);
    return this.#send(Buffer.from(text), 'application/json');
  }

  #send(body, type) {
    const query = new URLSearchParams(this.query).toString();
    const path = `/v1/algo/${this.algo_path}${query === '' ? '' : `?${query}`}`;
    // A connection that breaks is a failed call, as with the vendor's client: nobody has to catch anything.
    this.promise = this.client.request('POST', path, body, type).then(
      (answer) => new Response(read(answer), answer.status),
      (error) => new Response({ error: { message: error.message } }, 500),
    );
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

exports.Algorithm = Algorithm;
