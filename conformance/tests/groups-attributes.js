// Attributes that a member carries in one group.

import { groupEvent, groupSeen, makeGroup } from '../lib/groups.js';
import { check } from '../lib/runner.js';

export const tests = [
  {
    name: 'a member\'s attributes reach the others, and one\'s own other device as such',
    covers: [
      'setGroupMemberAttributes',
      'getGroupMemberAttributes',
      'getGroupMembersAttributes',
      'event:onGroupEvent/memberAttributesUpdate',
      'event:onMultiDeviceEvent',
      'event:onMultiDeviceEvent/memberAttributesUpdate',
    ],
    async run({ lab, people, another }) {
      const [[alice, a], [bob, b1], [carol, c]] = await people(3);
      const b2 = await another(bob);
      const group = await makeGroup(lab, a, { members: [bob.username, carol.username] });
      const groupId = group.id;
      await groupEvent(c, 'directJoined', groupId);
      const memberAttributes = { nick: lab.secrets.of('member attribute', 'Bobby 🐢'), mood: lab.secrets.of('member attribute') };
      await b1.ask('setGroupMemberAttributes', { groupId, userId: bob.username, memberAttributes });
      for (const page of [a, c]) {
        const told = await groupEvent(page, 'memberAttributesUpdate', groupId);
        check.equal(told.from, bob.username);
        check.equal(told.userId, bob.username);
        check.deepEqual(told.attributes, memberAttributes);
      }
      const own = await b2.event('onMultiDeviceEvent', (one) => one.operation === 'memberAttributesUpdate' && one.id === groupId);
      check.deepEqual(own.attributes, memberAttributes);
      check.equal(groupSeen(b2, 'memberAttributesUpdate', groupId).length, 0);
      check.deepEqual((await c.ask('getGroupMemberAttributes', { groupId, userId: bob.username })).data, memberAttributes);
      const some = (await c.ask('getGroupMembersAttributes', { groupId, userIds: [bob.username, alice.username], keys: ['nick'] })).data;
      check.deepEqual(some[bob.username], { nick: memberAttributes.nick });
      check.deepEqual(some[alice.username] ?? {}, {});
      // An empty value takes the key away.
      await b1.ask('setGroupMemberAttributes', { groupId, userId: bob.username, memberAttributes: { mood: '' } });
      await groupEvent(c, 'memberAttributesUpdate', groupId, (one) => !('nick' in one.attributes) || one.attributes.mood === '');
      check.deepEqual((await c.ask('getGroupMemberAttributes', { groupId, userId: bob.username })).data, { nick: memberAttributes.nick });
      check.equal(b1.seen('onMultiDeviceEvent').length, 0);
    },
  },
  {
    name: 'a member sets only his own, the owner those of all; what breaks the limits is refused',
    covers: ['setGroupMemberAttributes'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [carol, c]] = await people(3);
      const group = await makeGroup(lab, a, { members: [bob.username, carol.username] });
      const groupId = group.id;
      await groupEvent(c, 'directJoined', groupId);
      const value = lab.secrets.of('member attribute');
      await b.refused('setGroupMemberAttributes', { groupId, userId: carol.username, memberAttributes: { nick: value } });
      await a.ask('setGroupMemberAttributes', { groupId, userId: carol.username, memberAttributes: { nick: value } });
      check.equal((await groupEvent(b, 'memberAttributesUpdate', groupId)).userId, carol.username);
      check.equal((await groupEvent(c, 'memberAttributesUpdate', groupId)).from, alice.username);
      for (const memberAttributes of [{ ['k'.repeat(17)]: 'v' }, { 'not legal': 'v' }, { nick: 'v'.repeat(513) }]) {
        await c.refused('setGroupMemberAttributes', { groupId, userId: carol.username, memberAttributes });
      }
      check.deepEqual((await b.ask('getGroupMemberAttributes', { groupId, userId: carol.username })).data, { nick: value });
    },
  },
];
