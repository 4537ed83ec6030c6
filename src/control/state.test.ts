import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import { entityKind } from '../kernel/entity.ts';
import { createControlState, put, remove, stateIndex } from './state.ts';

const dogKind = entityKind({
  kind: 'dog',
  schema: Type.Object({ name: Type.String(), owner: Type.String() }),
  idOf: (dog) => dog.name,
});
const dogsOf = stateIndex({ name: 'dogs-of', kind: dogKind, keyOf: (dog) => dog.owner });

const given = () => {
  const state = createControlState([dogKind], [dogsOf]);
  state.commit(
    state.draft().apply([put(dogKind, { name: 'rex', owner: 'ada' }), put(dogKind, { name: 'bo', owner: 'eve' })]),
  );
  return state;
};

describe('the state of the writer', () => {
  it('shows a draft to the draft only, until it is committed', () => {
    const state = given();
    const draft = state.draft();
    const changes = draft.apply([put(dogKind, { name: 'rex', owner: 'eve' }), remove(dogKind, 'bo')]);
    expect(draft.find(dogsOf, 'eve').map(({ name }) => name)).toEqual(['rex']);
    expect(draft.get(dogKind, 'bo')).toBeUndefined();
    expect(state.find(dogsOf, 'eve').map(({ name }) => name)).toEqual(['bo']);
    state.commit(changes);
    expect(state.find(dogsOf, 'eve').map(({ name }) => name)).toEqual(['rex']);
    expect(state.find(dogsOf, 'ada')).toEqual([]);
  });

  it('counts revisions through drafts', () => {
    const draft = given().draft();
    const revise = (owner: string) => draft.apply([put(dogKind, { name: 'rex', owner })])[0]?.stored?.revision;
    expect([revise('a'), revise('b'), revise('c')]).toEqual([2, 3, 4]);
  });

  it('finds a removed and remade entity once', () => {
    const draft = given().draft();
    draft.apply([remove(dogKind, 'rex'), put(dogKind, { name: 'rex', owner: 'ada' })]);
    expect(draft.find(dogsOf, 'ada')).toEqual([{ name: 'rex', owner: 'ada' }]);
  });
});
