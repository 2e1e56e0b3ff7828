// The ways into a group: joining, asking, being invited, with and without consent.

import { GROUP_CODE, groupEvent, groupSeen, heard, makeGroup, membersOf, say, settled } from '../lib/groups.js';
import { check } from '../lib/runner.js';

export const tests = [
  {
    name: 'an open group is joined at once, and the members are told',
    covers: ['joinGroup', 'event:onGroupEvent/memberPresence'],
    async run({ lab, people }) {
      const [[, a], [bob, b], [carol, c]] = await people(3);
      const group = await makeGroup(lab, a, { members: [carol.username] });
      await groupEvent(c, 'directJoined', group.id);
      await b.ask('joinGroup', { groupId: group.id, message: lab.secrets.of('application') });
      for (const page of [a, c]) check.equal((await groupEvent(page, 'memberPresence', group.id)).from, bob.username);
      await heard(b, await say(lab, a, group.id));
      await heard(a, await say(lab, b, group.id));
      const again = await b.call('joinGroup', { groupId: group.id, message: '' });
      // Nothing comes of it; the SDK has no code of its own for a second joining.
      if (!again.ok) check.ok([GROUP_CODE.ALREADY_MEMBER, GROUP_CODE.PERMISSION].includes(again.error.type), `code ${again.error.type}`);
      check.equal(Object.keys(await membersOf(a, group.id)).length, 3);
    },
  },
  {
    name: 'an application goes to owner and admins, and is accepted',
    covers: ['joinGroup', 'acceptGroupJoinRequest', 'event:onGroupEvent/requestToJoin', 'event:onGroupEvent/acceptRequest'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [carol, c], [dave, d]] = await people(4);
      const group = await makeGroup(lab, a, { needApprovalToJoin: true, members: [carol.username, dave.username] });
      await groupEvent(c, 'directJoined', group.id);
      await a.ask('setGroupAdmin', { groupId: group.id, username: carol.username });
      await groupEvent(c, 'setAdmin', group.id);
      const message = lab.secrets.of('application', 'please 🙏');
      await b.ask('joinGroup', { groupId: group.id, message });
      for (const page of [a, c]) {
        const asked = await groupEvent(page, 'requestToJoin', group.id);
        check.equal(asked.from, bob.username);
        check.equal(asked.reason, message);
      }
      // Not a member before somebody said yes.
      check.equal((await b.text(group.id, lab.secrets.text(), { chatType: 'groupChat' })).error?.type, GROUP_CODE.NOT_MEMBER);
      await c.ask('acceptGroupJoinRequest', { groupId: group.id, applicant: bob.username });
      check.equal((await groupEvent(b, 'acceptRequest', group.id)).from, carol.username);
      await groupEvent(d, 'memberPresence', group.id, (one) => one.from === bob.username);
      await heard(d, await say(lab, b, group.id));
      check.equal(groupSeen(d, 'requestToJoin', group.id).length, 0);
      check.equal((await membersOf(a, group.id))[bob.username], 'member');
      check.equal((await membersOf(a, group.id))[alice.username], 'owner');
    },
  },
  {
    name: 'an application is rejected, and the applicant stays outside; it waits for an owner who is away',
    covers: ['rejectGroupJoinRequest', 'event:onGroupEvent/joinPublicGroupDeclined'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b]] = await people(2);
      const group = await makeGroup(lab, a, { needApprovalToJoin: true });
      await a.close();
      await a.event('onDisconnected');
      await b.ask('joinGroup', { groupId: group.id, message: lab.secrets.of('application') });
      await lab.login(a, alice);
      await groupEvent(a, 'requestToJoin', group.id);
      await a.ask('rejectGroupJoinRequest', { groupId: group.id, applicant: bob.username, reason: lab.secrets.of('reason') });
      const told = await groupEvent(b, 'joinPublicGroupDeclined', group.id);
      check.equal(told.from, alice.username);
      check.equal(told.userId, bob.username);
      check.deepEqual(Object.keys(await membersOf(a, group.id)), [alice.username]);
      // The answer was the only one: there is nothing left to accept.
      await a.refused('acceptGroupJoinRequest', { groupId: group.id, applicant: bob.username });
    },
  },
  {
    name: 'an invitation with consent: accepted by one, rejected by the other',
    covers: [
      'inviteUsersToGroup',
      'acceptGroupInvite',
      'rejectGroupInvite',
      'event:onGroupEvent/inviteToJoin',
      'event:onGroupEvent/acceptInvite',
      'event:onGroupEvent/rejectInvite',
    ],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [carol, c], [dave, d]] = await people(4);
      const group = await makeGroup(lab, a, { isPublic: false, inviteNeedConfirm: true });
      await a.ask('inviteUsersToGroup', { groupId: group.id, users: [bob.username, carol.username] });
      for (const page of [b, c]) {
        const asked = await groupEvent(page, 'inviteToJoin', group.id);
        check.equal(asked.from, alice.username);
        check.equal(asked.name, group.groupName);
      }
      check.deepEqual(Object.keys(await membersOf(a, group.id)), [alice.username]);
      await b.ask('acceptGroupInvite', { groupId: group.id, invitee: bob.username });
      check.equal((await groupEvent(a, 'acceptInvite', group.id)).from, bob.username);
      await c.ask('rejectGroupInvite', { groupId: group.id, invitee: carol.username });
      check.equal((await groupEvent(a, 'rejectInvite', group.id)).from, carol.username);
      check.deepEqual(Object.keys(await membersOf(a, group.id)).sort(), [alice.username, bob.username].sort());
      await heard(b, await say(lab, a, group.id));
      // Who was not invited cannot accept, and nobody accepts for another.
      await d.refused('acceptGroupInvite', { groupId: group.id, invitee: dave.username });
      await c.refused('acceptGroupInvite', { groupId: group.id, invitee: carol.username });
    },
  },
  {
    name: 'an invitation without consent joins at once, and the others are told of all in one event',
    covers: ['inviteUsersToGroup', 'event:onGroupEvent/directJoined', 'event:onGroupEvent/membersPresence'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [carol, c], [dave, d]] = await people(4);
      const group = await makeGroup(lab, a, { isPublic: false, members: [dave.username] });
      await groupEvent(d, 'directJoined', group.id);
      await a.ask('inviteUsersToGroup', { groupId: group.id, users: [bob.username, carol.username] });
      for (const page of [b, c]) check.equal((await groupEvent(page, 'directJoined', group.id)).from, alice.username);
      const told = await groupEvent(d, 'membersPresence', group.id);
      check.deepEqual([...told.members].sort(), [bob.username, carol.username].sort());
      const id = await say(lab, a, group.id);
      for (const page of [b, c, d]) await heard(page, id);
    },
  },
  {
    name: 'members invite only where it is allowed',
    covers: ['inviteUsersToGroup'],
    async run({ lab, people }) {
      const [[, a], [bob, b], [carol, c]] = await people(3);
      const closed = await makeGroup(lab, a, { isPublic: false, allowMemberToInvite: false, members: [bob.username] });
      const open = await makeGroup(lab, a, { isPublic: false, allowMemberToInvite: true, members: [bob.username] });
      await groupEvent(b, 'directJoined', open.id);
      check.equal((await b.refused('inviteUsersToGroup', { groupId: closed.id, users: [carol.username] })).type, GROUP_CODE.PERMISSION);
      await b.ask('inviteUsersToGroup', { groupId: open.id, users: [carol.username] });
      await groupEvent(c, 'directJoined', open.id);
      await settled(lab, a, c, carol);
      check.equal(c.seen('onGroupEvent', (one) => one.id === closed.id).length, 0);
    },
  },
  {
    name: 'a private group cannot be joined, a full one neither, one that is not there neither',
    covers: ['joinGroup'],
    async run({ lab, people }) {
      const [[, a], [bob, b], [, c]] = await people(3);
      const hidden = await makeGroup(lab, a, { isPublic: false });
      const { type } = await b.refused('joinGroup', { groupId: hidden.id, message: '' });
      check.ok([GROUP_CODE.PERMISSION, GROUP_CODE.NOT_FOUND].includes(type), `code ${type}`);
      const full = await makeGroup(lab, a, { maxMemberCount: 2, members: [bob.username] });
      check.equal((await c.refused('joinGroup', { groupId: full.id, message: '' })).type, GROUP_CODE.FULL);
      check.equal((await c.refused('joinGroup', { groupId: '999999999999999', message: '' })).type, GROUP_CODE.NOT_FOUND);
      check.equal(Object.keys(await membersOf(a, full.id)).length, 2);
    },
  },
  {
    name: 'an invitation waits for a user who is away',
    covers: ['event:onGroupEvent/inviteToJoin'],
    async run({ lab, people, device }) {
      const [[alice, a]] = await people(1);
      const bob = await lab.user();
      const group = await makeGroup(lab, a, { isPublic: false, inviteNeedConfirm: true });
      await a.ask('inviteUsersToGroup', { groupId: group.id, users: [bob.username] });
      const b = await device();
      await lab.login(b, bob);
      check.equal((await groupEvent(b, 'inviteToJoin', group.id)).from, alice.username);
      await b.ask('acceptGroupInvite', { groupId: group.id, invitee: bob.username });
      await groupEvent(a, 'acceptInvite', group.id);
      await heard(a, await say(lab, b, group.id));
    },
  },
];
