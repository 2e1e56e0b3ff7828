// Owner, admins, members: who is what, who may what, and who is told.

import { GROUP_CODE, groupEvent, groupSeen, heard, makeGroup, membersOf, say, settled, texts } from '../lib/groups.js';
import { check } from '../lib/runner.js';

export const tests = [
  {
    name: 'a group changes hands: both are told, and the power moves',
    covers: ['changeGroupOwner', 'event:onGroupEvent/changeOwner'],
    async run({ lab, people, another }) {
      const [[alice, a], [bob, b], [carol, c]] = await people(3);
      const a2 = await another(alice);
      const group = await makeGroup(lab, a, { members: [bob.username, carol.username] });
      await groupEvent(b, 'directJoined', group.id);
      await b.refused('changeGroupOwner', { groupId: group.id, newOwner: bob.username });
      await a.ask('changeGroupOwner', { groupId: group.id, newOwner: bob.username });
      for (const page of [b, a2]) await groupEvent(page, 'changeOwner', group.id);
      check.deepEqual(await membersOf(c, group.id), { [alice.username]: 'member', [bob.username]: 'owner', [carol.username]: 'member' });
      check.equal((await a.refused('destroyGroup', { groupId: group.id })).type, GROUP_CODE.PERMISSION);
      await a.ask('leaveGroup', { groupId: group.id });
      await groupEvent(b, 'memberAbsence', group.id, (one) => one.from === alice.username);
      const outside = await lab.user();
      await b.refused('changeGroupOwner', { groupId: group.id, newOwner: outside.username });
    },
  },
  {
    name: 'an admin is made and unmade, told of both, and may act only meanwhile',
    covers: ['setGroupAdmin', 'removeGroupAdmin', 'getGroupAdmin', 'event:onGroupEvent/setAdmin', 'event:onGroupEvent/removeAdmin'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [carol, c]] = await people(3);
      const group = await makeGroup(lab, a, { members: [bob.username, carol.username] });
      const groupId = group.id;
      await groupEvent(b, 'directJoined', groupId);
      const mute = () => b.call('muteGroupMember', { groupId, username: carol.username, muteDuration: 60_000 });
      check.equal((await mute()).ok, false);
      check.equal((await b.refused('setGroupAdmin', { groupId, username: carol.username })).type, GROUP_CODE.PERMISSION);
      await a.ask('setGroupAdmin', { groupId, username: bob.username });
      const told = await groupEvent(b, 'setAdmin', groupId);
      check.equal(told.from, alice.username);
      check.equal(told.userId, bob.username);
      check.deepEqual((await c.ask('getGroupAdmin', { groupId })).data, [bob.username]);
      check.equal((await membersOf(c, groupId))[bob.username], 'admin');
      check.equal((await mute()).ok, true);
      await groupEvent(c, 'muteMember', groupId);
      await b.ask('unmuteGroupMember', { groupId, username: carol.username });
      // An admin is not the owner.
      check.equal((await b.refused('destroyGroup', { groupId })).type, GROUP_CODE.PERMISSION);
      check.equal((await b.refused('removeGroupMember', { groupId, username: alice.username })).type, GROUP_CODE.PERMISSION);
      await a.ask('removeGroupAdmin', { groupId, username: bob.username });
      check.equal((await groupEvent(b, 'removeAdmin', groupId)).from, alice.username);
      check.deepEqual((await c.ask('getGroupAdmin', { groupId })).data, []);
      check.equal((await mute()).ok, false);
    },
  },
  {
    name: 'who is removed is told, hears nothing more and may come back; the others are told',
    covers: ['removeGroupMember', 'event:onGroupEvent/removeMember', 'event:onGroupEvent/memberAbsence'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [carol, c]] = await people(3);
      const group = await makeGroup(lab, a, { members: [bob.username, carol.username] });
      const groupId = group.id;
      await groupEvent(c, 'directJoined', groupId);
      check.equal((await c.refused('removeGroupMember', { groupId, username: bob.username })).type, GROUP_CODE.PERMISSION);
      await a.ask('removeGroupMember', { groupId, username: bob.username });
      check.equal((await groupEvent(b, 'removeMember', groupId)).from, alice.username);
      check.equal((await groupEvent(c, 'memberAbsence', groupId)).from, bob.username);
      const id = await say(lab, a, groupId);
      await heard(c, id);
      await settled(lab, a, b, bob);
      check.deepEqual(texts(b, groupId), []);
      check.equal((await b.text(groupId, lab.secrets.text(), { chatType: 'groupChat' })).error?.type, GROUP_CODE.NOT_MEMBER);
      await b.ask('joinGroup', { groupId, message: '' });
      await groupEvent(c, 'memberPresence', groupId, (one) => one.from === bob.username);
    },
  },
  {
    name: 'several are removed in one call, and the rest is told of all in one event',
    covers: ['removeGroupMembers', 'event:onGroupEvent/removeMember', 'event:onGroupEvent/membersAbsence'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [carol, c], [dave, d]] = await people(4);
      const group = await makeGroup(lab, a, { members: [bob.username, carol.username, dave.username] });
      const groupId = group.id;
      await groupEvent(d, 'directJoined', groupId);
      const answer = await a.ask('removeGroupMembers', { groupId, users: [bob.username, carol.username] });
      check.deepEqual(answer.data.map(({ user, result }) => [user, result]).sort(), [[bob.username, true], [carol.username, true]].sort());
      for (const page of [b, c]) await groupEvent(page, 'removeMember', groupId);
      const told = await groupEvent(d, 'membersAbsence', groupId);
      check.deepEqual([...told.members].sort(), [bob.username, carol.username].sort());
      check.deepEqual(Object.keys(await membersOf(d, groupId)).sort(), [alice.username, dave.username].sort());
      check.equal(groupSeen(d, 'removeMember', groupId).length, 0);
    },
  },
];
