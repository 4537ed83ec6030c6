import { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Result } from '../../src/kernel/contracts/contracts.gen.ts';
import { platformTopics, type Topic, topics } from '../../src/kernel/topics.ts';
import { createCodec } from '../../src/messaging/codec.ts';
import { registerSchemas } from '../../src/messaging/registry/external-registry.ts';
import { frameIdOf } from '../../src/messaging/registry/frame.ts';
import { createOwnRegistry } from '../../src/messaging/registry/own-registry.ts';
import { readSchemaFiles, type SchemaFile } from '../../src/messaging/registry/schema-files.ts';
import { pinnedSchemaIds, type SchemaIds } from '../../src/messaging/registry/schema-ids.ts';
import { type Apicurio, prepareApicurio, startApicurio } from '../helpers/apicurio.ts';
import { decodeInPython, prepareConfluentPython } from '../helpers/confluent-python.ts';
import { freePortPair } from '../helpers/free-ports.ts';
import { serveRegistry } from '../helpers/registry-server.ts';

const fetchMs = 600_000;

const result: Result = {
  status: 'failed',
  algorithmId: '0b0f8f2e-5f0e-4b57-9d5a-4d1f8a9c7e11',
  algorithm: 'ada/Hello',
  build: 'a'.repeat(40),
  version: '1.0.0',
  account: 'ada',
  keyId: '7d0a7c52-9f4b-4d0f-8f41-1c5d5b1e1a22',
  origin: 'inbox',
  parent: null,
  session: 'req-3f0d2f5a-58c4-4f6f-a8cb-0fd5f3c6f0b1',
  flow: null,
  causation: null,
  stored: false,
  idempotencyKey: null,
  acceptedAtMs: 1_764_077_250_123,
  takenAtMs: 1_764_077_250_124,
  startedAtMs: 1_764_077_250_124.5,
  finishedAtMs: 1_764_077_250_125.25,
  durationS: 0.00075,
  cold: true,
  cpuS: 0.0005,
  memoryPeakBytes: 12_345_678,
  executor: 'host/1/2',
  stdout: 'Zoë\n',
  error: { message: 'no', errorType: 'ValueError', stacktrace: null },
  contentType: 'text',
  body: Buffer.from('bytes'),
  bodyRef: null,
};

const fullName = (topic: Topic): string => `eu.${topic.name}`;
const resultsSubject = `${fullName(topics.results)}-value`;

const encoded = (ids: SchemaIds): Buffer => {
  const { value } = createCodec({ ids }).encode(topics.results, result, { key: result.session });
  if (value === null) throw new Error('the codec wrote no value');
  return value;
};

const expectDecoded = (decoded: Readonly<Record<string, unknown>>): void => {
  const { body, error, ...rest } = decoded;
  const { body: sentBody, error: sentError, ...sent } = result;
  expect(rest).toEqual(sent);
  expect({ ...(error as object) }).toEqual(sentError);
  expect(Buffer.from(body as Buffer).equals(sentBody ?? Buffer.of())).toBe(true);
};

describe('own registry, read by the clients of others', () => {
  let server: Awaited<ReturnType<typeof serveRegistry>>;
  beforeAll(async () => {
    server = await serveRegistry(createOwnRegistry({ topics: platformTopics(['cpu']), fullName }));
    await prepareConfluentPython();
  }, fetchMs);
  afterAll(async () => await server.close());

  it('lets the JavaScript client decode a record', async () => {
    const registry = new SchemaRegistry({ host: server.url });
    expectDecoded((await registry.decode(encoded(pinnedSchemaIds()))) as Record<string, unknown>);
    expect(await registry.getLatestSchemaId(resultsSubject)).toBe(pinnedSchemaIds().get('result/1'));
  });

  it('lets the Python client decode a record and look at subjects and versions', async () => {
    const decoded = await decodeInPython(server.url, fullName(topics.results), encoded(pinnedSchemaIds()));
    expectDecoded(decoded.value);
    expect(decoded.subjects).toContain(resultsSubject);
    expect(decoded).toMatchObject({ versions: [1], latestId: pinnedSchemaIds().get('result/1') });
  });
});

describe('an external registry (Apicurio)', () => {
  let apicurio: Apicurio;
  const register = async (schemas?: readonly SchemaFile[]): Promise<SchemaIds> =>
    await registerSchemas({
      url: apicurio.url,
      topics: platformTopics(['cpu', 'gpu']),
      fullName,
      ...(schemas && { schemas }),
    });

  beforeAll(async () => {
    await prepareApicurio();
    apicurio = await startApicurio();
  }, fetchMs);
  afterAll(async () => await apicurio.stop());

  it('takes all schemas, gives the ids that records then carry, and the same ids the second time', async () => {
    const ids = await register();
    expect([...ids.keys()].sort()).toEqual(
      readSchemaFiles()
        .map((file) => `${file.contract}/${file.version}`)
        .sort(),
    );
    expect(await register()).toEqual(ids);
    const value = encoded(ids);
    expect(frameIdOf(value)).toBe(ids.get('result/1'));
    const registry = new SchemaRegistry({ host: apicurio.url });
    expectDecoded((await registry.decode(value)) as Record<string, unknown>);
    expect(await registry.getLatestSchemaId(resultsSubject)).toBe(ids.get('result/1'));
  });

  it('lets the Python client decode a record', async () => {
    const decoded = await decodeInPython(apicurio.url, fullName(topics.results), encoded(await register()));
    expectDecoded(decoded.value);
  });

  it('refuses a schema that does not go with what it holds, and the error says which', async () => {
    await register();
    const schemas = readSchemaFiles().map((file) =>
      file.contract === 'build'
        ? { ...file, text: file.text.replace('"requestedBy", "type": "string"', '"requestedBy", "type": "int"') }
        : file,
    );
    await expect(register(schemas)).rejects.toMatchObject({
      code: 'MESSAGING_SCHEMA_REFUSED',
      details: { subject: 'eu.builds.v1-value' },
    });
  });

  it('is unavailable when nothing listens there', async () => {
    const url = `http://127.0.0.1:${await freePortPair()}`;
    await expect(registerSchemas({ url, topics: platformTopics([]), fullName })).rejects.toMatchObject({
      code: 'MESSAGING_UNAVAILABLE',
    });
  });
});
