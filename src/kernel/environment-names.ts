/**
 * The vendor named languages differently over the years: in the API, in templates and in every `algorithmia.conf`. Here
 * they are brought together with environments.
 */

const families: readonly { readonly names: RegExp; readonly environments: readonly string[] }[] = [
  // Sources for Python 2 as well: they are tried with the only Python that is left.
  { names: /^(python|anaconda|conda)/, environments: ['python3'] },
  { names: /^(javascript|node)/, environments: ['javascript'] },
  { names: /^java(11|17|21|-?ojdk|-?openjdk)/, environments: ['java11', 'java'] },
  { names: /^java/, environments: ['java8', 'java'] },
  { names: /^scala/, environments: ['scala'] },
  { names: /^ruby/, environments: ['ruby'] },
  { names: /^rust/, environments: ['rust'] },
  { names: /^r([0-9]|$)/, environments: ['r'] },
  { names: /^csharp/, environments: ['csharp'] },
];

/** `python3.9`, `python-3.9` and `Python 3.9 (Beta)` mean the environment of that release, where there is one. */
const releaseOf = (name: string): readonly string[] => {
  const minor = /^python[- ]?3\.(\d+)/.exec(name)?.[1];
  return minor === undefined ? [] : [`python3${minor}`];
};

/**
 * The environment that a name means: an environment's own id, or the vendor's name of a language or an environment. Null
 * when nothing that is known fits.
 */
export const environmentOfName = (name: string, isKnown: (id: string) => boolean): string | null => {
  if (isKnown(name)) return name;
  const plain = name.trim().toLowerCase();
  const family = families.find(({ names }) => names.test(plain))?.environments ?? [];
  return [plain, ...releaseOf(plain), ...family].find(isKnown) ?? null;
};
