// Muting: of one, of several, of all, for a time and for ever, and who is exempt.

import { GROUP_CODE, groupEvent, groupSeen, heard, makeGroup, say } from '../lib/groups.js';
import { check } from '../lib/runner.js';

const FOR_EVER = -1;
const HOUR = 3_600_000;

const write = (lab, device, id) => device.text(id, lab.secrets.text(), { chatType: 'groupChat' });

async function mutedIn(lab, device, id, code = GROUP_CODE.MUTED) {
  const outcome = await write(lab, device, id);
  check.equal(outcome.ok, false);
  check.equal(outcome.error.type, code, JSON.stringify(outcome.error));
}

export const tests = [
  {
    name: 'a muted member is told until when, cannot write, is listed, and writes again after',
    covers: ['muteGroupMember', 'unmuteGroupMember', 'getGroupMuteList', 'isInGroupMutelist', 'event:onGroupEvent/muteMember', 'event:onGroupEvent/unmuteMember'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [carol, c], [dave, d]] = await people(4);
      const group = await makeGroup(lab, a, { members: [bob.username, carol.username, dave.username] });
      const groupId = group.id;
      await groupEvent(c, 'directJoined', groupId);
      await a.ask('setGroupAdmin', { groupId, username: carol.username });
      check.equal((await b.ask('isInGroupMutelist', { groupId })).data, false);
      const before = Date.now();
      const [answer] = (await a.ask('muteGroupMember', { groupId, username: bob.username, muteDuration: HOUR })).data;
      check.equal(answer.user, bob.username);
      check.equal(answer.result, true);
      check.ok(Math.abs(Number(answer.expire) - (before + HOUR)) < 60_000, `expires ${answer.expire}`);
      for (const page of [b, c]) {
        const told = await groupEvent(page, 'muteMember', groupId);
        check.equal(told.from, alice.username);
        check.equal(told.userId, bob.username);
        check.equal(Number(told.muteTimestamp), Number(answer.expire));
      }
      await mutedIn(lab, b, groupId);
      check.equal((await b.ask('isInGroupMutelist', { groupId })).data, true);
      check.deepEqual((await c.ask('getGroupMuteList', { groupId })).data.map(({ user }) => user), [bob.username]);
      // Others write, and the muted member reads.
      await heard(b, await say(lab, d, groupId));
      await c.ask('unmuteGroupMember', { groupId, username: bob.username });
      check.equal((await groupEvent(b, 'unmuteMember', groupId)).userId, bob.username);
      await heard(d, await say(lab, b, groupId));
      check.deepEqual((await c.ask('getGroupMuteList', { groupId })).data, []);
      check.equal(groupSeen(d, 'muteMember', groupId).length, 0);
    },
  },
  {
    name: 'a mute ends by itself',
    covers: ['muteGroupMember'],
    async run({ lab, people }) {
      const [[, a], [bob, b]] = await people(2);
      const group = await makeGroup(lab, a, { members: [bob.username] });
      await groupEvent(b, 'directJoined', group.id);
      await a.ask('muteGroupMember', { groupId: group.id, username: bob.username, muteDuration: 3_000 });
      await groupEvent(b, 'muteMember', group.id);
      // It holds until its time and not longer: whatever was refused was refused before it.
      const began = Date.now();
      let outcome = await write(lab, b, group.id);
      while (!outcome.ok) {
        check.equal(outcome.error.type, GROUP_CODE.MUTED);
        check.ok(Date.now() - began < 30_000, 'the mute never ends');
        outcome = await write(lab, b, group.id);
      }
      await heard(a, outcome.serverMsgId);
      check.equal((await b.ask('isInGroupMutelist', { groupId: group.id })).data, false);
      check.deepEqual((await a.ask('getGroupMuteList', { groupId: group.id })).data, []);
    },
  },
  {
    name: 'several members are muted for ever in one call',
    covers: ['muteGroupMember', 'getGroupMuteList'],
    async run({ lab, people }) {
      const [[, a], [bob, b], [carol, c]] = await people(3);
      const group = await makeGroup(lab, a, { members: [bob.username, carol.username] });
      await groupEvent(c, 'directJoined', group.id);
      await a.ask('muteGroupMember', { groupId: group.id, username: [bob.username, carol.username], muteDuration: FOR_EVER });
      for (const [page, user] of [[b, bob], [c, carol]]) {
        await groupEvent(page, 'muteMember', group.id, (one) => one.userId === user.username);
        await mutedIn(lab, page, group.id);
      }
      check.deepEqual((await a.ask('getGroupMuteList', { groupId: group.id })).data.map(({ user }) => user).sort(), [bob.username, carol.username].sort());
      check.equal((await b.refused('muteGroupMember', { groupId: group.id, username: carol.username, muteDuration: HOUR })).type, GROUP_CODE.PERMISSION);
    },
  },
  {
    name: 'all are muted: owner, admins and the allow list still write, the others again after',
    covers: ['disableSendGroupMsg', 'enableSendGroupMsg', 'event:onGroupEvent/muteAllMembers', 'event:onGroupEvent/unmuteAllMembers'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [carol, c], [dave, d]] = await people(4);
      const group = await makeGroup(lab, a, { members: [bob.username, carol.username, dave.username] });
      const groupId = group.id;
      await groupEvent(d, 'directJoined', groupId);
      await a.ask('setGroupAdmin', { groupId, username: carol.username });
      await a.ask('addUsersToGroupAllowlist', { groupId, users: [dave.username] });
      check.equal((await b.refused('disableSendGroupMsg', { groupId })).type, GROUP_CODE.PERMISSION);
      check.equal((await a.ask('disableSendGroupMsg', { groupId })).data.mute, true);
      for (const page of [b, c, d]) check.equal((await groupEvent(page, 'muteAllMembers', groupId)).from, alice.username);
      check.equal((await b.ask('getGroupInfo', { groupId })).data[0].mute, true);
      // Where all are muted, it is the allow list that lets write.
      await mutedIn(lab, b, groupId, GROUP_CODE.NOT_ALLOWED);
      for (const page of [a, c, d]) await heard(b, await say(lab, page, groupId));
      check.equal((await a.ask('enableSendGroupMsg', { groupId })).data.mute, false);
      for (const page of [b, c, d]) await groupEvent(page, 'unmuteAllMembers', groupId);
      await heard(d, await say(lab, b, groupId));
      check.equal((await b.ask('getGroupInfo', { groupId })).data[0].mute, false);
    },
  },
];
