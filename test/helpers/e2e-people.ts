import type { E2eClient, WireAnswer } from './e2e-client.ts';

/** Users, organisations and their keys, made through the API by the administrator. */
export interface People {
  /** Makes a user and a key of it that calls everything and manages what is its own; gives the key. */
  user(name: string): Promise<string>;
  /** Makes another key of the user, with these permissions. */
  key(name: string, permissions: object): Promise<string>;
}

const ok = (answer: WireAnswer): unknown => {
  if (answer.status < 200 || answer.status > 299) throw new Error(`${answer.status}: ${answer.text}`);
  return answer.json();
};

/** Makes people on the platform of that client. */
export const createPeople = ({ ask }: E2eClient): People => {
  const key: People['key'] = async (name, permissions) => {
    const body = { key_label: 'test', permissions };
    return (ok(await ask('POST', `/v1/users/${name}/keys`, { body })) as { api_key: string }).api_key;
  };
  return {
    key,
    user: async (name) => {
      ok(await ask('POST', '/v1/users', { body: { username: name, email: `${name}@example.org` } }));
      return await key(name, { allow_algo: true, algo_acl: ['algo://*'], allow_algo_management: true });
    },
  };
};
