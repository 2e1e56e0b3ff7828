import { expect, test } from 'vitest';
import { toldOf } from './events';
import { entry, person, room, stream } from './fixtures';
import { dealt, groupOf, groupsOf, invitationOf, placed } from './groups';
import { applied, roomFrom } from './store';
import type { Tree } from './types';

const GROUPS = { state: 1, details: { g2: { groupName: 'Owls', users: [{ userUuid: 'sam' }], sort: 2 }, g1: { groupName: 'Foxes', users: [], sort: 1 } } };
const asked = (userUuid: string): Tree => ({ 'groups-g1': { progress: [{ userUuid, userName: 'X', ts: 1, payload: { groupUuid: 'g1', groupName: 'Foxes', inviter: 'TINA' } }], accepted: [] } });
const members = (changeGroups: readonly Tree[]): Tree => ({ cmd: 11, data: { actionType: 4, changeGroups } });

test('groups are read in their order, with who is in them and who is asked', () => {
  const one = room(undefined, { groups: GROUPS, processes: asked('mei') });
  expect(groupsOf(one)).toEqual([
    { id: 'g1', name: 'Foxes', members: [], invited: ['mei'] },
    { id: 'g2', name: 'Owls', members: ['sam'], invited: [] },
  ]);
  expect([groupOf(one, 'sam')?.name, groupOf(one, 'mei')]).toEqual(['Owls', undefined]);
  expect([invitationOf(one, 'mei'), invitationOf(one, 'sam')]).toEqual([{ groupUuid: 'g1', groupName: 'Foxes', inviter: 'TINA' }, undefined]);
  expect(groupsOf(room())).toEqual([]);
});

test('people are dealt out evenly, each once', () => {
  const people = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
  const groups = dealt(people, 3, () => 0.5);
  expect(groups.map((group) => group.length)).toEqual([3, 2, 2]);
  expect(groups.flat().sort()).toEqual(people);
  expect(dealt(['a'], 2, () => 0)).toEqual([['a'], []]);
});

test('somebody is in one planned group at a time', () => {
  const plans = [{ name: 'A', users: ['sam', 'mei'] }, { name: 'B', users: [] }];
  expect(placed(plans, 'sam', 1).map(({ users }) => users)).toEqual([['mei'], ['sam']]);
  expect(placed(plans, 'sam', undefined).map(({ users }) => users)).toEqual([['mei'], []]);
});

test('what happens with groups is told to the app and to who is in them', () => {
  const before = room(undefined, { groups: { state: 0, details: {} } });
  const opened = { cmd: 4, data: { changeProperties: { groups: GROUPS }, operator: { userUuid: 'tina' }, cause: members([{ groupUuid: 'g2', addUsers: [{ userUuid: 'sam' }], removeUsers: [] }]) } };
  const inside = applied(before, opened);
  expect(toldOf(before, inside, opened)).toEqual({ events: [[123, { groupUuid: 'g2', users: ['sam'] }]], notices: [{ kind: 'groupIn', name: 'Owls' }] });

  const moved = { cmd: 4, data: { changeProperties: { 'groups.details.g1.users': [{ userUuid: 'sam' }], 'groups.details.g2.users': [] }, cause: members([{ groupUuid: 'g2', addUsers: [], removeUsers: [{ userUuid: 'sam' }] }, { groupUuid: 'g1', addUsers: [{ userUuid: 'sam' }], removeUsers: [] }]) } };
  const other = applied(inside, moved);
  expect(toldOf(inside, other, moved)).toEqual({
    events: [
      [124, { groupUuid: 'g2', users: ['sam'] }],
      [123, { groupUuid: 'g1', users: ['sam'] }],
      [119, { fromGroupUuid: 'g2', toGroupUuid: 'g1' }],
    ],
    notices: [{ kind: 'groupIn', name: 'Foxes' }],
  });

  const closed = { cmd: 4, data: { changeProperties: { groups: { state: 0, details: {} } }, cause: { cmd: 11, data: { actionType: 2, changeGroups: [{ groupUuid: 'g1' }] } } } };
  expect(toldOf(other, applied(other, closed), closed)).toEqual({ events: [], notices: [{ kind: 'groupOut' }] });
});

test('an invitation is told to whom it is for, and its answer', () => {
  const tina = roomFrom(entry(person('tina', 'host', [stream('1')]), { groups: GROUPS }));
  const frame = (actionType: number, more: Tree, progress: unknown): { cmd: number; data: Tree } => ({
    cmd: 4,
    data: { changeProperties: { 'processes.groups-g1.progress': progress }, cause: { cmd: 501, data: { processUuid: 'groups-g1', actionType, addProgress: [], removeProgress: [], addAccepted: [], removeAccepted: [], ...more } } },
  });
  const payload = { groupUuid: 'g1', groupName: 'Foxes', inviter: 'SAM' };
  const ask = frame(1, { addProgress: [{ userUuid: 'tina', payload }] }, [{ userUuid: 'tina', payload }]);
  const invited = applied(tina, ask);
  expect(toldOf(tina, invited, ask).events).toEqual([[118, payload]]);
  expect(invitationOf(invited, 'tina')).toEqual(payload);
  const accepted = frame(2, { addAccepted: [{ userUuid: 'tina' }] }, []);
  expect(toldOf(invited, applied(invited, accepted), accepted).events).toEqual([[122, { groupUuid: 'g1', accepted: [{ userUuid: 'tina' }] }]]);
  const refused = frame(3, { removeProgress: [{ userUuid: 'tina', payload }] }, []);
  expect(toldOf(invited, applied(invited, refused), refused).events).toEqual([[125, { groupUuid: 'g1', removeProgress: [{ userUuid: 'tina', payload }], inviting: false }]]);
});
