import { Type } from 'typebox';
import { ingressErrors } from '../errors.ts';

/** Query of lists. Read as text: what is wrong with it has codes of its own. */
export const pageQuery = { limit: Type.Optional(Type.String()), marker: Type.Optional(Type.String()) };

/** A page of `results`; both links are null on the last one. */
export const pageOf = <Item extends Type.TSchema>(item: Item) =>
  Type.Object({
    marker: Type.Union([Type.String(), Type.Null()]),
    next_link: Type.Union([Type.String(), Type.Null()]),
    results: Type.Array(item),
  });

const limitDefault = 50;
const limitMax = 1000;

/** The `limit` of a list. Throws `INGRESS_BAD_LIMIT`. */
export const limitOf = (text: string | undefined): number => {
  if (text === undefined || text === '') return limitDefault;
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= limitMax) return limit;
  throw ingressErrors.BAD_LIMIT({
    message: `limit is "${text.slice(0, 20)}": give a whole number from 1 to ${limitMax}`,
  });
};

/** A flag in a query, in any letter case; null when absent or neither. */
export const flagOf = (text: string | undefined): boolean | null => {
  const lower = text?.toLowerCase();
  if (lower === 'true') return true;
  return lower === 'false' ? false : null;
};

export interface PageRequest<Item> {
  readonly items: readonly Item[];
  readonly limit: string | undefined;
  readonly marker: string | undefined;
  /** Absolute address of the list, without query. */
  readonly address: string;
  idOf(item: Item): string;
}

export interface Page<Item> {
  readonly marker: string | null;
  readonly next_link: string | null;
  readonly results: readonly Item[];
}

const startOf = <Item>(page: PageRequest<Item>): number => {
  const { marker } = page;
  if (marker === undefined || marker === '') return 0;
  const last = Buffer.from(marker, 'base64url').toString('utf8');
  const at = page.items.findIndex((item) => page.idOf(item) === last);
  if (at >= 0) return at + 1;
  throw ingressErrors.BAD_MARKER({ message: 'the marker is not known: start again without one' });
};

/** Cuts a page out of a list. A marker names the last item of the page before. Throws `INGRESS_BAD_MARKER`, `INGRESS_BAD_LIMIT`. */
export const cutPage = <Item>(page: PageRequest<Item>): Page<Item> => {
  const limit = limitOf(page.limit);
  const start = startOf(page);
  const results = page.items.slice(start, start + limit);
  const last = results.at(-1);
  if (last === undefined || start + limit >= page.items.length) return { marker: null, next_link: null, results };
  const marker = Buffer.from(page.idOf(last)).toString('base64url');
  return { marker, next_link: `${page.address}?limit=${limit}&marker=${marker}`, results };
};
