// Which installed packages count as present: those that every system of this kind has, the environment's own, and what
// these depend on. Whatever else happens to be installed here does not count, so that a layer holds all that its
// packages need on every machine, and two machines resolve alike.

const paragraphsOf = (status) =>
  status
    .split('\n\n')
    .filter((text) => text.trim() !== '')
    .map((text) => ({ text, fields: fieldsOf(text) }))
    .filter(({ fields }) => / installed$/.test(fields.Status ?? ''));

const fieldsOf = (text) => {
  const fields = {};
  for (const line of text.split('\n')) {
    const [, name, value] = /^([A-Za-z-]+): ?(.*)$/.exec(line) ?? [];
    if (name !== undefined) fields[name] = value;
  }
  return fields;
};

/** `a (>= 1), b:any | c` as [['a'], ['b', 'c']]. */
const relationsOf = (text = '') =>
  text
    .split(',')
    .map((group) => group.split('|').map((name) => name.trim().replace(/[\s:(].*$/s, '')))
    .filter(([first]) => first !== '');

const isRequired = ({ Essential, Priority }) => Essential === 'yes' || Priority === 'required';

/** The part of dpkg's status that counts as present. */
export const baseStatus = (status, base) => {
  const paragraphs = paragraphsOf(status);
  const byName = new Map();
  for (const paragraph of paragraphs) {
    const provided = relationsOf(paragraph.fields.Provides).flat();
    for (const name of [paragraph.fields.Package, ...provided]) {
      byName.set(name, [...(byName.get(name) ?? []), paragraph]);
    }
  }
  const wanted = [
    ...paragraphs.filter(({ fields }) => isRequired(fields)).map(({ fields }) => fields.Package),
    ...base,
  ];
  const kept = new Set();
  while (wanted.length > 0) {
    for (const paragraph of byName.get(wanted.pop()) ?? []) {
      if (kept.has(paragraph)) continue;
      kept.add(paragraph);
      const { Depends, 'Pre-Depends': before } = paragraph.fields;
      wanted.push(...relationsOf(Depends).flat(), ...relationsOf(before).flat());
    }
  }
  return paragraphs
    .filter((paragraph) => kept.has(paragraph))
    .map(({ text }) => `${text}\n\n`)
    .join('');
};
