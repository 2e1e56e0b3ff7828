import { expect, it } from 'vitest';
import { describe, ended, isRefusal, pause } from './link';

it('says in words how the connection is', () => {
  expect(describe({ state: 'online' }, 0)).toBe('Online');
  expect(describe({ state: 'away', at: 2500 }, 1000)).toBe('The server does not answer. Trying again in 2 s');
  expect(describe({ state: 'away', at: 1000 }, 1000)).toBe('The server does not answer. Trying again…');
  expect(describe({ state: 'refused', why: 'no such user' }, 0)).toBe('Refused: no such user');
});

it('waits longer from attempt to attempt, but never long', () => {
  expect([0, 1, 2, 3, 4, 50].map(pause)).toEqual([1000, 2000, 4000, 8000, 8000, 8000]);
});

it('tells who ended a connection', () => {
  expect(ended(206)).toBe('elsewhere');
  expect([207, 216, 217].map(ended)).toEqual(['removed', 'removed', 'removed']);
  expect([undefined, 16, 0].map(ended)).toEqual(['lost', 'lost', 'lost']);
  expect([28, 56, 204, undefined, 300].map(isRefusal)).toEqual([true, true, true, false, false]);
});
