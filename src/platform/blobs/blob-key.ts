import { blobErrors } from './errors.ts';

const keyLengthMax = 1024;
const segmentPattern = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,255}$/;

/** Throws `BLOBS_BAD_KEY` unless the key is segments of `[A-Za-z0-9._-]` joined by `/`, 1,024 characters at most. */
export const checkKey = (key: string): void => {
  if (key.length <= keyLengthMax && key.split('/').every((segment) => segmentPattern.test(segment))) return;
  throw blobErrors.BAD_KEY({
    message: `${JSON.stringify(key.slice(0, 200))} is not a blob key: use segments of A-Z a-z 0-9 . _ - joined by "/".`,
  });
};

/** The error of a key under which nothing is stored. */
export const blobNotFound = (key: string, cause?: unknown) =>
  blobErrors.NOT_FOUND({ message: `There is no blob ${key}; it may have been removed after its time.`, cause });
