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
/** The 40-hex git commit that a build was made of; it is the build's id. */
export type BuildHash = Branded<'BuildHash'>;

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
/** Takes text that is known to be a commit hash (see {@link isBuildHash}). */
export const buildHashOf = (hash: string): BuildHash => hash as BuildHash;
