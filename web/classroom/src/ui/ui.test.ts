import { expect, test } from 'vitest';
import { clockText, timeNotices, timesOf } from '../core/schedule';
import { merged, type ChatMessage } from '../core/chat';
import { room } from '../core/fixtures';
import { linkFor, PEOPLE, ticketIn } from '../demo/links';
import { en } from '../locales/en';
import { translator } from '../locales';
import { zh } from '../locales/zh';
import { gridFor, heightStep } from './layout';
import { initialsOf } from './parts';
import { textOf } from './Toasts';
import { leftOf } from './tools/Countdown';

test('tiles fill the box and fit into it', () => {
  for (const count of [1, 2, 3, 5, 7, 20, 50]) {
    for (const [width, height] of [[968, 690], [366, 240], [1800, 900]] as const) {
      const tile = gridFor(count, width, height, 10);
      const rows = Math.ceil(count / tile.columns);
      expect(tile.columns * tile.width + (tile.columns - 1) * 10).toBeLessThanOrEqual(width);
      expect(rows * tile.height + (rows - 1) * 10).toBeLessThanOrEqual(height);
      expect(tile.width / tile.height).toBeGreaterThanOrEqual(0.98);
      expect(tile.width / tile.height).toBeLessThanOrEqual(1.8);
    }
  }
  expect(gridFor(2, 968, 690, 10).columns).toBe(2);
  expect(gridFor(2, 366, 700, 10).columns).toBe(1);
  expect([0, 1, 100, 500].map(heightStep)).toEqual([0, 90, 180, 540]);
});

test('every text is there in both languages, with the same values in it', () => {
  const values = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '').sort();
  expect(Object.keys(zh).sort()).toEqual(Object.keys(en).sort());
  for (const key of Object.keys(en) as (keyof typeof en)[]) expect([key, new Set(values(zh[key]))]).toEqual([key, new Set(values(en[key]))]);
  expect(translator('en')('notice.hand', { name: 'Sam' })).toBe('Sam raises a hand.');
  expect(translator('zh')('chat.left', { n: 5 })).toBe('还可输入 5 个字');
});

test('notices are told in words', () => {
  const t = translator('en');
  expect(textOf({ kind: 'reward', names: ['A', 'B', 'C', 'D'] }, t, 0)).toBe('A, B, C and others got a star.');
  expect(textOf({ kind: 'ended' }, t, 10)).toBe('Class time is over. The room closes in 10 min.');
  expect(textOf({ kind: 'act', problem: 'stageFull' }, t, 0)).toBe('The stage is full.');
});

test('clocks and the moments at which people are told', () => {
  expect([clockText(0), clockText(65_000), clockText(3_725_000), clockText(-5)]).toEqual(['00:00', '01:05', '1:02:05', '00:00']);
  const running = timesOf(room(undefined, { state: 1, schedule: { startTime: 1000, duration: 600, closeDelay: 60 } }));
  expect([running.ends, running.closes]).toEqual([601_000, 661_000]);
  expect(timeNotices(running, 300_999, 301_000)).toEqual([{ kind: 'endsIn', minutes: 5 }]);
  expect(timeNotices(running, 301_000, 301_500)).toEqual([]);
});

test('a countdown goes by the server’s clock and stands still while it is held', () => {
  expect(leftOf({ state: 1, startTime: 1000, duration: 60 }, 11_000)).toBe(50_000);
  expect(leftOf({ state: 1, startTime: 1000, duration: 60 }, 999_999)).toBe(0);
  expect(leftOf({ state: 0, startTime: 1000, duration: 33 }, 999_999)).toBe(33_000);
});

test('messages stand in their order, each once', () => {
  const message = (key: string, at: number): ChatMessage => ({ key, at, from: 'a', name: 'A', role: 'student', mine: false, text: key, state: 'sent', room: 'r', toAll: false });
  const list = merged([message('2', 20)], [message('1', 10), message('2', 20), message('3', 30)]);
  expect(list.map(({ key }) => key)).toEqual(['1', '2', '3']);
  expect(merged([], Array.from({ length: 1200 }, (_, at) => message(String(at), at)))).toHaveLength(1000);
});

test('a link says all that is needed, behind the sign that is sent to nobody', () => {
  const made = { appId: 'a', roomUuid: 'demo-1', roomName: 'Demo class', roomType: 4 };
  for (const person of PEOPLE) {
    const link = new URL(linkFor(made, person, { language: 'en', uiMode: 'dark' }), 'http://localhost');
    expect([link.pathname, link.search]).toEqual(['/classroom/room', '']);
    expect(ticketIn(link.hash)).toMatchObject({ ...person, roomUuid: 'demo-1', roomType: 4, uiMode: 'dark', pretest: true });
  }
  for (const broken of ['', '#room=x', '#room=x&user=y&role=9&type=4']) expect(ticketIn(broken)).toBeUndefined();
});

test('initials', () => {
  expect(['Sam', 'Ada Lovelace', ' 小美 ', ''].map(initialsOf)).toEqual(['S', 'AL', '小', '?']);
});
