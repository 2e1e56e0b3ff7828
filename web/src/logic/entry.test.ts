import { expect, it } from 'vitest';
import { codeIn, gateFor } from './entry';

it('finds the code behind the hash, and nothing else', () => {
  expect(codeIn('#code=abc234')).toBe('abc234');
  for (const wrong of ['', '#', '#code=', '#other=abc', '#code=<b>']) expect(codeIn(wrong)).toBeUndefined();
});

it('lets a known browser in, whatever became of the code', () => {
  expect(gateFor(200, 'refused')).toBe('open');
  expect(gateFor(200, 'none')).toBe('open');
});

it('says why somebody is not let in', () => {
  expect(gateFor(401, 'refused')).toBe('code-refused');
  expect(gateFor(401, 'none')).toBe('no-code');
  expect(gateFor(undefined, 'none')).toBe('server-away');
  expect(gateFor(503, 'taken')).toBe('failed');
});
