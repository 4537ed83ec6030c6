/** What a consumer says about a partition beside the committed offset (the low-water mark), for whoever takes it over. */
export interface OffsetMetadata {
  /** Transactional id of the owner, to be fenced after its death; empty when it publishes without transactions. */
  readonly owner: string;
  /** True when the owner let go in order: nothing of it is running. */
  readonly drained: boolean;
  /** Where to go on reading: everything between the committed offset and this is finished, but for the holes. */
  readonly next: number;
  /** Unfinished offsets from the committed one to below `next`, ascending. */
  readonly holes: readonly number[];
  /** The record that was opened alone after a death, while it is open. */
  readonly marked: number | null;
  /** Unfinished records that were open alone when an owner died, and how often. */
  readonly blamed: ReadonlyMap<number, number>;
}

/**
 * Span from the low-water mark to `next` that fits `limits.commitMetadataBytes` with `limits.inFlightPerPartition`
 * holes wherever they lie: 4 characters are needed for a gap above 32,767, and at most 512 such gaps fit into it, so
 * the holes take 3.6 KB at most. Consumers stop taking above it.
 */
export const offsetSpanMax = 2 ** 24;

const version = 'm1';
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Five bits a character, the lowest first; a character of the upper half of the alphabet is followed by another. */
const writeNumber = (value: number): string => {
  let text = '';
  let rest = value;
  while (rest >= 32) {
    text += alphabet.charAt(32 + (rest % 32));
    rest = Math.floor(rest / 32);
  }
  return text + alphabet.charAt(rest);
};

const readNumbers = (text: string): number[] | undefined => {
  const numbers: number[] = [];
  let value = 0;
  let factor = 1;
  for (const character of text) {
    const digit = alphabet.indexOf(character);
    if (digit < 0) return undefined;
    value += (digit % 32) * factor;
    factor *= 32;
    if (digit >= 32) continue;
    numbers.push(value);
    value = 0;
    factor = 1;
  }
  return factor === 1 && numbers.every(Number.isSafeInteger) ? numbers : undefined;
};

const writeHoles = (offset: number, holes: readonly number[]): string => {
  let text = '';
  let from = offset;
  for (const hole of holes) {
    text += writeNumber(hole - from);
    from = hole + 1;
  }
  return text;
};

const readHoles = (offset: number, text: string): number[] | undefined => {
  let from = offset;
  return readNumbers(text)?.map((gap) => {
    const hole = from + gap;
    from = hole + 1;
    return hole;
  });
};

const writeBlamed = (offset: number, blamed: ReadonlyMap<number, number>): string =>
  [...blamed].map(([each, count]) => writeNumber(each - offset) + writeNumber(count)).join('');

const readBlamed = (offset: number, text: string): Map<number, number> | undefined => {
  const numbers = readNumbers(text);
  if (numbers === undefined || numbers.length % 2 !== 0) return undefined;
  const blamed = new Map<number, number>();
  for (let at = 0; at < numbers.length; at += 2) blamed.set(offset + (numbers[at] ?? 0), numbers[at + 1] ?? 0);
  return blamed;
};

/** Text of the metadata beside the committed `offset`; offsets in it are not below that one. ASCII but for the owner. */
export const encodeOffsetMetadata = (offset: number, metadata: OffsetMetadata): string =>
  [
    version,
    metadata.drained ? 'd' : 'u',
    writeNumber(metadata.next - offset),
    writeHoles(offset, metadata.holes),
    metadata.marked === null ? '' : writeNumber(metadata.marked - offset),
    writeBlamed(offset, metadata.blamed),
    metadata.owner,
  ].join('.');

const form = new RegExp(`^${version}\\.([du])\\.([\\w-]+)\\.([\\w-]*)\\.([\\w-]*)\\.([\\w-]*)\\.(.*)$`, 's');

interface Texts {
  readonly flag: string;
  readonly next: string;
  readonly holes: string;
  readonly marked: string;
  readonly blamed: string;
  readonly owner: string;
}

const split = (text: string): Texts | undefined => {
  const [, flag, next, holes = '', marked = '', blamed = '', owner = ''] = form.exec(text) ?? [];
  return flag === undefined || next === undefined ? undefined : { flag, next, holes, marked, blamed, owner };
};

/** The metadata that stands beside the committed `offset`; undefined when the text is not of this form (a tool's commit). */
export const decodeOffsetMetadata = (offset: number, text: string): OffsetMetadata | undefined => {
  const texts = split(text);
  if (texts === undefined) return undefined;
  const next = readNumbers(texts.next)?.[0];
  const holes = readHoles(offset, texts.holes);
  const marked = readNumbers(texts.marked);
  const blamed = readBlamed(offset, texts.blamed);
  if (next === undefined || !holes || !marked || !blamed) return undefined;
  const [markedGap] = marked;
  return {
    owner: texts.owner,
    drained: texts.flag === 'd',
    next: offset + next,
    holes,
    marked: markedGap === undefined ? null : offset + markedGap,
    blamed,
  };
};
