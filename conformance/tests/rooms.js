// Chat rooms: made by whom, listed, described, changed and dissolved.

import { calm, detailsOf, heard, join, makeRoom, membersOf, NO_ROOM, ROOM_CODE, roomEvent, roomSeen, roomWith, say, silenced, texts } from '../lib/rooms.js';
import { check } from '../lib/runner.js';

const recent = (time) => Math.abs(Number(time) - Date.now()) < 120_000;

/** What a page of an app gives for a new room. */
const described = (lab, more = {}) => ({ name: lab.secrets.of('room name', 'Zimmer'), description: lab.secrets.of('room description', '😀'), maxusers: 50, ...more });

async function create(lab, device, given) {
  const { data } = await device.ask('createChatRoom', given);
  lab.auditor.rooms.add(data.id);
  return data.id;
}

export const tests = [
  {
    name: 'super admins make rooms, nobody else; the maker owns it and is in it, and so is who was named',
    covers: ['createChatRoom', 'getChatRoomDetails', 'joinChatRoom'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [carol, c]] = await people(3);
      const given = described(lab, { members: [bob.username] });
      check.equal((await a.refused('createChatRoom', given)).type, ROOM_CODE.PERMISSION);
      const call = (method, path, json) => lab.rest.call(method, `/chatrooms/super_admin${path}`, { token: lab.admin, json });
      const named = await call('POST', '', { superadmin: alice.username });
      check.equal(named.status, 200, named.text);
      check.equal(named.body.data.result, 'success');
      const listed = await call('GET', '?pagenum=1&pagesize=100');
      check.equal(listed.status, 200, listed.text);
      check.ok(listed.body.data.includes(alice.username), listed.text);
      const id = await create(lab, a, given);
      check.match(id, /^\d+$/);
      const info = await detailsOf(b, id);
      check.equal(info.owner, alice.username);
      check.equal(info.name, given.name);
      check.equal(info.affiliations_count, 2);
      check.deepEqual(await membersOf(b, id), { [alice.username]: 'owner', [bob.username]: 'member' });
      // Both are there without having joined.
      await join(c, id);
      for (const page of [a, b]) check.equal((await roomEvent(page, 'memberPresence', id, (one) => one.from === carol.username)).memberCount, 3);
      const said = await say(lab, c, id);
      for (const page of [a, b]) await heard(page, said);
      check.equal((await call('DELETE', `/${alice.username}`)).status, 200);
      check.equal((await a.refused('createChatRoom', described(lab))).type, ROOM_CODE.PERMISSION);
      // The room stays with its owner.
      await a.ask('modifyChatRoom', { chatRoomId: id, maxusers: 40 });
    },
  },
  {
    name: 'with the token of a back end anybody\'s page makes a room, and dissolves it',
    covers: ['createChatRoom', 'destroyChatRoom'],
    async run({ lab, people }) {
      const [[alice, a], [, b]] = await people(2);
      const id = await create(lab, a, described(lab, { token: lab.admin }));
      check.equal((await detailsOf(b, id)).owner, alice.username);
      const answer = await b.ask('destroyChatRoom', { chatRoomId: id, token: lab.admin });
      check.equal(answer.data.success, true);
      check.equal(answer.data.id, id);
      await roomEvent(a, 'destroy', id);
      check.equal((await b.refused('getChatRoomDetails', { chatRoomId: id })).type, ROOM_CODE.NOT_FOUND);
    },
  },
  {
    name: 'anybody finds the rooms by page, the newest first',
    covers: ['getChatRooms'],
    async run(scope) {
      const { lab } = scope;
      // An app of its own: where others dissolve rooms meanwhile, a page by number begins one room later.
      const app = await lab.newTenant();
      const [alice, bob] = [await app.user(), await app.user()];
      const b = await app.online(scope, bob);
      const made = [];
      for (let count = 0; count < 3; count += 1) made.push(await makeRoom(lab, alice, { app }));
      await join(b, made[1].id);
      const pages = [];
      for (let pagenum = 1; pagenum <= 3; pagenum += 1) pages.push((await b.ask('getChatRooms', { pagenum, pagesize: 2 })).data);
      check.deepEqual(pages.map((page) => page.map(({ id }) => id)), [[made[2].id, made[1].id], [made[0].id], []]);
      for (const { id, name } of made) {
        const one = pages.flat().find((room) => room.id === id);
        check.equal(one.name, name);
        check.equal(one.owner, alice.username);
        check.equal(one.affiliations_count, id === made[1].id ? 2 : 1);
      }
      check.equal((await b.ask('getChatRooms', { pagenum: 100_000, pagesize: 20 })).data.length, 0);
    },
  },
  {
    name: 'the details are what was given, to everybody; those of several come in one call',
    covers: ['getChatRoomDetails'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [, stranger]] = await people(3);
      const one = await makeRoom(lab, alice, { maxusers: 77 });
      const two = await makeRoom(lab, alice);
      await join(b, one.id);
      await roomEvent(a, 'memberPresence', one.id);
      for (const page of [a, b, stranger]) {
        const info = await detailsOf(page, one.id);
        for (const [key, value] of Object.entries({ id: one.id, name: one.name, description: one.description, owner: alice.username, maxusers: 77, affiliations_count: 2, mute: false })) {
          check.equal(info[key], value, key);
        }
        for (const key of ['membersonly', 'allowinvites', 'public']) check.equal(typeof info[key], 'boolean', key);
        check.ok(recent(info.created), `created ${info.created}`);
        check.ok(Array.isArray(info.affiliations));
      }
      const known = (await detailsOf(b, one.id)).affiliations.map(({ owner, member }) => owner ?? member);
      check.ok(known.every((name) => [alice.username, bob.username].includes(name)), JSON.stringify(known));
      const both = (await stranger.ask('getChatRoomDetails', { chatRoomId: `${one.id},${two.id}` })).data;
      check.deepEqual(both.map(({ id }) => id).sort(), [one.id, two.id].sort());
      for (const chatRoomId of [NO_ROOM, 'no-number']) check.equal((await b.refused('getChatRoomDetails', { chatRoomId })).type, ROOM_CODE.NOT_FOUND, chatRoomId);
    },
  },
  {
    name: 'the rooms that one is in, by page, with their owner\'s name as it is',
    covers: ['getJoinedChatRooms', 'leaveChatRoom'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b]] = await people(2);
      const rooms = [];
      for (let count = 0; count < 3; count += 1) rooms.push(await makeRoom(lab, alice, { maxusers: 30 + count }));
      check.deepEqual((await b.ask('getJoinedChatRooms', { pageNum: 1, pageSize: 10 })).data, []);
      for (const { id } of rooms) await join(b, id);
      const listed = [];
      for (let pageNum = 1; pageNum <= 2; pageNum += 1) listed.push(...(await b.ask('getJoinedChatRooms', { pageNum, pageSize: 2 })).data);
      check.deepEqual(listed.map(({ id }) => id).sort(), rooms.map(({ id }) => id).sort());
      for (const one of listed) {
        const at = rooms.findIndex(({ id }) => id === one.id);
        check.equal(one.name, rooms[at].name);
        check.equal(one.description, rooms[at].description);
        check.equal(one.owner, alice.username);
        check.equal(one.maxusers, 30 + at);
        check.ok(recent(one.created), `created ${one.created}`);
      }
      await b.ask('leaveChatRoom', { roomId: rooms[0].id });
      await roomEvent(a, 'memberAbsence', rooms[0].id, (one) => one.from === bob.username);
      const left = (await b.ask('getJoinedChatRooms', { pageNum: 1, pageSize: 10 })).data;
      check.deepEqual(left.map(({ id }) => id).sort(), rooms.slice(1).map(({ id }) => id).sort());
      check.equal((await a.ask('getJoinedChatRooms', { pageNum: 1, pageSize: 10 })).data.length, 3);
    },
  },
  {
    name: 'changed details are told to all who are there; the owner alone changes them',
    covers: ['modifyChatRoom', 'setChatRoomAdmin', 'event:onChatroomEvent', 'event:onChatroomEvent/updateInfo', 'event:onChatroomChange'],
    async run({ lab, people, another }) {
      const [[alice, a], [bob, b], [carol, c], [, stranger]] = await people(4);
      const a2 = await another(alice);
      const { id } = await roomWith(lab, [[alice, a], [bob, b], [carol, c]]);
      const given = { chatRoomName: lab.secrets.of('room name', '新しい'), description: lab.secrets.of('room description') };
      const { data } = await a.ask('modifyChatRoom', { chatRoomId: id, ...given, maxusers: 60 });
      check.equal(data.groupname, true);
      check.equal(data.description, true);
      check.equal(data.maxusers, true);
      for (const page of [b, c, a2]) {
        check.equal((await roomEvent(page, 'updateInfo', id)).from, alice.username);
        const old = await page.event('onChatroomChange', (one) => one.type === 'update' && one.gid === id);
        check.equal(old.chatroom, true);
      }
      let info = await detailsOf(stranger, id);
      check.equal(info.name, given.chatRoomName);
      check.equal(info.description, given.description);
      check.equal(info.maxusers, 60);
      // One field alone leaves the others.
      await a.ask('setChatRoomAdmin', { chatRoomId: id, username: bob.username });
      const chatRoomName = lab.secrets.of('room name');
      await a.ask('modifyChatRoom', { chatRoomId: id, chatRoomName });
      check.equal((await roomEvent(b, 'updateInfo', id)).id, id);
      info = await detailsOf(c, id);
      check.equal(info.name, chatRoomName);
      check.equal(info.description, given.description);
      for (const change of [{ maxusers: 10 }, { chatRoomName: 'taken' }]) check.equal((await b.refused('modifyChatRoom', { chatRoomId: id, ...change })).type, ROOM_CODE.PERMISSION);
      check.equal((await c.refused('modifyChatRoom', { chatRoomId: id, chatRoomName: 'taken' })).type, ROOM_CODE.PERMISSION);
      await stranger.refused('modifyChatRoom', { chatRoomId: id, chatRoomName: 'taken' });
      for (const wrong of [{ chatRoomName: 'n'.repeat(129) }, { description: 'd'.repeat(513) }, { maxusers: 0 }, { maxusers: -1 }]) await a.refused('modifyChatRoom', { chatRoomId: id, ...wrong });
      check.equal((await detailsOf(c, id)).name, chatRoomName);
      await calm(lab, id, a, c, [bob, b]);
      check.equal(roomSeen(stranger, 'updateInfo', id).length, 0);
    },
  },
  {
    name: 'a dissolved room is gone for everybody, and only its owner dissolves it',
    covers: ['destroyChatRoom', 'event:onChatroomEvent/destroy'],
    async run({ lab, people, another }) {
      const [[alice, a], [bob, b], [carol, c]] = await people(3);
      const a2 = await another(alice);
      const { id } = await roomWith(lab, [[alice, a], [bob, b], [carol, c]]);
      await a.ask('setChatRoomAdmin', { chatRoomId: id, username: bob.username });
      for (const page of [b, c]) check.equal((await page.refused('destroyChatRoom', { chatRoomId: id })).type, ROOM_CODE.PERMISSION);
      const { data } = await a.ask('destroyChatRoom', { chatRoomId: id });
      check.equal(data.success, true);
      for (const page of [b, c, a2]) check.equal((await roomEvent(page, 'destroy', id)).from, alice.username);
      for (const page of [a, b]) {
        const { type } = await silenced(lab, page, id);
        check.ok([ROOM_CODE.NOT_FOUND, ROOM_CODE.NOT_IN, 605].includes(type), `${type}`);
        check.equal((await page.refused('joinChatRoom', { roomId: id })).type, ROOM_CODE.NOT_FOUND);
        check.equal((await page.refused('getChatRoomDetails', { chatRoomId: id })).type, ROOM_CODE.NOT_FOUND);
        check.deepEqual((await page.ask('getJoinedChatRooms', { pageNum: 1, pageSize: 10 })).data, []);
      }
    },
  },
  {
    name: 'a stranger reads what everybody may, and nothing else; he changes nothing',
    covers: ['getChatRoomDetails', 'getChatRoomMembers', 'fetchChatRoomAnnouncement', 'getChatRoomAttributes'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [eve, stranger]] = await people(3);
      const { id, name } = await roomWith(lab, [[alice, a], [bob, b]]);
      const chatRoomId = id;
      for (const [method, parameters] of [
        ['getChatRoomMembers', { chatRoomId }],
        ['listChatRoomMembers', { chatRoomId, pageNum: 1, pageSize: 10 }],
        ['fetchChatRoomAnnouncement', { roomId: id }],
        ['getChatRoomAttributes', { chatRoomId }],
        ['getChatRoomMutelist', { chatRoomId }],
        ['getChatRoomBlocklist', { chatRoomId }],
        ['getChatRoomAllowlist', { chatRoomId }],
        ['getChatRoomSharedFilelist', { roomId: id }],
        ['modifyChatRoom', { chatRoomId, chatRoomName: 'taken' }],
        ['addUsersToChatRoom', { chatRoomId, users: [eve.username] }],
        ['removeChatRoomMember', { chatRoomId, username: bob.username }],
        ['setChatRoomAdmin', { chatRoomId, username: eve.username }],
        ['muteChatRoomMember', { chatRoomId, username: bob.username, muteDuration: 60_000 }],
        ['blockChatRoomMember', { chatRoomId, username: bob.username }],
        ['addUsersToChatRoomAllowlist', { chatRoomId, users: [eve.username] }],
        ['disableSendChatRoomMsg', { chatRoomId }],
        ['updateChatRoomAnnouncement', { roomId: id, announcement: 'taken' }],
        ['destroyChatRoom', { chatRoomId }],
      ]) {
        const { type } = await stranger.refused(method, parameters);
        check.ok([ROOM_CODE.PERMISSION, ROOM_CODE.NOT_JOINED].includes(type), `${method}: ${type}`);
      }
      const set = await stranger.call('setChatRoomAttributes', { chatRoomId, attributes: { mine: 'taken' } });
      check.ok(!set.ok || set.result.data.status === 'fail', JSON.stringify(set));
      // A member may no more, other than read.
      for (const [method, parameters] of [
        ['getChatRoomMutelist', { chatRoomId }],
        ['getChatRoomBlocklist', { chatRoomId }],
        ['getChatRoomAllowlist', { chatRoomId }],
        ['addUsersToChatRoom', { chatRoomId, users: [eve.username] }],
        ['removeChatRoomMember', { chatRoomId, username: alice.username }],
        ['updateChatRoomAnnouncement', { roomId: id, announcement: 'taken' }],
        ['disableSendChatRoomMsg', { chatRoomId }],
      ]) {
        check.equal((await b.refused(method, parameters)).type, ROOM_CODE.PERMISSION, method);
      }
      check.equal((await silenced(lab, stranger, id)).type, ROOM_CODE.NOT_IN);
      const info = await detailsOf(stranger, id);
      check.equal(info.name, name);
      check.equal(info.affiliations_count, 2);
      check.equal(info.mute, false);
      check.deepEqual((await a.ask('getChatRoomAttributes', { chatRoomId })).data, {});
    },
  },
  {
    name: 'a room of another app is not there',
    async run({ lab, people, device }) {
      const [[alice, a]] = await people(1);
      const made = await lab.other.rest.call('POST', '/users', { token: lab.other.tokens.app(600), json: { username: alice.username, password: lab.secrets.password() } });
      check.equal(made.status, 200, made.text);
      const namesake = await device({ appKey: lab.other.appKey });
      check.equal((await namesake.login({ user: alice.username, accessToken: lab.other.tokens.user(alice.username) })).ok, true);
      const { id } = await makeRoom(lab, alice, { app: lab.other });
      for (const [method, parameters] of [['joinChatRoom', { roomId: id }], ['getChatRoomDetails', { chatRoomId: id }], ['destroyChatRoom', { chatRoomId: id }]]) {
        check.equal((await a.refused(method, parameters)).type, ROOM_CODE.NOT_FOUND, method);
      }
      await silenced(lab, a, id);
      check.equal((await detailsOf(namesake, id)).owner, alice.username);
      check.equal((await a.ask('getJoinedChatRooms', { pageNum: 1, pageSize: 10 })).data.length, 0);
      check.deepEqual(texts(namesake, id), []);
    },
  },
];
