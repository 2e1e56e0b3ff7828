// Which stream stands in which receiving slot. Streams keep their slots for as long as they are wanted, so that
// nobody's picture flickers when somebody else comes or goes.

import type { Kind, Watch } from './messages';

/** A receiving m-line that the server fills. */
export interface Slot {
  readonly mid: string;
  readonly kind: Kind;
  readonly watch: Watch | null;
}

export interface Assignment {
  readonly slots: readonly Slot[];
  /** What has changed, as it is said to the server. */
  readonly changes: Readonly<Record<string, Watch | null>>;
  /** How many slots of each kind there are too few. */
  readonly missing: Readonly<Record<Kind, number>>;
}

const same = (a: Watch | null, b: Watch | null): boolean => a?.stream === b?.stream && a?.kind === b?.kind && a?.height === b?.height;

/** Puts what is wanted into slots. What comes first in `wanted` is served first. */
export function assigned(slots: readonly Slot[], wanted: readonly Watch[]): Assignment {
  const key = (watch: Watch): string => `${watch.kind} ${watch.stream}`;
  const open = new Map(wanted.map((watch) => [key(watch), watch]));
  const next = new Map<string, Watch | null>();
  for (const { mid, watch } of slots) {
    const still = watch ? open.get(key(watch)) : undefined;
    next.set(mid, still ?? null);
    if (still) open.delete(key(still));
  }
  const missing: Record<Kind, number> = { audio: 0, video: 0 };
  for (const watch of open.values()) {
    const free = slots.find(({ mid, kind }) => kind === watch.kind && next.get(mid) === null);
    if (free) next.set(free.mid, watch);
    else missing[watch.kind] += 1;
  }
  const changes: Record<string, Watch | null> = {};
  const after = slots.map((slot) => {
    const watch = next.get(slot.mid) ?? null;
    if (!same(watch, slot.watch)) changes[slot.mid] = watch;
    return { ...slot, watch };
  });
  return { slots: after, changes, missing };
}
