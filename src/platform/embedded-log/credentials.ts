import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { ensureSecretFile } from '../secrets/secret-file.ts';
import { embeddedLogErrors } from './errors.ts';

const schema = Type.Object({
  /** The platform's own principal: super user of the broker. */
  username: Type.String(),
  password: Type.String(),
  /** For the connection between broker and controller inside the one Kafka process. */
  controllerPassword: Type.String(),
});

/** Who may connect to the embedded log; made at its first start. */
export type EmbeddedLogCredentials = Readonly<Static<typeof schema>>;

/** Name of the principal of broker and controller among themselves. */
export const controllerUsername = 'millrace-controller';

const generate = (): string => {
  const password = (): string => randomBytes(24).toString('base64url');
  return JSON.stringify({ username: 'millrace', password: password(), controllerPassword: password() });
};

/**
 * Reads the credentials in `folder`, or makes them for a new log.
 * @throws `EMBEDDED_LOG_CREDENTIALS_LOST` when there is a log but no readable credentials for it.
 */
export const ensureCredentials = async (folder: string): Promise<EmbeddedLogCredentials> => {
  const file = path.join(folder, 'credentials');
  const advice = `Restore that file from a backup, or remove ${folder}, and with it all data of the log.`;
  if (!existsSync(file) && existsSync(path.join(folder, 'data', 'meta.properties'))) {
    throw embeddedLogErrors.CREDENTIALS_LOST({
      message: `The log in ${folder} has data, but ${file} is missing. ${advice}`,
    });
  }
  const text = await ensureSecretFile(file, generate);
  try {
    return Value.Parse(schema, JSON.parse(text));
  } catch (cause) {
    throw embeddedLogErrors.CREDENTIALS_LOST({ message: `${file} cannot be read as credentials. ${advice}`, cause });
  }
};
