// Owner, admins, members of a room: who is what, who may what, and who is told.

import { calm, detailsOf, enter, heard, join, membersOf, ROOM_CODE, roomEvent, roomSeen, roomWith, say, silenced, texts } from '../lib/rooms.js';
import { check } from '../lib/runner.js';

export const tests = [
  {
    name: 'an admin is made and unmade, told of both, and may act only meanwhile',
    covers: ['setChatRoomAdmin', 'removeChatRoomAdmin', 'getChatRoomAdmin', 'event:onChatroomEvent/setAdmin', 'event:onChatroomEvent/removeAdmin', 'event:onChatroomChange'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [carol, c], [dave, d]] = await people(4);
      const { id } = await roomWith(lab, [[alice, a], [bob, b], [carol, c], [dave, d]]);
      const chatRoomId = id;
      const mute = () => b.call('muteChatRoomMember', { chatRoomId, username: carol.username, muteDuration: 60_000 });
      check.equal((await mute()).ok, false);
      check.equal((await b.refused('setChatRoomAdmin', { chatRoomId, username: carol.username })).type, ROOM_CODE.PERMISSION);
      const made = (await a.ask('setChatRoomAdmin', { chatRoomId, username: bob.username })).data;
      check.equal(made.result, 'success');
      check.equal(made.newadmin, bob.username);
      const told = await roomEvent(b, 'setAdmin', id);
      check.equal(told.from, alice.username);
      check.equal(told.userId, bob.username);
      check.equal((await b.event('onChatroomChange', (one) => one.type === 'addAdmin' && one.gid === id)).to, bob.username);
      check.deepEqual((await a.ask('getChatRoomAdmin', { chatRoomId })).data, [bob.username]);
      check.equal((await membersOf(c, id))[bob.username], 'admin');
      check.equal((await mute()).ok, true);
      await roomEvent(c, 'muteMember', id);
      await b.ask('unmuteChatRoomMember', { chatRoomId, username: carol.username });
      // An admin is not the owner.
      for (const [method, parameters] of [
        ['destroyChatRoom', { chatRoomId }],
        ['removeChatRoomMember', { chatRoomId, username: alice.username }],
        ['setChatRoomAdmin', { chatRoomId, username: dave.username }],
        ['removeChatRoomAdmin', { chatRoomId, username: bob.username }],
        ['muteChatRoomMember', { chatRoomId, username: alice.username, muteDuration: 60_000 }],
        ['blockChatRoomMember', { chatRoomId, username: alice.username }],
      ]) {
        const { type } = await b.refused(method, parameters);
        check.equal(type, ROOM_CODE.PERMISSION, method);
      }
      const unmade = (await a.ask('removeChatRoomAdmin', { chatRoomId, username: bob.username })).data;
      check.equal(unmade.result, 'success');
      check.equal(unmade.oldadmin, bob.username);
      check.equal((await roomEvent(b, 'removeAdmin', id)).from, alice.username);
      check.deepEqual((await a.ask('getChatRoomAdmin', { chatRoomId })).data, []);
      check.equal((await mute()).ok, false);
      check.equal((await membersOf(c, id))[bob.username], 'member');
      await a.refused('setChatRoomAdmin', { chatRoomId, username: (await lab.user()).username });
    },
  },
  {
    name: 'an admin who leaves and comes back is one still',
    covers: ['setChatRoomAdmin', 'leaveChatRoom', 'joinChatRoom'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [carol, c]] = await people(3);
      const { id } = await roomWith(lab, [[alice, a], [bob, b], [carol, c]]);
      await a.ask('setChatRoomAdmin', { chatRoomId: id, username: bob.username });
      await b.ask('leaveChatRoom', { roomId: id });
      await roomEvent(c, 'memberAbsence', id);
      check.equal((await detailsOf(a, id)).affiliations_count, 2);
      check.equal(bob.username in (await membersOf(a, id)), false);
      await enter(id, c, [bob, b]);
      check.equal((await membersOf(a, id))[bob.username], 'admin');
      await b.ask('muteChatRoomMember', { chatRoomId: id, username: carol.username, muteDuration: 60_000 });
      await roomEvent(c, 'muteMember', id);
    },
  },
  {
    name: 'who is removed is told, hears nothing more and may come back; the rest is told of an absence',
    covers: ['removeChatRoomMember', 'event:onChatroomEvent/removeMember', 'event:onChatroomEvent/memberAbsence', 'event:onChatroomChange'],
    async run({ lab, people, another }) {
      const [[alice, a], [bob, b], [carol, c]] = await people(3);
      const b2 = await another(bob);
      const { id } = await roomWith(lab, [[alice, a], [bob, b], [carol, c]]);
      check.equal((await c.refused('removeChatRoomMember', { chatRoomId: id, username: bob.username })).type, ROOM_CODE.PERMISSION);
      const { data } = await a.ask('removeChatRoomMember', { chatRoomId: id, username: bob.username });
      check.equal(data.result, true);
      check.equal(data.user, bob.username);
      check.equal(data.id, id);
      for (const page of [b, b2]) check.equal((await roomEvent(page, 'removeMember', id)).from, alice.username);
      check.equal((await b.event('onChatroomChange', (one) => one.type === 'removedFromGroup' && one.gid === id)).kicked, bob.username);
      const told = await roomEvent(c, 'memberAbsence', id);
      check.equal(told.from, bob.username);
      check.equal(told.memberCount, 2);
      const said = await say(lab, a, id);
      await heard(c, said);
      await calm(lab, id, a, c, [bob, b], [bob, b2]);
      for (const page of [b, b2]) check.equal(texts(page, id).includes(said), false);
      check.equal((await silenced(lab, b, id)).type, ROOM_CODE.NOT_IN);
      check.equal(roomSeen(c, 'removeMember', id).length, 0);
      await enter(id, c, [bob, b]);
      await heard(b2, await say(lab, a, id));
      await a.refused('removeChatRoomMember', { chatRoomId: id, username: (await lab.user()).username });
    },
  },
  {
    name: 'several are removed in one call, by an admin',
    covers: ['removeChatRoomMembers', 'event:onChatroomEvent/removeMember', 'event:onChatroomEvent/memberAbsence'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [carol, c], [dave, d]] = await people(4);
      const { id } = await roomWith(lab, [[alice, a], [bob, b], [carol, c], [dave, d]]);
      await a.ask('setChatRoomAdmin', { chatRoomId: id, username: dave.username });
      const both = [bob.username, carol.username].sort();
      const { data } = await d.ask('removeChatRoomMembers', { chatRoomId: id, users: both });
      check.deepEqual(data.map(({ user, result }) => [user, result]).sort(), both.map((name) => [name, true]));
      for (const page of [b, c]) check.equal((await roomEvent(page, 'removeMember', id)).from, dave.username);
      for (const page of [a, d]) for (const name of both) await roomEvent(page, 'memberAbsence', id, (one) => one.from === name);
      check.deepEqual(Object.keys(await membersOf(d, id)).sort(), [alice.username, dave.username].sort());
      check.equal(roomSeen(d, 'memberAbsence', id).at(-1).memberCount, 2);
    },
  },
  {
    name: 'a room changes hands by the back end: both are told, and the power moves',
    covers: ['event:onChatroomEvent', 'destroyChatRoom'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [carol, c]] = await people(3);
      const { id } = await roomWith(lab, [[alice, a], [bob, b], [carol, c]]);
      const answer = await lab.rest.call('PUT', `/chatrooms/${id}`, { token: lab.admin, json: { newowner: bob.username } });
      check.equal(answer.status, 200, answer.text);
      check.equal(answer.body.data.newowner, true, answer.text);
      for (const page of [a, b]) await roomEvent(page, 'changeOwner', id);
      check.equal((await detailsOf(c, id)).owner, bob.username);
      check.deepEqual(await membersOf(c, id), { [alice.username]: 'member', [bob.username]: 'owner', [carol.username]: 'member' });
      check.equal((await a.refused('destroyChatRoom', { chatRoomId: id })).type, ROOM_CODE.PERMISSION);
      await a.ask('leaveChatRoom', { roomId: id });
      await roomEvent(c, 'memberAbsence', id, (one) => one.from === alice.username);
      await b.ask('destroyChatRoom', { chatRoomId: id });
      await roomEvent(c, 'destroy', id);
    },
  },
  {
    name: 'the owner cannot be outside: after going he is in it or it is still his',
    covers: ['leaveChatRoom', 'joinChatRoom'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b]] = await people(2);
      const { id } = await roomWith(lab, [[alice, a], [bob, b]]);
      const outcome = await a.call('leaveChatRoom', { roomId: id });
      check.ok(outcome.ok || typeof outcome.error.type === 'number');
      check.equal((await detailsOf(b, id)).owner, alice.username);
      await join(a, id);
      await heard(b, await say(lab, a, id));
      await a.ask('disableSendChatRoomMsg', { chatRoomId: id });
      await roomEvent(b, 'muteAllMembers', id);
    },
  },
];
