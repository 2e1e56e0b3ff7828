// Rooms through REST, as a back end manages them, and what no honest client sends.

import { heard, join, makeRoom, NO_ROOM, roomEvent, roomWith, say } from '../lib/rooms.js';
import { check } from '../lib/runner.js';
import { isError } from './rest-users.js';

const hasCall = (lab) => (method, path, json, more) => lab.rest.call(method, path, { token: lab.admin, json, ...more });

/** A success; resolves to its `data`. */
function good(answer) {
  check.equal(answer.status, 200, answer.text);
  // Attributes are taken away with an answer of its own kind.
  if (answer.body.status !== 'ok') for (const field of ['timestamp', 'duration']) check.equal(typeof answer.body[field], 'number', field);
  return answer.body.data;
}

export const tests = [
  {
    name: 'made, listed with a cursor, described, changed and dissolved',
    async run({ lab }) {
      const call = hasCall(lab);
      const [alice, bob] = await lab.users(2);
      const name = lab.secrets.of('room name');
      const description = lab.secrets.of('room description');
      const { id } = good(await call('POST', '/chatrooms', { name, description, maxusers: 300, owner: alice.username, members: [bob.username] }));
      check.match(id, /^\d+$/);
      const [info] = good(await call('GET', `/chatrooms/${id}`));
      for (const [key, value] of Object.entries({ id, name, description, maxusers: 300, owner: alice.username, affiliations_count: 2, mute: false })) check.equal(info[key], value, key);
      check.deepEqual(info.affiliations.map((one) => one.owner ?? one.member).sort(), [alice.username, bob.username].sort());
      let cursor;
      let found;
      for (let page = 0; !found; page += 1) {
        const answer = await call('GET', `/chatrooms?limit=3${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`);
        const list = good(answer);
        check.ok(list.length <= 3 && page < 200);
        found = list.find((one) => one.id === id);
        cursor = answer.body.cursor;
        if (!cursor) break;
      }
      check.equal(found?.name, name);
      check.equal(found.affiliations_count, 2);
      check.equal(found.disabled, false);
      check.deepEqual(good(await call('PUT', `/chatrooms/${id}`, { description: 'short', maxusers: 200 })), { description: true, maxusers: true });
      isError(await call('PUT', `/chatrooms/${id}`, { description: 'other', public: false }), 400);
      check.equal(good(await call('GET', `/chatrooms/${id}`))[0].description, 'short');
      const joined = good(await call('GET', `/users/${bob.username}/joined_chatrooms?pagenum=1&pagesize=10`));
      check.ok(Array.isArray(joined));
      check.deepEqual(joined.map((one) => [one.id, one.name]), [[id, name]]);
      const gone = good(await call('DELETE', `/chatrooms/${id}`));
      check.equal(gone.success, true);
      check.equal(gone.id, id);
      for (const [method, path, json] of [['GET', ''], ['DELETE', ''], ['PUT', '', { name: 'n' }], ['GET', '/users'], ['GET', '/announcement'], ['POST', `/users/${bob.username}`]]) isError(await call(method, `/chatrooms/${id}${path}`, json), 404);
    },
  },
  {
    name: 'members, one and several: who is there already, or nowhere, is refused with 400',
    async run({ lab, people }) {
      const call = hasCall(lab);
      const [[alice, a], [bob, b]] = await people(2);
      const [carol, dave] = await lab.users(2);
      const { id } = await makeRoom(lab, alice);
      const one = good(await call('POST', `/chatrooms/${id}/users/${bob.username}`));
      check.deepEqual([one.result, one.action, one.id, one.user], [true, 'add_member', id, bob.username]);
      await heard(b, await say(lab, a, id));
      isError(await call('POST', `/chatrooms/${id}/users/${bob.username}`), 400);
      isError(await call('POST', `/chatrooms/${id}/users/${lab.secrets.name()}`), [400, 404]);
      const added = good(await call('POST', `/chatrooms/${id}/users`, { usernames: [carol.username, dave.username] }));
      check.deepEqual([...added.newmembers].sort(), [carol.username, dave.username].sort());
      check.deepEqual([added.action, added.id], ['add_member', id]);
      const answer = await call('GET', `/chatrooms/${id}/users?pagenum=1&pagesize=10`);
      check.equal(good(answer).length, 4);
      check.equal(answer.body.count, 4);
      const removed = good(await call('DELETE', `/chatrooms/${id}/users/${carol.username}`));
      check.deepEqual([removed.result, removed.action, removed.user, removed.id], [true, 'remove_member', carol.username, id]);
      await roomEvent(b, 'memberAbsence', id, (told) => told.from === carol.username);
      const many = good(await call('DELETE', `/chatrooms/${id}/users/${dave.username},${carol.username}`));
      check.deepEqual(many.map(({ user, result }) => [user, result]).sort(), [[dave.username, true], [carol.username, false]].sort());
      check.equal(typeof many.find((part) => !part.result).reason, 'string');
      isError(await call('DELETE', `/chatrooms/${id}/users/${alice.username}`), [400, 403]);
    },
  },
  {
    name: 'admins, mutes, lists, announcement and attributes, each told to who is concerned',
    async run({ lab, people }) {
      const call = hasCall(lab);
      const [[alice, a], [bob, b], [carol, c]] = await people(3);
      const { id } = await roomWith(lab, [[alice, a], [bob, b], [carol, c]]);
      const at = (path) => `/chatrooms/${id}${path}`;
      const admin = good(await call('POST', at('/admin'), { newadmin: bob.username }));
      check.deepEqual([admin.result, admin.newadmin], ['success', bob.username]);
      await roomEvent(b, 'setAdmin', id);
      const admins = await call('GET', at('/admin'));
      check.deepEqual(good(admins), [bob.username]);
      check.equal(admins.body.count, 1);
      check.equal(good(await call('DELETE', at(`/admin/${bob.username}`))).oldadmin, bob.username);
      await roomEvent(b, 'removeAdmin', id);
      const [muted] = good(await call('POST', at('/mute'), { usernames: [bob.username], mute_duration: 60_000 }));
      check.equal(muted.user, bob.username);
      await roomEvent(b, 'muteMember', id);
      check.deepEqual(good(await call('GET', at('/mute'))).map(({ user }) => user), [bob.username]);
      check.deepEqual(good(await call('DELETE', at(`/mute/${bob.username}`))).map(({ user, result }) => [user, result]), [[bob.username, true]]);
      await roomEvent(b, 'unmuteMember', id);
      check.equal(good(await call('POST', at('/ban'))).mute, true);
      await roomEvent(c, 'muteAllMembers', id);
      check.equal(good(await call('DELETE', at('/ban'))).mute, false);
      await roomEvent(c, 'unmuteAllMembers', id);
      const white = good(await call('POST', at(`/white/users/${bob.username}`)));
      check.deepEqual([white.result, white.action, white.user, white.chatroomid], [true, 'add_user_whitelist', bob.username, id]);
      await roomEvent(b, 'addUserToAllowlist', id);
      check.ok(good(await call('GET', at('/white/users'))).includes(bob.username));
      check.deepEqual(good(await call('DELETE', at(`/white/users/${bob.username}`))).map(({ user, action }) => [user, action]), [[bob.username, 'remove_user_whitelist']]);
      await roomEvent(b, 'removeAllowlistMember', id);
      const announcement = lab.secrets.of('room announcement');
      check.deepEqual(good(await call('POST', at('/announcement'), { announcement })), { id, result: true });
      check.equal((await roomEvent(c, 'updateAnnouncement', id)).announcement, announcement);
      check.deepEqual(good(await call('GET', at('/announcement'))), { announcement });
      const key = lab.secrets.of('room attribute key');
      const value = lab.secrets.of('room attribute');
      const set = good(await call('PUT', `/metadata/chatroom/${id}/user/${bob.username}`, { metaData: { [key]: value }, autoDelete: 'NO_DELETE' }));
      check.deepEqual([set.successKeys, set.errorKeys], [[key], {}]);
      check.deepEqual((await roomEvent(c, 'updateChatRoomAttributes', id)).attributes, { [key]: value });
      check.deepEqual(good(await call('POST', `/metadata/chatroom/${id}`, {})), { [key]: value });
      check.deepEqual(good(await call('DELETE', `/metadata/chatroom/${id}/user/${carol.username}/forced`, { keys: [key] })).successKeys, [key]);
      await roomEvent(b, 'removeChatRoomAttributes', id);
      const blocked = good(await call('POST', at(`/blocks/users/${bob.username}`)));
      check.deepEqual([blocked.result, blocked.action, blocked.user, blocked.chatroomid], [true, 'add_blocks', bob.username, id]);
      await roomEvent(b, 'removeMember', id);
      check.deepEqual(good(await call('GET', at('/blocks/users'))), [bob.username]);
      check.equal(good(await call('DELETE', at(`/blocks/users/${bob.username}`))).action, 'remove_blocks');
      await roomEvent(b, 'unblockMember', id);
      isError(await call('POST', at(`/blocks/users/${alice.username}`)), [400, 403]);
    },
  },
  {
    name: 'a user\'s token is for his own affairs, none at all for none',
    async run({ lab }) {
      const [alice, bob] = await lab.users(2);
      const { id } = await makeRoom(lab, alice);
      const his = (method, path, json) => lab.rest.call(method, path, { token: lab.token(bob), json });
      const calls = [
        ['POST', '/chatrooms', { name: 'n', description: 'd', owner: bob.username }],
        ['POST', '/chatrooms', { name: 'n', description: 'd', owner: alice.username }],
        ['POST', '/chatrooms/super_admin', { superadmin: bob.username }],
        ['GET', '/chatrooms/super_admin'],
        ['DELETE', `/chatrooms/super_admin/${alice.username}`],
        ['DELETE', `/chatrooms/${id}`],
        ['PUT', `/chatrooms/${id}`, { name: 'taken' }],
        ['POST', `/chatrooms/${id}/users/${bob.username}`],
        ['POST', `/chatrooms/${id}/admin`, { newadmin: bob.username }],
        ['GET', `/users/${alice.username}/joined_chatrooms`],
        ['PUT', `/metadata/chatroom/${id}/user/${alice.username}`, { metaData: { a: 'v' } }],
        ['POST', '/messages/chatrooms', { from: bob.username, to: [id], type: 'txt', body: { msg: 'x' } }],
        ['POST', '/messages/chatrooms/broadcast', { from: bob.username, msg: { type: 'txt', msg: 'x' } }],
      ];
      for (const [method, path, json] of calls) {
        // 400 is what who is not in a room is told of it.
        isError(await his(method, path, json), path.startsWith(`/chatrooms/${id}`) ? [400, 401, 403] : [401, 403]);
        isError(await lab.rest.call(method, path, { json }), 401);
        isError(await lab.rest.call(method, path, { json, token: lab.other.tokens.app(600) }), 401);
      }
    },
  },
  {
    name: 'a field that is missing, too long or of the wrong type is named, and nothing is made',
    async run({ lab }) {
      const call = hasCall(lab);
      const [alice, bob] = await lab.users(2);
      const { id, name } = await makeRoom(lab, alice);
      const whole = { name: 'n', description: 'd', owner: alice.username };
      for (const [field, wrongs] of [
        ['name', [undefined, 7, null, {}, [], 'n'.repeat(129)]],
        ['description', [7, {}, [], 'd'.repeat(513)]],
        ['owner', [undefined, 7, null, {}]],
        ['maxusers', [0, -1, 1.5, '1e400', 'many', {}]],
        ['members', ['bob', 7, {}, [7], [null]]],
      ]) {
        for (const wrong of wrongs) isError(await call('POST', '/chatrooms', { ...whole, [field]: wrong }), 400, undefined, new RegExp(field));
      }
      isError(await call('POST', '/chatrooms', { ...whole, owner: lab.secrets.name() }), [400, 404]);
      isError(await call('POST', '/chatrooms', { ...whole, members: [lab.secrets.name()] }), [400, 404]);
      const at = `/chatrooms/${id}`;
      for (const [method, path, json, text] of [
        ['PUT', at, { name: 7 }, /name/],
        ['PUT', at, { maxusers: 'many' }, /maxusers/],
        ['POST', `${at}/users`, {}, /usernames/],
        ['POST', `${at}/users`, { usernames: 'bob' }, /usernames/],
        ['POST', `${at}/users`, { usernames: [7] }, /usernames/],
        ['POST', `${at}/users`, { usernames: [] }, /usernames/],
        ['POST', `${at}/users`, { usernames: Array.from({ length: 61 }, (_, count) => `u${count}`) }, /usernames/],
        ['POST', `${at}/admin`, {}, /newadmin/],
        ['POST', `${at}/admin`, { newadmin: [] }, /newadmin/],
        ['POST', `${at}/mute`, { usernames: [alice.username] }, /mute_duration/],
        ['POST', `${at}/mute`, { usernames: [alice.username], mute_duration: 'long' }, /mute_duration/],
        ['POST', `${at}/mute`, { mute_duration: 1 }, /usernames/],
        ['POST', `${at}/blocks/users`, { usernames: 7 }, /usernames/],
        ['POST', `${at}/white/users`, {}, /usernames/],
        ['POST', `${at}/announcement`, {}, /announcement/],
        ['POST', `${at}/announcement`, { announcement: 7 }, /announcement/],
        ['POST', `${at}/announcement`, { announcement: 'a'.repeat(513) }, /announcement/],
        ['POST', '/chatrooms/super_admin', {}, /superadmin/],
        ['POST', '/chatrooms/super_admin', { superadmin: {} }, /superadmin/],
        ['PUT', `/metadata/chatroom/${id}/user/${alice.username}`, {}, /metaData/],
        ['PUT', `/metadata/chatroom/${id}/user/${alice.username}`, { metaData: [] }, /metaData/],
        ['PUT', `/metadata/chatroom/${id}/user/${alice.username}`, { metaData: { a: 'v' }, autoDelete: 'MAYBE' }, /autoDelete/],
        ['POST', `/metadata/chatroom/${id}`, { keys: 'a' }, /keys/],
        ['DELETE', `/metadata/chatroom/${id}/user/${alice.username}`, { keys: 7 }, /keys/],
        ['DELETE', `/metadata/chatroom/${id}/user/${alice.username}`, {}, /keys/],
        ['GET', '/chatrooms?limit=many', undefined, /limit/],
        ['GET', '/chatrooms?cursor=%00nonsense', undefined, /cursor/],
        ['POST', '/messages/chatrooms', { type: 'txt', body: { msg: 'x' } }, /to/],
        ['POST', '/messages/chatrooms', { to: [], type: 'txt', body: { msg: 'x' } }, /to/],
        ['POST', '/messages/chatrooms', { to: id, type: 7, body: { msg: 'x' } }, /t/],
        ['POST', '/messages/chatrooms', { to: [id], body: { msg: 'x' } }, /type/],
        ['POST', '/messages/chatrooms', { to: [id], type: 'song', body: {} }, /type/],
        ['POST', '/messages/chatrooms', { to: [id], type: 'txt' }, /body/],
        ['POST', '/messages/chatrooms', { to: [id], type: 'txt', body: { msg: 7 } }, /msg/],
        ['POST', '/messages/chatrooms', { from: '', to: [id], type: 'txt', body: { msg: 'x' } }, /from/],
        ['POST', '/messages/chatrooms', { to: [id], type: 'txt', body: { msg: 'x' }, ext: 7 }, /ext/],
        ['POST', '/messages/chatrooms', { to: [id], type: 'txt', body: { msg: 'x' }, chatroom_msg_level: 'loud' }, /chatroom_msg_level/],
        ['POST', '/messages/chatrooms/broadcast', { from: 'admin' }, /msg/],
        ['POST', '/messages/chatrooms/broadcast', { from: 'admin', msg: 'x' }, /msg/],
      ]) {
        isError(await call(method, path, json), 400, undefined, text);
      }
      isError(await call('POST', '/messages/chatrooms', { to: [id], type: 'txt', body: { msg: 'x'.repeat(6_000) } }), [400, 413]);
      isError(await call('POST', '/messages/chatrooms', { to: Array.from({ length: 11 }, () => id), type: 'txt', body: { msg: 'x' } }), [400, 403]);
      isError(await call('POST', '/messages/chatrooms', { to: [NO_ROOM], type: 'txt', body: { msg: 'x' } }), 404);
      const [info] = good(await call('GET', at));
      check.equal(info.name, name);
      check.equal(info.affiliations_count, 1);
      check.deepEqual(good(await call('GET', `/users/${alice.username}/joined_chatrooms`)).map((one) => one.id), [id]);
      check.deepEqual(good(await call('GET', `/users/${bob.username}/joined_chatrooms`)), []);
    },
  },
  {
    name: 'bodies that are no JSON and paths out of bounds get an answer, and who is in the room does not notice',
    async run({ lab, people }) {
      const [[alice, a], [, b]] = await people(2);
      const { id } = await makeRoom(lab, alice);
      await join(b, id);
      const paths = ['/chatrooms', `/chatrooms/${id}/users`, `/chatrooms/${id}/mute`, `/chatrooms/${id}/announcement`, `/metadata/chatroom/${id}`, '/messages/chatrooms', '/messages/chatrooms/broadcast', '/chatrooms/super_admin'];
      for (const body of ['{', 'null', '"text"', '7', '\u0000', Buffer.from([0xff, 0xfe, 0x00]), `${'['.repeat(5_000)}${']'.repeat(5_000)}`, `{"name":"a","name":"b"}`]) {
        for (const path of paths) isError(await lab.rest.call('POST', path, { token: lab.admin, body }), [400, 413, 415, 422]);
      }
      for (const path of ['/chatrooms/%00', '/chatrooms/0', '/chatrooms/-1', `/chatrooms/${'9'.repeat(400)}`, '/chatrooms/..%2f..%2fetc', `/chatrooms/${id}/users/%ff`, `/chatrooms/${id}/nothing`, `/chatrooms/${id}/share_files/..%2f..%2fkeys`, `/metadata/chatroom/%00/user/x`]) {
        const answer = await lab.rest.call('GET', path, { token: lab.admin });
        check.ok(answer.status >= 400 && answer.status < 500, `${path}: HTTP ${answer.status}`);
      }
      await heard(b, await say(lab, a, id));
      check.equal(b.seen('onChatroomEvent').length, 0);
      check.equal(b.seen('onError').length, 0);
    },
  },
];
