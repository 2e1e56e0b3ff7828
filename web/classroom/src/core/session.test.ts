import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { entry, person, stream } from './fixtures';
import { ClassSession, type Coming, type Means } from './session';
import type { Socket } from './stream';
import type { Tree } from './types';

const PLACE = { base: 'https://x', region: 'eu', appId: 'app', roomUuid: 'al gebra', userUuid: 'sam' };
const COMING: Coming = { role: 'student', userName: 'Sam', roomName: 'Algebra', roomType: 4, duration: 600, devices: () => ({ camera: 1, microphone: 0 }) };
const NOW = 1_800_000_000_000;

interface Call {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: Tree;
}
type Answer = { readonly status?: number; readonly code?: number; readonly data?: unknown };

let calls: Call[] = [];
let told: unknown[] = [];
let sockets: (Socket & { sent: Tree[] })[] = [];
let answers: (call: Call) => Answer | undefined = () => undefined;

const usual = ({ path }: Call): Answer => (path.endsWith('/entry') ? { data: entry() } : { data: { rteRole: 'audience', state: 0 } });

const fetcher = (async (url: string, { method, headers, body }: { method: string; headers: Record<string, string>; body?: string }) => {
  const call = { method, path: url, headers, body: JSON.parse(body ?? '{}') as Tree };
  calls.push(call);
  const answer = answers(call) ?? usual(call);
  const status = answer.status ?? 200;
  return { ok: status === 200, status, json: async () => ({ code: answer.code ?? (status === 200 ? 0 : status), msg: 'said', ts: NOW + 5000, data: answer.data ?? null }) };
}) as unknown as typeof fetch;

function join(means: Partial<Means> = {}): ClassSession {
  const session = new ClassSession(
    PLACE,
    'token-1',
    COMING,
    {
      event: (...event) => told.push(event),
      notice: ({ kind }) => told.push(kind),
      media: ({ op }) => told.push(['media', op]),
      said: ({ message }) => told.push(['said', message]),
      live: () => told.push('live'),
      lost: () => told.push('lost'),
    },
    {
      fetch: fetcher,
      open: () => {
        const send = (text: string): void => {
          const message = JSON.parse(text) as Tree;
          socket.sent.push(message);
          if (message['type'] === 'ping') says({ type: 'pong', ts: 1 });
        };
        const socket = { sent: [] as Tree[], send, close: () => {}, onopen: null, onmessage: null, onclose: null } as Socket & { sent: Tree[] };
        sockets.push(socket);
        return socket;
      },
      now: () => Date.now(),
      chance: () => 0,
      ...means,
    },
  );
  void session.join();
  return session;
}

const settle = () => vi.advanceTimersByTimeAsync(0);
const says = (message: Tree): void => sockets.at(-1)?.onmessage?.({ data: JSON.stringify(message) });
const frame = (sequence: number, cmd: number, data: Tree, more: Tree = {}): Tree => ({ startSequence: sequence, total: 1, list: [{ cmd, sequence, timestamp: NOW + 5000, data, ...more }] });

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
  [calls, told, sockets, answers] = [[], [], [], () => undefined];
});
afterEach(() => vi.useRealTimers());

test('it checks in, enters, and follows the stream by the server’s clock', async () => {
  const session = join();
  await settle();
  expect(calls.map(({ method, path }) => `${method} ${path}`)).toEqual(['PUT https://x/eu/edu/apps/app/v3/rooms/al%20gebra/users/sam', 'POST https://x/eu/scene/apps/app/v2/rooms/al%20gebra/users/sam/entry']);
  expect(calls[0]?.headers).toMatchObject({ Authorization: 'agora token="token-1"', 'x-agora-token': 'token-1', 'x-agora-uid': 'sam' });
  expect(calls[0]?.body).toMatchObject({ role: 2, roomType: 4, roomName: 'Algebra', userName: 'Sam', duration: 600, platform: 1, stream: { videoSourceState: 1, audioSourceState: 0 } });
  expect(calls[1]?.body).toMatchObject({ role: 'audience', streamUuid: '0' });
  sockets[0]?.onopen?.(undefined as never);
  expect(sockets[0]?.sent[0]).toMatchObject({ type: 'hello', appId: 'app', token: 'token-1', userToken: 'secret-of-this-entry', sequence: 10, peerSequence: 3 });
  says({ type: 'live' });
  expect(session.snapshot()).toMatchObject({ phase: 'in', link: 'live' });
  expect(session.now()).toBe(NOW + 5000);
  expect(told).toEqual([[202, 0], 'live']);
});

test('what happens reaches the app by number, and people in words', async () => {
  join();
  await settle();
  says({ type: 'live' });
  told = [];
  const tina = { operator: { userUuid: 'tina', role: 'host' } };
  says(frame(11, 4, { changeProperties: { state: 1, 'schedule.state': 1 } }, tina));
  says(frame(12, 4, { changeProperties: { 'processes.handsUp.accepted': [{ userUuid: 'sam' }] } }, tina));
  says(frame(13, 40, { action: 1, fromUser: { userUuid: 'sam' }, ...stream('2') }, tina));
  says(frame(14, 40, { action: 2, fromUser: { userUuid: 'sam' }, ...stream('2', { audioState: 0 }) }, tina));
  says(frame(15, 22, { fromUser: { userUuid: 'sam' }, changeProperties: { 'reward.count': 1 }, cause: { cmd: 1101, data: { rewardDetails: [{ userUuid: 'sam', changedReward: 1 }] } } }, tina));
  says(frame(16, 4, { changeProperties: { 'processes.handsUp.accepted': [] } }, tina));
  expect(told).toEqual([[202, 1], 'started', [106], 'onStage', [103], 'micOff', [108, [{ userUuid: 'sam', userName: 'SAM' }]], 'reward', [107], 'offStage']);
});

test.each([
  [403, 20403001, 'roleFull'],
  [403, 20403002, 'roomFull'],
  [403, 30403100, 'banned'],
  [404, 20404100, 'noRoom'],
  [410, 30410100, 'over'],
  [401, 401, 'token'],
  [403, 30403900, 'region'],
  [503, 500, 'away'],
  [400, 400, 'failed'],
])('an entry refused with %d/%d has its own page: %s', async (status, code, problem) => {
  answers = () => ({ status, code });
  const session = join();
  await settle();
  expect(session.snapshot()).toMatchObject({ phase: 'failed', problem });
  expect(told).toHaveLength(1);
  expect((told[0] as unknown[])[0]).toBe(3);
});

test('a stream that leads nowhere is entered anew, and hands of a cloud class stay', async () => {
  const session = join();
  await settle();
  says({ type: 'live' });
  says({ type: 'resync' });
  expect(session.snapshot()).toMatchObject({ phase: 'in', link: 'lost' });
  await settle();
  expect(calls).toHaveLength(4);
  expect(sockets).toHaveLength(2);
  says({ type: 'live' });
  expect(session.snapshot()).toMatchObject({ phase: 'in', link: 'live' });
});

test('while the server is away it is asked again, and the class stays on the screen', async () => {
  const session = join();
  await settle();
  says({ type: 'resync' });
  let times = 0;
  answers = () => ((times += 1) <= 2 ? { status: 503, code: 500 } : undefined);
  await vi.advanceTimersByTimeAsync(0);
  expect(session.snapshot().phase).toBe('in');
  await vi.advanceTimersByTimeAsync(5000);
  expect([times, sockets.length]).toEqual([4, 2]);
});

test('a token that ends is renewed; one that was refused is replaced; without another the class is over', async () => {
  let made = 1;
  const session = join({ freshToken: async () => `token-${(made += 1)}` });
  await settle();
  says({ type: 'live' });
  says({ cmd: 'tokenWillExpire', data: {} });
  await settle();
  expect(sockets[0]?.sent.at(-1)).toEqual({ type: 'renew', token: 'token-2' });
  says({ type: 'end', reason: 'expired' });
  await settle();
  expect(calls.at(-1)?.headers['x-agora-token']).toBe('token-3');
  expect(session.snapshot().phase).toBe('in');

  const other = join();
  await settle();
  says({ type: 'end', reason: 'revoked' });
  await settle();
  expect(other.snapshot()).toMatchObject({ phase: 'over', why: 'expired' });
});

test.each([['kicked', 101], ['banned', 101], ['displaced', undefined], ['closed', 202]] as const)('%s ends the visit', async (reason, event) => {
  const session = join();
  await settle();
  told = [];
  says({ type: 'end', reason });
  expect(session.snapshot()).toMatchObject({ phase: 'over', why: reason });
  expect(told.map((one) => (one as unknown[])[0])).toEqual(event ? [event] : []);
});

test('the clock tells of the end, and closes the class when nobody else does', async () => {
  const session = join();
  await settle();
  says({ type: 'live' });
  const starts = NOW + 5000;
  says(frame(11, 4, { changeProperties: { state: 1, schedule: { state: 1, startTime: starts, duration: 600, closeDelay: 120 } } }));
  told = [];
  await vi.advanceTimersByTimeAsync(301_000);
  expect(told).toEqual(['endsIn']);
  says(frame(12, 4, { changeProperties: { state: 2, 'schedule.state': 2, 'schedule.endTime': starts + 301_000, 'schedule.closeTime': starts + 421_000 } }));
  expect(session.minutesLeft()).toBe(2);
  await vi.advanceTimersByTimeAsync(121_000);
  expect(told).toEqual(['endsIn', [202, 2], 'ended', 'closesIn', [202, 3]]);
  expect(session.snapshot()).toMatchObject({ phase: 'over', why: 'closed' });
});

test('who has left hears nothing any more', async () => {
  const session = join();
  await settle();
  told = [];
  session.leave();
  says(frame(11, 20, { onlineUsers: [person('mei', 'audience')] }));
  await vi.advanceTimersByTimeAsync(60_000);
  expect([told, session.snapshot().phase]).toEqual([[], 'over']);
});
