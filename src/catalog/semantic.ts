/** Semantic version numbers: `MAJOR.MINOR.REVISION`. */
export interface Semantic {
  readonly major: number;
  readonly minor: number;
  readonly revision: number;
}

/** Which part of the number a publication raises. */
export type VersionType = 'major' | 'minor' | 'revision';

const full = /^(\d{1,9})\.(\d{1,9})\.(\d{1,9})$/;

/** The number, or null when the text is no full version. */
export const parseSemantic = (text: string): Semantic | null => {
  const match = full.exec(text);
  return match === null ? null : { major: Number(match[1]), minor: Number(match[2]), revision: Number(match[3]) };
};

/** Text of the number. */
export const formatSemantic = ({ major, minor, revision }: Semantic): string => `${major}.${minor}.${revision}`;

/** Negative when `a` is older, positive when newer, by number and not by date. */
export const compareSemantic = (a: Semantic, b: Semantic): number =>
  a.major - b.major || a.minor - b.minor || a.revision - b.revision;

/** The number after `latest`; without one the first of its kind: 1.0.0, 0.1.0 or 0.0.1. */
export const nextSemantic = (latest: Semantic | null, type: VersionType): Semantic => {
  const { major, minor, revision } = latest ?? { major: 0, minor: 0, revision: 0 };
  switch (type) {
    case 'major':
      return { major: major + 1, minor: 0, revision: 0 };
    case 'minor':
      return { major, minor: minor + 1, revision: 0 };
    case 'revision':
      return { major, minor, revision: revision + 1 };
  }
};
