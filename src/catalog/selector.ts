import { type BuildHash, isBuildHash } from '../kernel/ids.ts';
import { parseSemantic } from './semantic.ts';

/** What the last part of an algorithm's address asks for. */
export type Selector =
  | { readonly kind: 'latest' }
  | { readonly kind: 'latest-private' }
  | { readonly kind: 'exact'; readonly semantic: string }
  | { readonly kind: 'within'; readonly major: number; readonly minor: number | null }
  | { readonly kind: 'build'; readonly hash: BuildHash };

const within = /^(\d{1,9})(?:\.(?:(\d{1,9})|[*x]))?(?:\.[*x])?$/;

/**
 * Reads a selector: none, `latest`, `latestPublic`, `latestPrivate`, `1`, `1.*`, `1.2`, `1.2.*`, `1.2.3` (`x` is `*`)
 * or a 40-hex build hash. Null when it is none of these.
 */
export const parseSelector = (text: string | null): Selector | null => {
  if (text === null || text === '' || text === 'latest' || text === 'latestPublic') return { kind: 'latest' };
  if (text === 'latestPrivate') return { kind: 'latest-private' };
  const hash = text.toLowerCase();
  if (isBuildHash(hash)) return { kind: 'build', hash };
  if (parseSemantic(text) !== null) return { kind: 'exact', semantic: text };
  const match = within.exec(text);
  if (match === null) return null;
  return { kind: 'within', major: Number(match[1]), minor: match[2] === undefined ? null : Number(match[2]) };
};
