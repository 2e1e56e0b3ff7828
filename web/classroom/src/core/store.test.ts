import { expect, test } from 'vitest';
import { person, room, stream } from './fixtures';
import { announcementOf, applied, carouselOf, hands, invited, isChatMuted, isSeated, mainStream, onStage, phaseOf, rewardsOf, seated, seatsOf, sharedScreen } from './store';
import type { Room, Tree } from './types';

const step = (before: Room, cmd: number, data: Tree, more: Tree = {}): Room => applied(before, { cmd, data, ...more });
const put = (before: Room, changeProperties: Tree): Room => step(before, 4, { changeProperties });

test('the snapshot says who is there and what they may publish', () => {
  const one = room();
  expect([one.id, one.name, one.type, one.total, one.me.role]).toEqual(['algebra', 'Algebra', 4, 2, 'student']);
  expect([...one.users.keys()]).toEqual(['sam', 'tina']);
  expect(mainStream(one, 'tina')).toMatchObject({ id: '1', video: true, audio: true, camera: 1 });
  expect(mainStream(one, 'sam')).toMatchObject({ id: '2', video: false });
  expect(seated(one).map(({ id }) => id)).toEqual(['tina']);
});

test('people come and go, with their streams', () => {
  const one = step(room(), 20, { total: 3, onlineUsers: [person('mei', 'audience', [stream('3')])], offlineUsers: [] });
  expect([one.total, one.users.get('mei')?.name, one.streams.has('3')]).toEqual([3, 'MEI', true]);
  const two = step(one, 20, { total: 2, onlineUsers: [], offlineUsers: [{ userUuid: 'mei', type: 1 }] });
  expect([two.total, two.users.has('mei'), two.streams.has('3')]).toEqual([2, false, false]);
  // Who has come to know that it was away itself stays in its own list.
  expect(step(two, 20, { total: 1, onlineUsers: [], offlineUsers: [{ userUuid: 'sam', type: 1 }] }).users.has('sam')).toBe(true);
});

test('the stage, hands and invitations are properties', () => {
  let one = put(room(), { 'processes.waveArm.progress': [{ userUuid: 'sam', userName: 'Sam', ts: 5 }] });
  expect(hands(one)).toEqual([{ id: 'sam', name: 'Sam', since: 5 }]);
  one = put(one, { 'processes.handsUp.progress': [{ userUuid: 'sam', userName: 'Sam', ts: 6 }] });
  expect(invited(one).map(({ id }) => id)).toEqual(['sam']);
  one = put(one, { 'processes.handsUp.accepted': [{ userUuid: 'sam' }], 'processes.handsUp.progress': [] });
  expect([onStage(one), invited(one), seated(one).map(({ id }) => id)]).toEqual([['sam'], [], ['tina', 'sam']]);
});

test('streams are added, changed and removed; the own one stays known without its rights', () => {
  const from = { fromUser: { userUuid: 'sam' } };
  const one = step(room(), 40, { action: 1, ...from, ...stream('2') });
  expect(mainStream(one, 'sam')).toMatchObject({ video: true, audio: true });
  const two = step(one, 41, { streams: [{ action: 2, ...from, ...stream('2', { audioState: 0 }) }, { action: 3, fromUser: { userUuid: 'tina' }, ...stream('1') }] });
  expect(mainStream(two, 'sam')).toMatchObject({ video: true, audio: false });
  expect(mainStream(two, 'tina')).toBeUndefined();
  const three = step(two, 40, { action: 3, ...from, ...stream('2') });
  expect(mainStream(three, 'sam')).toMatchObject({ id: '2', video: false, audio: false });
});

test('a shared screen is a stream of its own', () => {
  let one = step(room(), 40, { action: 1, fromUser: { userUuid: 'tina' }, ...stream('9', { videoSourceType: 2 }) });
  expect(sharedScreen(one)).toBeUndefined();
  one = put(one, { screen: { state: 1, streamUuid: '9', userUuid: 'tina' } });
  expect(sharedScreen(one)).toMatchObject({ id: '9', kind: 'screen', owner: 'tina' });
  expect(mainStream(one, 'tina')?.id).toBe('1');
  expect(sharedScreen(put(one, { screen: { state: 0 } }))).toBeUndefined();
});

test('properties of users change one by one and together', () => {
  const mei = step(room(), 20, { total: 3, onlineUsers: [person('mei', 'audience')] });
  const one = step(mei, 22, { fromUser: { userUuid: 'sam' }, changeProperties: { 'reward.count': 2 } });
  expect([rewardsOf(one.me), one.users.get('sam') === one.me]).toEqual([2, true]);
  const list = ['sam', 'mei'].map((userUuid) => ({ fromUser: { userUuid }, changeProperties: { 'reward.count': 5 } }));
  const two = applied(one, { cmd: 22, data: {}, list });
  expect([...two.users.values()].map(rewardsOf)).toEqual([5, 0, 5]);
  expect(step(two, 23, { fromUser: { userUuid: 'nobody' }, changeProperties: { a: 'deleted' } })).toBe(two);
});

test('in a lecture those on the stage are made known and forgotten', () => {
  const one = step(room(), 24, { users: [{ ...person('mei', 'audience', [stream('3')]), subscribe: 1 }] });
  expect([one.users.has('mei'), one.streams.has('3')]).toEqual([true, true]);
  const two = step(one, 24, { users: [{ ...person('mei', 'audience'), subscribe: 0 }, { ...person('sam', 'audience'), subscribe: 0 }] });
  expect([two.users.has('mei'), two.streams.has('3'), two.users.has('sam')]).toEqual([false, false, true]);
});

test('hands of a cloud class are messages, which nobody sends for another but those who teach', () => {
  const cloud = { ...room(undefined, { roomType: 10 }), type: 10 as const };
  const said = (from: string, role: string, cmd: string, data: Tree, before = cloud): Room => step(before, 99, { fromUser: { userUuid: from, userName: from, role }, payload: { cmd, data } }, { timestamp: 4 });
  const up = said('sam', 'audience', 'handsUp', { userUuid: 'sam', state: 1 });
  expect(hands(up)).toEqual([{ id: 'sam', name: 'SAM', since: 4 }]);
  expect(hands(said('mei', 'audience', 'handsUp', { userUuid: 'sam', state: 1 }))).toEqual([]);
  expect(hands(said('mei', 'audience', 'handsUp', { userUuid: 'sam', state: 0 }, up as typeof cloud))).toHaveLength(1);
  expect(hands(said('tina', 'host', 'handsUp', { userUuid: 'sam', state: 0 }, up as typeof cloud))).toEqual([]);
  expect(hands(said('mei', 'audience', 'handsUpAll', { operation: 0 }, up as typeof cloud))).toHaveLength(1);
  expect(hands(said('tina', 'host', 'handsUpAll', { operation: 0 }, up as typeof cloud))).toEqual([]);
});

test('where there is no stage, students are seen as they come; observers never', () => {
  const one = step({ ...room(undefined, { roomType: 0 }), type: 0 }, 20, { onlineUsers: [person('otto', 'observer'), person('ada', 'assistant', [stream('5', { videoState: 0, audioState: 0 })])] });
  expect(isSeated(one, one.me)).toBe(true);
  expect(seated(one).map(({ id }) => id)).toEqual(['tina', 'sam']);
});

test('the state of the class and of its chat', () => {
  const one = put(room(), { state: 1, 'schedule.state': 1, muteChat: 1 });
  expect([phaseOf(one), isChatMuted(one)]).toEqual([1, true]);
  expect(applied(one, { cmd: 12345, data: {} })).toBe(one);
});

test('a carousel is there while it goes, and an announcement until it is taken down', () => {
  const one = room(undefined, { carousel: { state: 1, range: 2, type: 2, interval: 30, count: 2 }, processes: { handsUp: { accepted: [], progress: [], maxAccept: 4 }, waveArm: { progress: [] } } });
  expect([carouselOf(one), seatsOf(one)]).toEqual([{ count: 2, interval: 30, random: true, withDevice: true }, 4]);
  expect([carouselOf(put(one, { carousel: { state: 0 } })), seatsOf(room())]).toEqual([undefined, 6]);
  const told = put(one, { 'flexProps.announcement': { text: 'Homework is due', userUuid: 'tina' } });
  expect([announcementOf(one), announcementOf(told), announcementOf(put(told, { 'flexProps.announcement': { text: '' } }))]).toEqual(['', 'Homework is due', '']);
});
