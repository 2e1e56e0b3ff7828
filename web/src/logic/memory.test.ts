import { expect, it } from 'vitest';
import { KEPT, recall, store } from './memory';

it('remembers what it stored', () => {
  const memory = { receipts: { '1': 'read', '2': 'delivered' }, acknowledged: ['3'] } as const;
  expect(recall(store(memory))).toEqual(memory);
});

it('starts anew from what it cannot read', () => {
  const nothing = { receipts: {}, acknowledged: [] };
  for (const text of [null, '', '{', '[]', 'null', '{"receipts":1}', '{"receipts":{},"acknowledged":{}}']) expect(recall(text)).toEqual(nothing);
  expect(recall('{"receipts":{"1":"burnt"},"acknowledged":[2,"3"]}')).toEqual({ receipts: {}, acknowledged: ['3'] });
});

it('keeps a bounded number', () => {
  const acknowledged = Array.from({ length: KEPT + 5 }, (_, at) => String(at));
  const kept = recall(store({ receipts: {}, acknowledged })).acknowledged;
  expect(kept).toHaveLength(KEPT);
  expect(kept.at(-1)).toBe(String(KEPT + 4));
});
