import { posix } from 'node:path';

/** Folders of the root that are links into `usr/`, as on every system of today. */
export const merged = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'];

/** Where a path of a package lies in the tree. */
export const mergedPath = (path) =>
  merged.includes(path.split('/')[1]) ? posix.normalize(`/usr${path}`) : posix.normalize(path);
