import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ClassSession, SessionState } from './session';
import { GroupVisit } from './visit';

const OWLS = { id: 'g1', name: 'Owls' };
const FOXES = { id: 'g2', name: 'Foxes' };

interface Made {
  readonly id: string;
  left: boolean;
  be(phase: SessionState['phase']): void;
}

function visits() {
  const made: Made[] = [];
  let changes = 0;
  const visit = new GroupVisit(
    ({ id }) => {
      let phase: SessionState['phase'] = 'joining';
      let told = (): void => {};
      const one: Made = {
        id,
        left: false,
        be: (next) => {
          phase = next;
          told();
        },
      };
      made.push(one);
      return { subscribe: (listener: () => void) => (told = listener), snapshot: () => ({ phase }), join: async () => {}, leave: () => (one.left = true) } as unknown as ClassSession;
    },
    () => (changes += 1),
  );
  return { visit, made, changes: () => changes };
}

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test('it goes in, into another group, and back', () => {
  const { visit, made } = visits();
  visit.go(OWLS);
  expect([visit.state?.phase, visit.session]).toEqual(['joining', undefined]);
  made[0]?.be('in');
  visit.go({ ...OWLS, name: 'Wise owls' });
  expect([visit.state, made.length]).toEqual([{ id: 'g1', name: 'Wise owls', phase: 'in' }, 1]);
  visit.go(FOXES);
  expect([made[0]?.left, made[1]?.id, visit.session]).toEqual([true, 'g2', undefined]);
  // What the first one says now is of no interest.
  made[0]?.be('over');
  made[1]?.be('in');
  expect(visit.state?.phase).toBe('in');
  visit.go(undefined);
  expect([visit.state, visit.session, made[1]?.left]).toEqual([undefined, undefined, true]);
});

test('a group that does not let in yet is asked again, and after a while by hand', () => {
  const { visit, made } = visits();
  visit.go(OWLS);
  for (const wait of [400, 1000, 2000, 4000]) {
    made.at(-1)?.be('failed');
    expect(visit.state?.phase).toBe('joining');
    vi.advanceTimersByTime(wait);
  }
  expect(made.length).toBe(5);
  made.at(-1)?.be('failed');
  expect(visit.state?.phase).toBe('failed');
  vi.advanceTimersByTime(60_000);
  expect(made.length).toBe(5);
  visit.again();
  made.at(-1)?.be('in');
  expect([made.length, visit.state?.phase]).toEqual([6, 'in']);
  // Put out and still in the list: in again.
  made.at(-1)?.be('over');
  vi.advanceTimersByTime(400);
  expect(made.length).toBe(7);
  visit.go(undefined);
  made.at(-1)?.be('failed');
  vi.advanceTimersByTime(60_000);
  expect(made.length).toBe(7);
});
