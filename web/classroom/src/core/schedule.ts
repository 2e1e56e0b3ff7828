// The times of a class, and what people are told as they come (classroom contract, section 1.5).

import { at, numberAt } from './tree';
import { phaseOf } from './store';
import type { ClassPhase, Room } from './types';

export interface Times {
  readonly phase: ClassPhase;
  /** Milliseconds since 1970, where they are known. */
  readonly starts: number | undefined;
  readonly ends: number | undefined;
  readonly closes: number | undefined;
}

export function timesOf(room: Room): Times {
  const phase = phaseOf(room);
  const known = (name: string): number | undefined => {
    const value = at(room.properties, `schedule.${name}`);
    return typeof value === 'number' && value > 0 ? value : undefined;
  };
  const starts = known('startTime');
  const duration = numberAt(room.properties, 'schedule.duration');
  const ends = known('endTime') ?? (starts !== undefined && duration > 0 ? starts + duration * 1000 : undefined);
  const closes = known('closeTime') ?? (ends === undefined ? undefined : ends + numberAt(room.properties, 'schedule.closeDelay', 600) * 1000);
  return { phase, starts, ends, closes };
}

/** `1:02:03` or `04:05`. */
export function clockText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (number: number): string => String(number).padStart(2, '0');
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return `${hours > 0 ? `${hours}:` : ''}${two(minutes)}:${two(seconds % 60)}`;
}

export type TimeNotice =
  | { readonly kind: 'endsIn'; readonly minutes: number }
  | { readonly kind: 'ended'; readonly minutes: number }
  | { readonly kind: 'closesIn'; readonly minutes: number };

/** What is to be said between two moments. */
export function timeNotices(times: Times, before: number, now: number): readonly TimeNotice[] {
  const passed = (moment: number | undefined): boolean => moment !== undefined && before < moment && moment <= now;
  const notices: TimeNotice[] = [];
  if (times.phase === 1 && times.ends !== undefined) {
    for (const minutes of [5, 1]) if (passed(times.ends - minutes * 60_000)) notices.push({ kind: 'endsIn', minutes });
  }
  if (times.phase === 2 && times.closes !== undefined && passed(times.closes - 60_000)) notices.push({ kind: 'closesIn', minutes: 1 });
  return notices;
}

/** Whole minutes until a moment, at least one. */
export const minutesUntil = (moment: number, now: number): number => Math.max(1, Math.round((moment - now) / 60_000));

/** Whether the room is over by the clock, though nobody has said so. */
export const isOverdue = (times: Times, now: number): boolean => times.phase === 2 && times.closes !== undefined && now >= times.closes;
