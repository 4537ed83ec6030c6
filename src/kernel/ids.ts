/**
 * Branded identifiers. A brand costs nothing at run time and keeps one kind of id from being passed for another.
 * `as` is allowed here because this is where text becomes an id.
 */

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** `req-` and a UUID: the platform's id of one call, the same through every attempt. */
export type RequestId = Branded<'RequestId'>;
/** The name of a user or an organisation, lower case: names are matched without regard to case. */
export type AccountName = Branded<'AccountName'>;
/** UUID of an algorithm. */
export type AlgorithmId = Branded<'AlgorithmId'>;
/** The 40-hex git commit that a build was made of; it is the build's id. */
export type BuildHash = Branded<'BuildHash'>;
/** UUID of an API key (never the key itself). */
export type KeyId = Branded<'KeyId'>;
/** UUID of a control command; a repeated id is answered as the first was. */
export type CommandId = Branded<'CommandId'>;

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const requestIdPattern = /^req-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const buildHashPattern = /^[0-9a-f]{40}$/;

/** True for a lower-case UUID. */
export const isUuid = (text: string): boolean => uuidPattern.test(text);
/** True for the form of a request id. */
export const isRequestId = (text: string): text is RequestId => requestIdPattern.test(text);
/** True for a full lower-case commit hash. */
export const isBuildHash = (text: string): text is BuildHash => buildHashPattern.test(text);

/** Makes a request id of a UUID. The caller vouches for the UUID's form. */
export const requestIdOf = (uuid: string): RequestId => `req-${uuid}` as RequestId;
/** Folds a name as sent into the form under which accounts are stored. */
export const accountNameOf = (text: string): AccountName => text.toLowerCase() as AccountName;
/** Takes text that is known to be an algorithm's UUID (from a validated record or a fresh UUID). */
export const algorithmIdOf = (uuid: string): AlgorithmId => uuid as AlgorithmId;
/** Takes text that is known to be a key's UUID. */
export const keyIdOf = (uuid: string): KeyId => uuid as KeyId;
/** Takes text that is known to be a command's UUID. */
export const commandIdOf = (uuid: string): CommandId => uuid as CommandId;
/** Takes text that is known to be a commit hash (see {@link isBuildHash}). */
export const buildHashOf = (hash: string): BuildHash => hash as BuildHash;
