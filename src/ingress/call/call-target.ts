/** What the path of a call names. */
export interface CallTarget {
  /** Empty when `algorithmId` is set. */
  readonly owner: string;
  readonly name: string;
  /** UUID form of the path; null for owner and name. */
  readonly algorithmId: string | null;
  /** As sent; null: the newest published version. */
  readonly selector: string | null;
  /** The path as sent, for the text of the 404. */
  readonly reference: string;
}

export const callPrefix = '/v1/algo/';
const uuidSegment = /^[A-Za-z0-9]{8}-[A-Za-z0-9]{4}-[A-Za-z0-9]{4}-[A-Za-z0-9]{4}-[A-Za-z0-9]{12}$/;
const algoScheme = 'algo://';

const decoded = (path: string): string | null => {
  if (!path.includes('%')) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return null;
  }
};

const byId = (segments: readonly string[], reference: string): CallTarget | null => {
  const [id = '', selector = null] = segments;
  return segments.length > 2 ? null : { owner: '', name: '', algorithmId: id.toLowerCase(), selector, reference };
};

const byName = (segments: readonly string[], reference: string): CallTarget | null => {
  const [owner = '', name = '', selector = null] = segments;
  if (segments.length > 3 || owner === '' || name === '') return null;
  return { owner, name, algorithmId: null, selector, reference };
};

/**
 * Reads `OWNER/ALGO[/VERSION]` or `ALGORITHM_ID[/VERSION]`, with or without `algo://` before and a slash behind.
 * Null when it has another form; such a path names nothing.
 */
export const parseCallPath = (path: string): CallTarget | null => {
  const whole = decoded(path.slice(callPrefix.length));
  if (whole === null) return null;
  const reference = whole.startsWith(algoScheme) ? whole.slice(algoScheme.length) : whole;
  const segments = (reference.endsWith('/') ? reference.slice(0, -1) : reference).split('/');
  return uuidSegment.test(segments[0] ?? '') ? byId(segments, reference) : byName(segments, reference);
};
