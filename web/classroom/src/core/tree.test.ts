import { expect, test } from 'vitest';
import { at, changed, listAt, numberAt, textAt } from './tree';

test('a dotted path sets one leaf and makes what is missing above it', () => {
  const before = { a: { b: 1, c: 2 } };
  expect(changed(before, { 'a.b': 3, 'd.e.f': 4 })).toEqual({ a: { b: 3, c: 2 }, d: { e: { f: 4 } } });
  expect(before).toEqual({ a: { b: 1, c: 2 } });
});

test('a plain key replaces the whole subtree', () => {
  expect(changed({ a: { b: 1, c: 2 } }, { a: { d: 5 } })).toEqual({ a: { d: 5 } });
});

test('what is deleted is gone, and what is not there stays so', () => {
  expect(changed({ a: { b: 1, c: 2 } }, { 'a.b': 'deleted', 'x.y': 'deleted' })).toEqual({ a: { c: 2 } });
  expect(changed({ a: 1 }, { a: 'deleted' })).toEqual({});
});

test('no name reaches into the objects of JavaScript', () => {
  expect(changed({}, { '__proto__.polluted': true })).toEqual({});
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  expect(at({}, 'constructor.name')).toBeUndefined();
});

test('reading gives what fits, and otherwise nothing', () => {
  const tree = { n: 7, s: 'x', l: [1], deep: { n: '8' } };
  expect([numberAt(tree, 'n'), numberAt(tree, 's', 3), numberAt(tree, 'deep.n'), textAt(tree, 's'), textAt(tree, 'n'), textAt(tree, 'l')]).toEqual([7, 3, 0, 'x', '7', '']);
  expect([listAt(tree, 'l'), listAt(tree, 's'), at(tree, 'deep.x.y')]).toEqual([[1], [], undefined]);
});
