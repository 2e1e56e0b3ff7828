import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ClassStream, pause, type Socket, type StreamEvents } from './stream';
import type { Frame, Tree } from './types';

class FakeSocket implements Socket {
  sent: Tree[] = [];
  closed = false;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  send(text: string): void {
    this.sent.push(JSON.parse(text) as Tree);
  }
  close(): void {
    this.closed = true;
  }
  says(message: Tree): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

const HELLO = { appId: 'a', roomUuid: 'r', userUuid: 'u', token: 't', userToken: 's' };
const frame = (sequence: number): Tree => ({ cmd: 4, sequence, timestamp: 1, data: {} });
const frames = (from: number, to: number, more: Tree = {}): Tree => ({ startSequence: from, total: 1 + to - from, list: Array.from({ length: 1 + to - from }, (_, at) => frame(from + at)), ...more });

let sockets: FakeSocket[] = [];
let told: unknown[] = [];

function open(): { stream: ClassStream; socket: () => FakeSocket } {
  const events: StreamEvents = {
    frame: ({ sequence }: Frame, peer) => told.push([peer ? 'peer' : 'frame', sequence]),
    told: (cmd) => told.push(['told', cmd]),
    live: () => told.push('live'),
    lost: () => told.push('lost'),
    stale: (token) => told.push(['stale', token]),
    ended: (reason) => told.push(['ended', reason]),
    media: (message) => told.push(['media', message['op']]),
    tokenEnds: () => told.push('token ends'),
  };
  const make = (): FakeSocket => {
    const socket = new FakeSocket();
    sockets.push(socket);
    return socket;
  };
  const stream = new ClassStream('ws://x/ws/class', HELLO, { sequence: 10, peerSequence: 3 }, events, make, () => 0);
  stream.start();
  return { stream, socket: () => sockets.at(-1) as FakeSocket };
}

function live(): ReturnType<typeof open> {
  const opened = open();
  opened.socket().onopen?.();
  opened.socket().says({ type: 'welcome', sequence: 10 });
  opened.socket().says({ type: 'live' });
  return opened;
}

beforeEach(() => {
  vi.useFakeTimers();
  sockets = [];
  told = [];
});
afterEach(() => vi.useRealTimers());

test('it says who it is and what it knows, and hears what comes in order', () => {
  const { socket, stream } = live();
  expect(socket().sent[0]).toEqual({ type: 'hello', ...HELLO, sequence: 10, peerSequence: 3 });
  socket().says(frames(11, 13));
  socket().says(frames(12, 14));
  socket().says(frames(4, 4, { peer: true }));
  socket().says({ cmd: 99, data: {} });
  expect(told).toEqual(['live', ['frame', 11], ['frame', 12], ['frame', 13], ['frame', 14], ['peer', 4], ['told', 99]]);
  expect(stream.sequence).toBe(14);
});

test('a missing number, a resync and a refusal lead to another entry', () => {
  live().socket().says(frames(12, 12));
  open().socket().says({ type: 'resync' });
  open().socket().says({ type: 'refused', code: 404 });
  open().socket().says({ type: 'refused', code: 401 });
  expect(told).toEqual(['live', ['stale', false], ['stale', false], ['stale', false], ['stale', true]]);
  expect(sockets.every(({ closed }) => closed)).toBe(true);
});

test('a lost connection is sought again with the last numbers, soon at first and then less often', () => {
  const { socket } = live();
  socket().says(frames(11, 12));
  socket().onclose?.({ code: 1006 });
  expect(told.at(-1)).toBe('lost');
  vi.advanceTimersByTime(300);
  expect(sockets).toHaveLength(2);
  socket().onopen?.();
  expect(socket().sent[0]).toMatchObject({ sequence: 12, peerSequence: 3 });
  for (const [attempt, more] of [500, 1000, 2000, 4000, 4000].entries()) {
    socket().onclose?.({ code: 1006 });
    vi.advanceTimersByTime(more - 1);
    expect(sockets).toHaveLength(attempt + 2);
    vi.advanceTimersByTime(1);
    expect(sockets).toHaveLength(attempt + 3);
  }
});

test('when the network is back it does not wait', () => {
  const { socket, stream } = live();
  socket().onclose?.({ code: 1006 });
  stream.hurry();
  expect(sockets).toHaveLength(2);
  stream.hurry();
  expect(sockets).toHaveLength(2);
});

test('a silent server is asked, and given up without an answer', () => {
  const { socket } = live();
  vi.advanceTimersByTime(12_000);
  expect(socket().sent.at(-1)).toEqual({ type: 'ping' });
  socket().says({ type: 'pong', ts: 1 });
  vi.advanceTimersByTime(12_000);
  expect(told).toEqual(['live']);
  vi.advanceTimersByTime(10_000);
  expect(told).toEqual(['live', 'lost']);
});

test('a server that does not let in within its time is given up', () => {
  open();
  vi.advanceTimersByTime(10_000);
  expect(told).toEqual(['lost']);
});

test.each(['displaced', 'kicked', 'banned', 'closed', 'outside', 'flood'])('%s ends it for good', (reason) => {
  const { socket } = live();
  socket().says({ type: 'end', reason });
  socket().onclose?.({ code: 4001 });
  vi.advanceTimersByTime(60_000);
  expect(told).toEqual(['live', ['ended', reason]]);
  expect(sockets).toHaveLength(1);
});

test('what expired or was revoked needs another token; a restart only a moment', () => {
  live().socket().says({ type: 'end', reason: 'revoked' });
  expect(told).toEqual(['live', ['stale', true]]);
  const { socket } = live();
  socket().says({ type: 'end', reason: 'restart' });
  expect(told.at(-1)).toBe('lost');
  vi.advanceTimersByTime(200);
  expect(sockets).toHaveLength(3);
});

test('another token is sent, and kept for the next connection', () => {
  const { socket, stream } = live();
  socket().says({ cmd: 'tokenWillExpire', data: { expireTs: 1 } });
  expect(told.at(-1)).toBe('token ends');
  stream.renew('t2');
  expect(socket().sent.at(-1)).toEqual({ type: 'renew', token: 't2' });
  socket().onclose?.({ code: 1006 });
  vi.advanceTimersByTime(300);
  socket().onopen?.();
  expect(socket().sent[0]).toMatchObject({ token: 't2' });
});

test('media goes along while the stream is there', () => {
  const { socket, stream } = open();
  expect(stream.media({ op: 'stats' })).toBe(false);
  socket().says({ type: 'live' });
  expect(stream.media({ op: 'stats' })).toBe(true);
  expect(socket().sent.at(-1)).toEqual({ type: 'media', op: 'stats' });
  socket().says({ type: 'media', op: 'answer', id: 1, sdp: '' });
  expect(told.at(-1)).toEqual(['media', 'answer']);
  socket().onmessage?.({ data: 'no JSON' });
  socket().says({ type: 'error', code: 400 });
});

test('who leaves says so where there is somebody to hear it, and stops', () => {
  const { socket, stream } = live();
  stream.leave();
  expect([socket().sent.at(-1), socket().closed]).toEqual([{ type: 'leave' }, true]);
  const early = open();
  early.socket().onopen?.();
  early.stream.leave();
  expect([early.socket().sent.map(({ type }) => type), early.socket().closed]).toEqual([['hello'], true]);
});

test('nothing is told after it was stopped', () => {
  const { socket, stream } = live();
  const last = socket();
  stream.stop();
  last.onmessage?.({ data: JSON.stringify(frames(11, 11)) });
  vi.advanceTimersByTime(60_000);
  expect([told, sockets.length, last.closed]).toEqual([['live'], 1, true]);
});

test('waits grow to eight seconds, and chance spreads them', () => {
  expect([0, 1, 4, 5, 99].map((attempt) => pause(attempt, 1))).toEqual([500, 1000, 8000, 8000, 8000]);
  expect(pause(5, 0)).toBe(4000);
});
