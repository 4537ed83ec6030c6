import { describe, expect, it } from 'vitest';
import { fingerprintOf, readReleased, schemaFaults } from './compatibility.ts';
import { readSchemaFiles, type SchemaFile } from './schema-files.ts';

const version = (number: number, fields: readonly object[]): SchemaFile => ({
  contract: 'thing',
  version: number,
  name: `schemas/thing/v${number}.avsc`,
  text: JSON.stringify({ type: 'record', name: 'Thing', namespace: 'millrace.v1', fields }),
});

const text = { name: 'text', type: 'string' };
const level = { name: 'level', type: 'string', default: 'info' };
const first = version(1, [text]);

describe('schema compatibility', () => {
  it('finds nothing wrong with the schemas of this release', () => {
    expect(schemaFaults(readSchemaFiles(), readReleased())).toEqual([]);
  });

  it('accepts a new field with a default and the removal of one', () => {
    expect(schemaFaults([first, version(2, [text, level]), version(3, [text])], {})).toEqual([]);
  });

  it('refuses a new field without a default, because old records lack it', () => {
    const faults = schemaFaults([first, version(2, [text, { name: 'level', type: 'string' }])], {});
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(/^schemas\/thing\/v2.avsc cannot read what schemas\/thing\/v1.avsc wrote/);
  });

  it('refuses the removal of a field without a default, because older releases need it', () => {
    const faults = schemaFaults([version(1, [text, { name: 'level', type: 'string' }]), version(2, [text])], {});
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(/^schemas\/thing\/v1.avsc cannot read what schemas\/thing\/v2.avsc writes/);
  });

  it('refuses a changed type and a new symbol of an enum', () => {
    expect(schemaFaults([first, version(2, [{ name: 'text', type: 'int' }])], {})).toHaveLength(2);
    const mood = (...symbols: string[]) => ({ name: 'mood', type: { type: 'enum', name: 'Mood', symbols } });
    expect(schemaFaults([version(1, [mood('GOOD')]), version(2, [mood('GOOD', 'BAD')])], {})).toHaveLength(1);
  });

  it('compares every pair of versions, not neighbours alone', () => {
    const again = { name: 'level', type: 'int', default: 0 };
    const [one, two, three] = [version(1, [text, level]), version(2, [text]), version(3, [text, again])];
    expect(schemaFaults([one, two], {})).toEqual([]);
    const faults = schemaFaults([one, two, three], {});
    expect(faults).toHaveLength(2);
    expect(faults[0]).toMatch(/^schemas\/thing\/v3.avsc cannot read what schemas\/thing\/v1.avsc wrote/);
  });

  it('refuses a gap in the numbers', () => {
    expect(schemaFaults([first, version(3, [text])], {})[0]).toMatch(/v3.avsc leaves a gap/);
  });

  it('refuses an edit and the removal of a released version, white space excepted', () => {
    const released = { 'thing/1': fingerprintOf(first) };
    expect(schemaFaults([{ ...first, text: JSON.stringify(JSON.parse(first.text), null, 2) }], released)).toEqual([]);
    expect(schemaFaults([version(1, [text, level])], released)[0]).toMatch(/v1.avsc was released and has been edited/);
    expect(schemaFaults([], released)).toEqual(['thing/1 was released and is gone']);
  });
});
