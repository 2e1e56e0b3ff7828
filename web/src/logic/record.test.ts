import { expect, it } from 'vitest';
import { bytes, lengths, rows } from './record';

/** 1 + 8 + 12 + 3 + 16 bytes, numbered. */
const RECORD = Array.from({ length: 40 }, (_, at) => at.toString(16).padStart(2, '0')).join('');

it('cuts a record into its parts', () => {
  const all = bytes(RECORD);
  const of = (part: string) => all.filter((byte) => byte.part === part).map(({ hex }) => Number.parseInt(hex, 16));
  expect(of('version')).toEqual([0]);
  expect(of('key')).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(of('nonce')).toHaveLength(12);
  expect(of('ciphertext')).toEqual([21, 22, 23]);
  expect(of('tag')[0]).toBe(24);
  expect(of('tag')).toHaveLength(16);
  expect(lengths(40)).toEqual({ version: 1, key: 8, nonce: 12, ciphertext: 3, tag: 16 });
});

it('shows it in rows, neighbours of a part together', () => {
  const [first, second] = rows(bytes(RECORD), 16);
  expect(first).toEqual({
    offset: '0000',
    runs: [
      { part: 'version', text: '00' },
      { part: 'key', text: '01 02 03 04 05 06 07 08' },
      { part: 'nonce', text: '09 0a 0b 0c 0d 0e 0f' },
    ],
  });
  expect(second?.offset).toBe('0010');
  expect(rows([], 16)).toEqual([]);
});
