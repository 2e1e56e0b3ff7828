// The block list, which keeps out, and the allow list, which lets write.

import { GROUP_CODE, groupEvent, groupSeen, heard, makeGroup, membersOf, say, settled, texts } from '../lib/groups.js';
import { check } from '../lib/runner.js';

export const tests = [
  {
    name: 'who is blocked is removed, told, hears nothing and cannot return until unblocked',
    covers: ['blockGroupMember', 'unblockGroupMember', 'getGroupBlocklist', 'event:onGroupEvent/removeMember', 'event:onGroupEvent/unblockMember'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [carol, c]] = await people(3);
      const group = await makeGroup(lab, a, { members: [bob.username, carol.username] });
      const groupId = group.id;
      await groupEvent(c, 'directJoined', groupId);
      check.equal((await c.refused('blockGroupMember', { groupId, username: bob.username })).type, GROUP_CODE.PERMISSION);
      const answer = await a.ask('blockGroupMember', { groupId, username: bob.username });
      check.equal(answer.data.result, true);
      check.equal(answer.data.user, bob.username);
      check.equal((await groupEvent(b, 'removeMember', groupId)).from, alice.username);
      check.deepEqual((await a.ask('getGroupBlocklist', { groupId })).data, [bob.username]);
      check.deepEqual(Object.keys(await membersOf(c, groupId)).sort(), [alice.username, carol.username].sort());
      await heard(c, await say(lab, a, groupId));
      await settled(lab, a, b, bob);
      check.deepEqual(texts(b, groupId), []);
      check.equal((await b.refused('joinGroup', { groupId, message: '' })).type, GROUP_CODE.PERMISSION);
      await a.ask('unblockGroupMember', { groupId, username: bob.username });
      check.equal((await groupEvent(b, 'unblockMember', groupId)).from, alice.username);
      check.deepEqual((await a.ask('getGroupBlocklist', { groupId })).data, []);
      await b.ask('joinGroup', { groupId, message: '' });
      await heard(b, await say(lab, a, groupId));
      check.equal(groupSeen(c, 'unblockMember', groupId).length, 0);
    },
  },
  {
    name: 'several are blocked and unblocked in one call',
    covers: ['blockGroupMembers', 'unblockGroupMembers', 'getGroupBlocklist'],
    async run({ lab, people }) {
      const [[, a], [bob, b], [carol, c]] = await people(3);
      const group = await makeGroup(lab, a, { members: [bob.username, carol.username] });
      const groupId = group.id;
      const both = [bob.username, carol.username].sort();
      await groupEvent(c, 'directJoined', groupId);
      const blocked = await a.ask('blockGroupMembers', { groupId, usernames: both });
      check.deepEqual(blocked.data.map(({ user, result }) => [user, result]).sort(), both.map((name) => [name, true]));
      for (const page of [b, c]) await groupEvent(page, 'removeMember', groupId);
      check.deepEqual((await a.ask('getGroupBlocklist', { groupId })).data.sort(), both);
      await a.ask('unblockGroupMembers', { groupId, usernames: both });
      for (const page of [b, c]) await groupEvent(page, 'unblockMember', groupId);
      check.deepEqual((await a.ask('getGroupBlocklist', { groupId })).data, []);
    },
  },
  {
    name: 'the allow list: who is put on it and taken off is told, and can ask',
    covers: [
      'addUsersToGroupAllowlist',
      'removeGroupAllowlistMember',
      'getGroupAllowlist',
      'isInGroupAllowlist',
      'event:onGroupEvent/addUserToAllowlist',
      'event:onGroupEvent/removeAllowlistMember',
    ],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [carol, c], [dave, d]] = await people(4);
      const group = await makeGroup(lab, a, { members: [bob.username, carol.username, dave.username] });
      const groupId = group.id;
      await groupEvent(d, 'directJoined', groupId);
      await a.ask('setGroupAdmin', { groupId, username: carol.username });
      const isIn = async (device, userName) => (await device.ask('isInGroupAllowlist', { groupId, userName })).data.white;
      check.equal(await isIn(b, bob.username), false);
      const [added] = (await a.ask('addUsersToGroupAllowlist', { groupId, users: [bob.username] })).data;
      check.equal(added.user, bob.username);
      check.equal(added.result, true);
      for (const page of [b, c]) {
        const told = await groupEvent(page, 'addUserToAllowlist', groupId);
        check.equal(told.from, alice.username);
        check.equal(told.userId, bob.username);
      }
      check.equal(await isIn(b, bob.username), true);
      check.deepEqual((await a.ask('getGroupAllowlist', { groupId })).data.filter((name) => name !== alice.username && name !== carol.username), [bob.username]);
      await a.ask('removeGroupAllowlistMember', { groupId, userName: bob.username });
      for (const page of [b, c]) check.equal((await groupEvent(page, 'removeAllowlistMember', groupId)).userId, bob.username);
      check.equal(await isIn(b, bob.username), false);
      check.equal(groupSeen(d, 'addUserToAllowlist', groupId).length, 0);
      check.equal((await d.refused('addUsersToGroupAllowlist', { groupId, users: [dave.username] })).type, GROUP_CODE.PERMISSION);
    },
  },
];
