// A room's block list, which keeps out, and its allow list, which lets write.

import { calm, enter, heard, membersOf, ROOM_CODE, roomEvent, roomSeen, roomWith, say, texts } from '../lib/rooms.js';
import { check } from '../lib/runner.js';

export const tests = [
  {
    name: 'who is blocked is removed, told, hears nothing and cannot return until unblocked',
    covers: ['blockChatRoomMember', 'unblockChatRoomMember', 'getChatRoomBlocklist', 'event:onChatroomEvent/removeMember', 'event:onChatroomEvent/unblockMember', 'event:onChatroomEvent/memberAbsence'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [carol, c], [dave, d]] = await people(4);
      const { id } = await roomWith(lab, [[alice, a], [bob, b], [carol, c], [dave, d]]);
      const chatRoomId = id;
      await a.ask('setChatRoomAdmin', { chatRoomId, username: carol.username });
      check.equal((await d.refused('blockChatRoomMember', { chatRoomId, username: bob.username })).type, ROOM_CODE.PERMISSION);
      const { data } = await c.ask('blockChatRoomMember', { chatRoomId, username: bob.username });
      check.equal(data.result, true);
      check.equal(data.user, bob.username);
      check.equal((await roomEvent(b, 'removeMember', id)).from, carol.username);
      check.equal((await roomEvent(d, 'memberAbsence', id)).from, bob.username);
      check.deepEqual((await a.ask('getChatRoomBlocklist', { chatRoomId })).data, [bob.username]);
      check.equal(bob.username in (await membersOf(d, id)), false);
      const said = await say(lab, a, id);
      await heard(d, said);
      await calm(lab, id, a, d, [bob, b]);
      check.equal(texts(b, id).includes(said), false);
      check.equal((await b.refused('joinChatRoom', { roomId: id })).type, ROOM_CODE.PERMISSION);
      await a.ask('unblockChatRoomMember', { chatRoomId, username: bob.username });
      check.equal((await roomEvent(b, 'unblockMember', id)).from, alice.username);
      check.deepEqual((await c.ask('getChatRoomBlocklist', { chatRoomId })).data, []);
      await enter(id, a, [bob, b]);
      await heard(b, await say(lab, a, id));
      check.equal(roomSeen(d, 'unblockMember', id).length, 0);
    },
  },
  {
    name: 'who is not there can be kept out beforehand',
    covers: ['blockChatRoomMember', 'getChatRoomBlocklist'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [carol, c]] = await people(3);
      const { id } = await roomWith(lab, [[alice, a], [carol, c]]);
      const outcome = await a.call('blockChatRoomMember', { chatRoomId: id, username: bob.username });
      const listed = (await a.ask('getChatRoomBlocklist', { chatRoomId: id })).data;
      check.deepEqual(listed, outcome.ok && outcome.result.data.result ? [bob.username] : []);
      const joined = await b.call('joinChatRoom', { roomId: id });
      check.equal(joined.ok, listed.length === 0);
      check.equal(roomSeen(c, 'memberAbsence', id).length, 0);
    },
  },
  {
    name: 'several are blocked and unblocked in one call',
    covers: ['blockChatRoomMembers', 'unblockChatRoomMembers', 'getChatRoomBlocklist', 'event:onChatroomEvent/unblockMember'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [carol, c], [dave, d]] = await people(4);
      const { id } = await roomWith(lab, [[alice, a], [bob, b], [carol, c], [dave, d]]);
      const chatRoomId = id;
      const both = [bob.username, carol.username].sort();
      const blocked = (await a.ask('blockChatRoomMembers', { chatRoomId, usernames: both })).data;
      check.deepEqual(blocked.map(({ user, result }) => [user, result]).sort(), both.map((name) => [name, true]));
      for (const page of [b, c]) await roomEvent(page, 'removeMember', id);
      for (const name of both) await roomEvent(d, 'memberAbsence', id, (one) => one.from === name);
      check.deepEqual((await a.ask('getChatRoomBlocklist', { chatRoomId })).data.sort(), both);
      const unblocked = (await a.ask('unblockChatRoomMembers', { chatRoomId, usernames: both })).data;
      check.deepEqual(unblocked.map(({ user, result }) => [user, result]).sort(), both.map((name) => [name, true]));
      for (const page of [b, c]) await roomEvent(page, 'unblockMember', id);
      check.deepEqual((await a.ask('getChatRoomBlocklist', { chatRoomId })).data, []);
      // A list is a list, also of one.
      check.equal((await a.ask('blockChatRoomMembers', { chatRoomId, usernames: [dave.username] })).data[0].user, dave.username);
    },
  },
  {
    name: 'the allow list: who is put on it and taken off is told, and can ask',
    covers: ['addUsersToChatRoomAllowlist', 'removeChatRoomAllowlistMember', 'getChatRoomAllowlist', 'isInChatRoomAllowlist', 'event:onChatroomEvent/addUserToAllowlist', 'event:onChatroomEvent/removeAllowlistMember'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [carol, c], [dave, d]] = await people(4);
      const { id } = await roomWith(lab, [[alice, a], [bob, b], [carol, c], [dave, d]]);
      const chatRoomId = id;
      await a.ask('setChatRoomAdmin', { chatRoomId, username: carol.username });
      const isIn = async (device, userName) => (await device.ask('isInChatRoomAllowlist', { chatRoomId, userName })).data.white;
      check.equal(await isIn(b, bob.username), false);
      const [added] = (await a.ask('addUsersToChatRoomAllowlist', { chatRoomId, users: [bob.username] })).data;
      check.equal(added.user, bob.username);
      check.equal(added.result, true);
      for (const page of [b, c]) {
        const told = await roomEvent(page, 'addUserToAllowlist', id);
        check.equal(told.from, alice.username);
        check.equal(told.userId, bob.username);
      }
      check.equal(await isIn(b, bob.username), true);
      check.equal(await isIn(c, bob.username), true);
      check.deepEqual((await a.ask('getChatRoomAllowlist', { chatRoomId })).data.filter((name) => name !== alice.username && name !== carol.username), [bob.username]);
      await c.ask('removeChatRoomAllowlistMember', { chatRoomId, userName: bob.username });
      for (const page of [a, b]) check.equal((await roomEvent(page, 'removeAllowlistMember', id)).userId, bob.username);
      check.equal(await isIn(b, bob.username), false);
      await calm(lab, id, a, c, [dave, d]);
      check.equal(roomSeen(d, 'addUserToAllowlist', id).length + roomSeen(d, 'removeAllowlistMember', id).length, 0);
      check.equal((await d.refused('addUsersToChatRoomAllowlist', { chatRoomId, users: [dave.username] })).type, ROOM_CODE.PERMISSION);
    },
  },
];
