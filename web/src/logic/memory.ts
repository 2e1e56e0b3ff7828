// What this browser remembers of receipts: the server hands each over once, and history has none.
// Only ids of messages are kept, and of these the last few hundred.

import type { Receipt } from './messages';

export interface Memory {
  /** What the other side has said of this person's messages. */
  readonly receipts: Readonly<Record<string, Receipt>>;
  /** The messages for which this person has sent a read receipt. */
  readonly acknowledged: readonly string[];
}

export const KEPT = 400;

export function recall(text: string | null): Memory {
  const nothing: Memory = { receipts: {}, acknowledged: [] };
  if (!text) return nothing;
  try {
    const { receipts, acknowledged } = JSON.parse(text) as Partial<Memory>;
    if (typeof receipts !== 'object' || receipts === null || !Array.isArray(acknowledged)) return nothing;
    const known = Object.entries(receipts).filter(([, value]) => value === 'delivered' || value === 'read');
    return { receipts: Object.fromEntries(known), acknowledged: acknowledged.filter((id) => typeof id === 'string') };
  } catch {
    return nothing;
  }
}

export function store({ receipts, acknowledged }: Memory): string {
  return JSON.stringify({
    receipts: Object.fromEntries(Object.entries(receipts).slice(-KEPT)),
    acknowledged: acknowledged.slice(-KEPT),
  });
}
