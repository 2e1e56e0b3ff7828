// Coming into a room and going: what the newcomer learns, who is told, and what an absence does.

import { calm, detailsOf, enter, heard, join, makeRoom, membersOf, NO_ROOM, ROOM_CODE, roomEvent, roomSeen, roomWith, say, silenced, texts } from '../lib/rooms.js';
import { check } from '../lib/runner.js';

/** How many of the last messages a newcomer gets if the app says nothing else. */
const HISTORY = 10;

export const tests = [
  {
    name: 'who joins learns what the room is like, and the others learn who came, with what he brings',
    covers: ['joinChatRoom', 'event:onChatroomEvent', 'event:onChatroomEvent/memberPresence', 'event:onChatroomChange'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [carol, c]] = await people(3);
      const { id } = await makeRoom(lab, alice);
      const first = await join(b, id);
      check.equal(first.id, id);
      check.equal(first.result, true);
      check.equal(first.user, bob.username);
      check.equal(first.info.isAllMembersMuted, false);
      check.equal(first.info.isInAllowlist, false);
      check.equal(first.info.memberCount, 2);
      check.equal(first.info.muteExpireTimestamp, -1);
      check.ok(Math.abs(first.info.createTimestamp - Date.now()) < 120_000, `made at ${first.info.createTimestamp}`);
      check.equal((await roomEvent(a, 'memberPresence', id, (one) => one.from === bob.username)).memberCount, 2);
      const ext = lab.secrets.of('join ext', '{"level":7} 🎫');
      const second = await join(c, id, { ext });
      check.equal(second.info.memberCount, 3);
      for (const page of [a, b]) {
        const told = await roomEvent(page, 'memberPresence', id, (one) => one.from === carol.username);
        check.equal(told.memberCount, 3);
        check.equal(told.ext, ext);
        const old = await page.event('onChatroomChange', (one) => one.type === 'memberJoinChatRoomSuccess' && one.gid === id && one.from === carol.username);
        check.equal(old.ext, ext);
      }
      // Again: nothing changes.
      check.equal((await join(c, id)).info.memberCount, 3);
      await calm(lab, id, a, b, [carol, c]);
      check.equal(roomSeen(c, 'memberPresence', id).length, 0);
      check.equal(roomSeen(b, 'memberPresence', id, (one) => one.from === carol.username).length, 1);
      check.deepEqual(await membersOf(b, id), { [alice.username]: 'owner', [bob.username]: 'member', [carol.username]: 'member' });
    },
  },
  {
    name: 'who leaves is told to the rest, hears nothing more and may not write',
    covers: ['leaveChatRoom', 'event:onChatroomEvent/memberAbsence'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [carol, c]] = await people(3);
      const { id } = await roomWith(lab, [[alice, a], [bob, b], [carol, c]]);
      const { data } = await b.ask('leaveChatRoom', { roomId: id });
      check.equal(data.result, true);
      for (const page of [a, c]) {
        const told = await roomEvent(page, 'memberAbsence', id);
        check.equal(told.from, bob.username);
        check.equal(told.memberCount, 2);
      }
      await c.event('onChatroomChange', (one) => one.type === 'leaveChatRoom' && one.gid === id);
      const before = texts(b, id).length;
      await calm(lab, id, a, c, [bob, b]);
      check.equal(texts(b, id).length, before);
      check.equal((await silenced(lab, b, id)).type, ROOM_CODE.NOT_IN);
      check.equal((await detailsOf(b, id)).affiliations_count, 2);
      // Leaving a room that one is not in ends, one way or the other.
      const again = await b.call('leaveChatRoom', { roomId: id });
      check.ok(again.ok || typeof again.error.type === 'number');
      await enter(id, a, [bob, b]);
      await heard(b, await say(lab, a, id));
    },
  },
  {
    name: 'leaving the other rooms on the way in',
    covers: ['joinChatRoom', 'getJoinedChatRooms', 'event:onChatroomEvent/memberAbsence'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [carol, c]] = await people(3);
      const rooms = [];
      for (let count = 0; count < 2; count += 1) rooms.push(await roomWith(lab, [[alice, a], [bob, b], [carol, c]]));
      const { id } = await makeRoom(lab, alice);
      await join(b, id, { leaveOtherRooms: true });
      for (const room of rooms) for (const page of [a, c]) check.equal((await roomEvent(page, 'memberAbsence', room.id)).from, bob.username);
      await roomEvent(a, 'memberPresence', id);
      check.deepEqual((await b.ask('getJoinedChatRooms', { pageNum: 1, pageSize: 10 })).data.map((one) => one.id), [id]);
      check.equal((await silenced(lab, b, rooms[0].id)).type, ROOM_CODE.NOT_IN);
      // Without that it stays where it is.
      await join(c, id);
      check.equal((await c.ask('getJoinedChatRooms', { pageNum: 1, pageSize: 10 })).data.length, 3);
    },
  },
  {
    name: 'no room, a full one, and one that keeps somebody out',
    covers: ['joinChatRoom', 'blockChatRoomMember'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [, c]] = await people(3);
      const { id } = await makeRoom(lab, alice, { maxusers: 2 });
      check.equal((await b.refused('joinChatRoom', { roomId: NO_ROOM })).type, ROOM_CODE.NOT_FOUND);
      const odd = await b.refused('joinChatRoom', { roomId: 'no-number' });
      check.ok([ROOM_CODE.NOT_FOUND, ROOM_CODE.PARAMETER].includes(odd.type), `${odd.type}`);
      const gone = await b.call('leaveChatRoom', { roomId: NO_ROOM });
      check.ok(gone.ok || typeof gone.error.type === 'number');
      await enter(id, a, [bob, b]);
      check.equal((await c.refused('joinChatRoom', { roomId: id })).type, ROOM_CODE.FULL);
      await a.ask('blockChatRoomMember', { chatRoomId: id, username: bob.username });
      await roomEvent(b, 'removeMember', id);
      await join(c, id);
      check.equal((await b.refused('joinChatRoom', { roomId: id })).type, ROOM_CODE.PERMISSION);
    },
  },
  {
    name: 'a user is in the room on every device, also on one that comes later',
    covers: ['joinChatRoom', 'event:onTextMessage'],
    async run({ lab, people, another }) {
      const [[alice, a], [bob, b1], [carol, c]] = await people(3);
      const b2 = await another(bob);
      const { id } = await roomWith(lab, [[alice, a], [bob, b1], [carol, c]]);
      const b3 = await another(bob);
      const first = await say(lab, a, id);
      for (const page of [b1, b2, b3, c]) await heard(page, first);
      // What one device says the others get, and it does not get it itself.
      const own = await say(lab, b1, id);
      for (const page of [b2, b3, a, c]) check.equal((await heard(page, own)).from, bob.username);
      await say(lab, b2, id);
      await calm(lab, id, a, c, [bob, b1]);
      check.equal(texts(b1, id).includes(own), false);
      check.equal((await detailsOf(a, id)).affiliations_count, 3);
      await b2.ask('leaveChatRoom', { roomId: id });
      await roomEvent(a, 'memberAbsence', id, (one) => one.from === bob.username);
      const after = await say(lab, a, id);
      await heard(c, after);
      await calm(lab, id, a, c, [bob, b1], [bob, b3]);
      for (const page of [b1, b2, b3]) check.equal(texts(page, id).includes(after), false);
    },
  },
  {
    name: 'who is back soon is still in the room and hears what is said from then on',
    timeout: 120_000,
    covers: ['joinChatRoom', 'event:onTextMessage', 'event:onConnected'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [carol, c]] = await people(3);
      const { id } = await roomWith(lab, [[alice, a], [bob, b], [carol, c]]);
      // The network goes and comes.
      b.alter();
      await b.context.setOffline(true);
      await b.event('onOffline');
      await say(lab, a, id);
      await b.context.setOffline(false);
      await b.several('onConnected', 2, undefined, 90_000);
      let said = await say(lab, a, id);
      await heard(b, said);
      await heard(c, await say(lab, b, id));
      // It logs out and in again.
      await b.close();
      await b.event('onDisconnected');
      await lab.offline(bob);
      check.equal((await membersOf(c, id))[bob.username], 'member');
      await lab.login(b, bob);
      said = await say(lab, c, id);
      await heard(b, said);
      await heard(a, await say(lab, b, id));
      await calm(lab, id, a, c, [bob, b]);
      for (const page of [a, c]) check.equal(roomSeen(page, 'memberAbsence', id).length, 0);
    },
  },
  {
    name: 'a newcomer gets the last messages, in order, once; who comes back gets what was said meanwhile',
    covers: ['joinChatRoom', 'event:onTextMessage', 'event:onCustomMessage'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [carol, c]] = await people(3);
      const { id } = await roomWith(lab, [[alice, a], [carol, c]]);
      const said = [];
      for (let count = 0; count < HISTORY + 3; count += 1) said.push(await say(lab, count % 2 ? a : c, id));
      await heard(a, said.at(-1));
      await join(b, id);
      await roomEvent(a, 'memberPresence', id, (one) => one.from === bob.username);
      const live = await say(lab, a, id);
      await heard(b, live);
      check.deepEqual(texts(b, id), [...said.slice(-HISTORY), live]);
      const shown = b.seen('onTextMessage', (one) => one.id === said.at(-1))[0];
      check.equal(shown.from, carol.username);
      check.equal(shown.chatType, 'chatRoom');
      await b.ask('leaveChatRoom', { roomId: id });
      await roomEvent(a, 'memberAbsence', id, (one) => one.from === bob.username);
      const customEvent = lab.secrets.name('event');
      const missed = await a.tell({ type: 'custom', chatType: 'chatRoom', to: id, customEvent, customExts: {} });
      await join(b, id);
      check.equal((await b.event('onCustomMessage', (one) => one.id === missed.serverMsgId)).customEvent, customEvent);
      // The SDK knows what it has had.
      const once = await say(lab, a, id);
      await heard(b, once);
      check.deepEqual(texts(b, id), [...said.slice(-HISTORY), live, once]);
    },
  },
  {
    name: 'how many messages a newcomer gets is a setting of the app',
    covers: ['joinChatRoom'],
    async run({ lab, device }) {
      const { open } = lab;
      const rest = (method, path, json) => open.rest.call(method, path, { token: open.tokens.app(600), json });
      const pages = [];
      for (let count = 0; count < 2; count += 1) {
        const username = lab.secrets.name();
        check.equal((await rest('POST', '/users', { username, password: lab.secrets.password() })).status, 200);
        const page = await device({ appKey: open.appKey });
        check.equal((await page.login({ user: username, accessToken: open.tokens.user(username) })).ok, true);
        pages.push([{ username }, page]);
      }
      const [[alice, a], [, b]] = pages;
      const { id } = await makeRoom(lab, alice, { app: open });
      const said = [];
      for (let count = 0; count < open.roomHistory + 2; count += 1) said.push(await say(lab, a, id));
      await join(b, id);
      const live = await say(lab, a, id);
      await heard(b, live);
      check.deepEqual(texts(b, id), [...said.slice(-open.roomHistory), live]);
    },
  },
  {
    name: 'the owner brings users in, who need not ask',
    covers: ['addUsersToChatRoom', 'event:onChatroomEvent/memberPresence'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [carol, c]] = await people(3);
      const { id } = await makeRoom(lab, alice);
      const { data } = await a.ask('addUsersToChatRoom', { chatRoomId: id, users: [bob.username] });
      check.deepEqual(data.newmembers, [bob.username]);
      check.equal(data.action, 'add_member');
      check.equal(data.id, id);
      await heard(b, await say(lab, a, id));
      check.equal((await b.refused('addUsersToChatRoom', { chatRoomId: id, users: [carol.username] })).type, ROOM_CODE.PERMISSION);
      await a.ask('addUsersToChatRoom', { chatRoomId: id, users: [carol.username] });
      check.equal((await roomEvent(b, 'memberPresence', id, (one) => one.from === carol.username)).memberCount, 3);
      await heard(c, await say(lab, b, id));
      await heard(a, await say(lab, c, id));
      await a.refused('addUsersToChatRoom', { chatRoomId: id, users: [lab.secrets.name()] });
    },
  },
  {
    name: 'members by cursor and by page, everyone once, each as what he is',
    covers: ['getChatRoomMembers', 'listChatRoomMembers'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [carol, c]] = await people(3);
      const others = await lab.users(4);
      const { id } = await roomWith(lab, [[alice, a], [bob, b], [carol, c]]);
      await a.ask('addUsersToChatRoom', { chatRoomId: id, users: others.map((one) => one.username) });
      await a.ask('setChatRoomAdmin', { chatRoomId: id, username: carol.username });
      const everybody = [alice, bob, carol, ...others].map((one) => one.username).sort();
      const got = [];
      let cursor;
      do {
        const { data } = await b.ask('getChatRoomMembers', { chatRoomId: id, limit: 3, ...(cursor && { cursor }) });
        got.push(...data.members);
        check.ok(data.members.length <= 3 && got.length <= everybody.length);
        cursor = data.cursor;
      } while (cursor);
      check.deepEqual(got.map(({ userId }) => userId).sort(), everybody);
      check.equal(got.find(({ userId }) => userId === alice.username).role, 'owner');
      check.equal(got.find(({ userId }) => userId === carol.username).role, 'admin');
      check.equal(got.find(({ userId }) => userId === bob.username).role, 'member');
      check.ok(got.every(({ joinedTime }) => Math.abs(Number(joinedTime) - Date.now()) < 120_000), JSON.stringify(got.map((one) => one.joinedTime)));
      const listed = [];
      for (let pageNum = 1; pageNum <= 3; pageNum += 1) listed.push(...(await b.ask('listChatRoomMembers', { chatRoomId: id, pageNum, pageSize: 3 })).data);
      check.deepEqual(listed.map(({ owner, admin, member }) => owner ?? admin ?? member).sort(), everybody);
      check.deepEqual(listed.filter(({ owner }) => owner).map(({ owner }) => owner), [alice.username]);
    },
  },
  {
    name: 'who comes and goes in a crowd is told to those who stay, and the count is right in the end',
    covers: ['event:onChatroomEvent/memberPresence', 'event:onChatroomEvent/memberAbsence'],
    async run({ lab, people }) {
      const [[alice, a], ...others] = await people(5);
      const { id } = await makeRoom(lab, alice);
      await Promise.all(others.map(([, page]) => join(page, id)));
      for (const [user] of others) await roomEvent(a, 'memberPresence', id, (one) => one.from === user.username);
      check.equal(roomSeen(a, 'memberPresence', id).at(-1).memberCount, 5);
      const [stays, ...go] = others;
      await Promise.all(go.map(([, page]) => page.ask('leaveChatRoom', { roomId: id })));
      for (const page of [a, stays[1]]) {
        for (const [user] of go) await roomEvent(page, 'memberAbsence', id, (one) => one.from === user.username);
        check.equal(roomSeen(page, 'memberAbsence', id).at(-1).memberCount, 2);
        check.equal(roomSeen(page, 'memberAbsence', id).length, 3);
      }
      check.equal(roomSeen(a, 'memberPresence', id).length, 4);
    },
  },
];
