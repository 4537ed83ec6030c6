import { sourceErrors } from './errors.ts';

// Control characters break line-based protocols; U+FFFD stands where a name was not UTF-8.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const badCharacters = /[\u0000-\u001f\u007f\ufffd]/;

/**
 * The path of an entry without `./` and final `/`; the empty text for the root itself. Throws `SOURCE_BAD_PATH` for
 * paths that lead outside or that cannot be handled safely.
 */
export const entryPathOf = (name: string): string => {
  const segments = name.split('/').filter((segment, index) => segment !== '.' && (segment !== '' || index === 0));
  if (segments.length > 1 && segments[0] === '') throw badPath(name, 'it is absolute');
  if (segments.includes('..')) throw badPath(name, 'it leads out of the folder');
  if (badCharacters.test(name)) throw badPath(name, 'it contains control characters or is not UTF-8');
  return segments.join('/');
};

/** The error for an entry's path. */
export const badPath = (name: string, why: string, cause?: unknown) =>
  sourceErrors.BAD_PATH({ message: `The path ${JSON.stringify(name.slice(0, 300))} is refused: ${why}.`, cause });

/**
 * True when a symbolic link at `path` can only lead to places inside the folder, whatever other links there are: the
 * target is relative, climbs no higher than the root, and climbs only at its beginning (a `..` after a name could
 * start from wherever another link leads).
 */
export const linkStaysInside = (path: string, target: string): boolean => {
  if (target === '' || target.startsWith('/') || target.includes('\0')) return false;
  const segments = target.split('/').filter((segment) => segment !== '' && segment !== '.');
  const climbs = segments.findIndex((segment) => segment !== '..');
  const height = climbs === -1 ? segments.length : climbs;
  const depth = path.split('/').length - 1;
  return height <= depth && !segments.slice(height).includes('..');
};

/** Throws `SOURCE_LINK_OUTSIDE` unless {@link linkStaysInside}. */
export const checkLink = (path: string, target: string): void => {
  if (linkStaysInside(path, target)) return;
  const quoted = JSON.stringify(target.slice(0, 300));
  throw sourceErrors.LINK_OUTSIDE({
    message: `The symbolic link ${path} to ${quoted} could lead out of the folder: only relative links to what lies inside are taken.`,
    details: { path },
  });
};
