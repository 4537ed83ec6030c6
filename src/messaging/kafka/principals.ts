import { pbkdf2, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import {
  type Acl,
  type AclOperationValue,
  alterUserScramCredentialsV0,
  createAclsV3,
  deleteAclsV3,
  describeAclsV3,
} from '@platformatic/kafka';
import type { Grant } from '../messaging.ts';
import { codeError } from './cluster.ts';
import type { Link } from './link.ts';

export interface Principal {
  readonly name: string;
  readonly password: string;
  /** Topic names as the broker has them. */
  readonly grants: readonly Grant[];
}

const scramSha512 = 2;
const iterations = 4096;
const keyBytes = 64;
const any = 1;
const allow = 3;
const resourceTypes = { topic: 2, group: 3 } as const;
const patternTypes = { literal: 3, prefixed: 4 } as const;
const operations: Record<Grant['operations'][number], AclOperationValue> = { read: 3, write: 4, describe: 8 };

const derive = promisify(pbkdf2);

/**
 * Makes the principal with its password and brings its access list to exactly these grants: what is missing is added
 * first, what is too much is removed then. May be repeated. Throws `MESSAGING_FORBIDDEN`, `MESSAGING_UNAVAILABLE`.
 */
export const ensurePrincipal = async (link: Link, principal: Principal): Promise<void> => {
  await setPassword(link, principal);
  const wanted = aclsOf(principal);
  const present = await presentAcls(link, principal.name);
  const key = (acl: Acl): string =>
    JSON.stringify([acl.resourceType, acl.resourcePatternType, acl.resourceName, acl.operation]);
  const wantedKeys = new Set(wanted.map(key));
  const presentKeys = new Set(present.map(key));
  const missing = wanted.filter((acl) => !presentKeys.has(key(acl)));
  const extra = present.filter((acl) => !wantedKeys.has(key(acl)));
  const doing = `setting the access list of ${principal.name}`;
  if (missing.length > 0) {
    const { results } = await link.call(createAclsV3, missing);
    for (const each of results) if (each.errorCode !== 0) throw codeError(each.errorCode, doing);
  }
  if (extra.length > 0) {
    const { filterResults } = await link.call(deleteAclsV3, extra);
    for (const each of filterResults) if (each.errorCode !== 0) throw codeError(each.errorCode, doing);
  }
};

const setPassword = async (link: Link, { name, password }: Principal): Promise<void> => {
  const salt = randomBytes(24);
  const saltedPassword = await derive(password, salt, iterations, keyBytes, 'sha512');
  const upsertion = { name, mechanism: scramSha512, iterations, salt, saltedPassword };
  const { results } = await link.call(alterUserScramCredentialsV0, [], [upsertion]);
  for (const each of results)
    if (each.errorCode !== 0) throw codeError(each.errorCode, `setting the password of ${name}`);
};

const aclsOf = ({ name, grants }: Principal): Acl[] =>
  grants.flatMap((grant) =>
    grant.operations.map((operation) => ({
      resourceType: resourceTypes[grant.resource],
      resourceName: grant.name,
      resourcePatternType: patternTypes[grant.pattern],
      principal: `User:${name}`,
      host: '*',
      operation: operations[operation],
      permissionType: allow,
    })),
  );

const presentAcls = async (link: Link, name: string): Promise<Acl[]> => {
  const response = await link.call(describeAclsV3, {
    resourceType: any,
    resourceName: null,
    resourcePatternType: any,
    principal: `User:${name}`,
    host: null,
    operation: any,
    permissionType: any,
  });
  if (response.errorCode !== 0) throw codeError(response.errorCode, `reading the access list of ${name}`);
  return response.resources.flatMap(({ acls, resourceType, resourceName, resourcePatternType }) =>
    acls.map((acl) => ({ ...acl, resourceType, resourceName, resourcePatternType })),
  );
};
