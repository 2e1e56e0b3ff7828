// Muting in a room: of one, of all, for a time and for ever, and who is exempt.

import { calm, detailsOf, enter, heard, join, ROOM_CODE, roomEvent, roomSeen, roomWith, say, silenced } from '../lib/rooms.js';
import { check } from '../lib/runner.js';

const FOR_EVER = -1;
const HOUR = 3_600_000;

export const tests = [
  {
    name: 'a muted member is told until when, cannot write, is listed, and writes again after',
    covers: ['muteChatRoomMember', 'unmuteChatRoomMember', 'getChatRoomMutelist', 'isInChatRoomMutelist', 'event:onChatroomEvent/muteMember', 'event:onChatroomEvent/unmuteMember', 'event:onChatroomChange'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [carol, c], [dave, d]] = await people(4);
      const { id } = await roomWith(lab, [[alice, a], [bob, b], [carol, c], [dave, d]]);
      const chatRoomId = id;
      await a.ask('setChatRoomAdmin', { chatRoomId, username: carol.username });
      check.equal((await b.ask('isInChatRoomMutelist', { chatRoomId })).data, false);
      const before = Date.now();
      const [answer] = (await c.ask('muteChatRoomMember', { chatRoomId, username: bob.username, muteDuration: HOUR })).data;
      check.equal(answer.user, bob.username);
      check.equal(answer.result, true);
      check.ok(Math.abs(Number(answer.expire) - (before + HOUR)) < 60_000, `expires ${answer.expire}`);
      for (const page of [a, b]) {
        const told = await roomEvent(page, 'muteMember', id);
        check.equal(told.from, carol.username);
        check.equal(told.userId, bob.username);
        check.equal(Number(told.muteTimestamp), Number(answer.expire));
      }
      check.equal(Number((await b.event('onChatroomChange', (one) => one.type === 'addMute' && one.gid === id)).muteTimestamp), Number(answer.expire));
      check.equal((await silenced(lab, b, id)).type, ROOM_CODE.MUTED);
      check.equal((await b.ask('isInChatRoomMutelist', { chatRoomId })).data, true);
      const [listed, ...more] = (await c.ask('getChatRoomMutelist', { chatRoomId })).data;
      check.equal(listed.user, bob.username);
      check.equal(Number(listed.expire), Number(answer.expire));
      check.deepEqual(more, []);
      // Others write, and the muted member hears them.
      await heard(b, await say(lab, d, id));
      await a.ask('unmuteChatRoomMember', { chatRoomId, username: bob.username });
      for (const page of [b, c]) check.equal((await roomEvent(page, 'unmuteMember', id)).userId, bob.username);
      await heard(d, await say(lab, b, id));
      check.deepEqual((await c.ask('getChatRoomMutelist', { chatRoomId })).data, []);
      await calm(lab, id, a, c, [dave, d]);
      check.equal(roomSeen(d, 'muteMember', id).length + roomSeen(d, 'unmuteMember', id).length, 0);
      check.equal((await d.refused('muteChatRoomMember', { chatRoomId, username: bob.username, muteDuration: HOUR })).type, ROOM_CODE.PERMISSION);
    },
  },
  {
    name: 'a mute outlasts leaving, and ends by itself',
    covers: ['muteChatRoomMember', 'joinChatRoom'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b]] = await people(2);
      const { id } = await roomWith(lab, [[alice, a], [bob, b]]);
      const began = Date.now();
      await a.ask('muteChatRoomMember', { chatRoomId: id, username: bob.username, muteDuration: 3_000 });
      await roomEvent(b, 'muteMember', id);
      await b.ask('leaveChatRoom', { roomId: id });
      await roomEvent(a, 'memberAbsence', id);
      const { info } = await join(b, id);
      let outcome = await b.text(id, lab.secrets.text(), { chatType: 'chatRoom' });
      // Whatever was refused was refused before its time.
      if (!outcome.ok) check.ok(Math.abs(info.muteExpireTimestamp - (began + 3_000)) < 60_000 || info.muteExpireTimestamp > 0, `muted until ${info.muteExpireTimestamp}`);
      while (!outcome.ok) {
        check.equal(outcome.error.type, ROOM_CODE.MUTED);
        check.ok(Date.now() - began < 30_000, 'the mute never ends');
        outcome = await b.text(id, lab.secrets.text(), { chatType: 'chatRoom' });
      }
      check.ok(Date.now() - began >= 2_500, 'leaving and coming back ended the mute');
      await heard(a, outcome.serverMsgId);
      check.equal((await b.ask('isInChatRoomMutelist', { chatRoomId: id })).data, false);
      check.deepEqual((await a.ask('getChatRoomMutelist', { chatRoomId: id })).data, []);
    },
  },
  {
    name: 'for ever is for ever, and one learns of it on the way in',
    covers: ['muteChatRoomMember', 'unmuteChatRoomMember', 'joinChatRoom'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b]] = await people(2);
      const { id } = await roomWith(lab, [[alice, a], [bob, b]]);
      await a.ask('muteChatRoomMember', { chatRoomId: id, username: bob.username, muteDuration: FOR_EVER });
      await roomEvent(b, 'muteMember', id);
      check.equal((await silenced(lab, b, id)).type, ROOM_CODE.MUTED);
      await b.ask('leaveChatRoom', { roomId: id });
      await roomEvent(a, 'memberAbsence', id);
      const { info } = await join(b, id);
      check.ok(Number(info.muteExpireTimestamp) > Date.now() + 365 * 24 * HOUR, `until ${info.muteExpireTimestamp}`);
      check.equal((await silenced(lab, b, id)).type, ROOM_CODE.MUTED);
      await a.ask('unmuteChatRoomMember', { chatRoomId: id, username: bob.username });
      await roomEvent(b, 'unmuteMember', id);
      await heard(a, await say(lab, b, id));
    },
  },
  {
    name: 'all are muted: owner, admins and the allow list still write, the others again after',
    covers: ['disableSendChatRoomMsg', 'enableSendChatRoomMsg', 'event:onChatroomEvent/muteAllMembers', 'event:onChatroomEvent/unmuteAllMembers', 'event:onChatroomChange'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [carol, c], [dave, d], [, e]] = await people(5);
      const { id } = await roomWith(lab, [[alice, a], [bob, b], [carol, c], [dave, d]]);
      const chatRoomId = id;
      await a.ask('setChatRoomAdmin', { chatRoomId, username: carol.username });
      await a.ask('addUsersToChatRoomAllowlist', { chatRoomId, users: [dave.username] });
      check.equal((await b.refused('disableSendChatRoomMsg', { chatRoomId })).type, ROOM_CODE.PERMISSION);
      check.equal((await a.ask('disableSendChatRoomMsg', { chatRoomId })).data.mute, true);
      for (const page of [b, c, d]) {
        check.equal((await roomEvent(page, 'muteAllMembers', id)).from, alice.username);
        await page.event('onChatroomChange', (one) => one.type === 'muteChatRoom' && one.gid === id);
      }
      check.equal((await detailsOf(b, id)).mute, true);
      check.equal((await join(e, id)).info.isAllMembersMuted, true);
      check.equal((await silenced(lab, b, id)).type, ROOM_CODE.ALL_MUTED);
      for (const page of [a, c, d]) await heard(b, await say(lab, page, id));
      check.equal((await join(d, id)).info.isInAllowlist, true);
      check.equal((await a.ask('enableSendChatRoomMsg', { chatRoomId })).data.mute, false);
      for (const page of [b, c, d, e]) await roomEvent(page, 'unmuteAllMembers', id);
      await heard(d, await say(lab, b, id));
      check.equal((await detailsOf(b, id)).mute, false);
      check.equal((await join(b, id)).info.isAllMembersMuted, false);
    },
  },
  {
    name: 'who comes into a silent room may not write either',
    covers: ['disableSendChatRoomMsg'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [carol, c]] = await people(3);
      const { id } = await roomWith(lab, [[alice, a], [bob, b]]);
      await a.ask('setChatRoomAdmin', { chatRoomId: id, username: bob.username });
      await b.ask('disableSendChatRoomMsg', { chatRoomId: id });
      await roomEvent(a, 'muteAllMembers', id);
      await enter(id, a, [carol, c]);
      check.equal((await silenced(lab, c, id)).type, ROOM_CODE.ALL_MUTED);
      await heard(c, await say(lab, b, id));
    },
  },
];
