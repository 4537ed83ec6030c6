import { existsSync, lstatSync, mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { mergedPath } from './merged.mjs';

// Packages offer a program or library under a common name by `update-alternatives` in their script. The scripts are not
// run; the offers are read from them and the one of highest priority becomes a link.

/** Offers in a script: `--install LINK NAME PATH PRIORITY` with `--slave LINK NAME PATH` behind it. */
export const alternativesIn = (script) => {
  const calls = script
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => /update-alternatives\s/.test(line) && /--install\s/.test(line));
  return calls.flatMap((line) => {
    const words = line.replaceAll(/["']/g, '').trim().split(/\s+/);
    const at = words.indexOf('--install');
    const priority = Number(words[at + 4]);
    if (!Number.isFinite(priority)) return [];
    const slaves = words.flatMap((word, n) => (word === '--slave' ? [[words[n + 1], words[n + 3]]] : []));
    return [[words[at + 1], words[at + 3]], ...slaves]
      .filter((pair) => pair.every((path) => /^\/[^$`]+$/.test(path ?? '')))
      .map(([link, path]) => ({ link: mergedPath(link), path: mergedPath(path), priority }));
  });
};

/** Makes the links of the offers whose file is in the tree, where nothing stands in their place. */
export const linkAlternatives = (root, offers) => {
  const best = offers.toSorted((left, right) => right.priority - left.priority);
  for (const { link, path } of best) {
    const taken = lstatSync(join(root, link), { throwIfNoEntry: false }) !== undefined;
    if (taken || !existsSync(join(root, path))) continue;
    mkdirSync(dirname(join(root, link)), { recursive: true });
    symlinkSync(path, join(root, link));
  }
};
