// What is put up in a room for who is there: the announcement and shared files.

import { request } from '../lib/rest.js';
import { calm, heard, join, ROOM_CODE, roomEvent, roomSeen, roomWith, say } from '../lib/rooms.js';
import { check } from '../lib/runner.js';

const fileOf = (lab, more = {}) => ({ name: `${lab.secrets.of('file name').replaceAll(' ', '-')}.txt`, type: 'text/plain', mark: lab.secrets.of('file content'), size: 20_000, ...more });

export const tests = [
  {
    name: 'an announcement reaches who is there, is read by members, and is taken back by an empty one',
    covers: ['updateChatRoomAnnouncement', 'fetchChatRoomAnnouncement', 'event:onChatroomEvent/updateAnnouncement', 'event:onChatroomEvent/deleteAnnouncement', 'event:onChatroomChange'],
    async run({ lab, people, another }) {
      const [[alice, a], [bob, b], [carol, c], [, stranger]] = await people(4);
      const a2 = await another(alice);
      const { id } = await roomWith(lab, [[alice, a], [bob, b], [carol, c]]);
      check.equal((await b.ask('fetchChatRoomAnnouncement', { roomId: id })).data.announcement, '');
      const announcement = lab.secrets.of('room announcement', 'mañana\n10:00 🎉');
      const { data } = await a.ask('updateChatRoomAnnouncement', { roomId: id, announcement });
      check.equal(data.id, id);
      check.equal(data.result, true);
      for (const page of [b, c, a2]) {
        const told = await roomEvent(page, 'updateAnnouncement', id);
        check.equal(told.from, alice.username);
        check.equal(told.announcement, announcement);
      }
      check.equal((await b.event('onChatroomChange', (one) => one.type === 'updateAnnouncement' && one.gid === id)).announcement, announcement);
      check.equal((await b.ask('fetchChatRoomAnnouncement', { roomId: id })).data.announcement, announcement);
      check.equal((await stranger.refused('fetchChatRoomAnnouncement', { roomId: id })).type, ROOM_CODE.NOT_JOINED);
      check.equal((await c.refused('updateChatRoomAnnouncement', { roomId: id, announcement: 'mine' })).type, ROOM_CODE.PERMISSION);
      await a.refused('updateChatRoomAnnouncement', { roomId: id, announcement: 'a'.repeat(513) });
      // It is the owner's, and who comes later reads it.
      await a.ask('setChatRoomAdmin', { chatRoomId: id, username: bob.username });
      check.equal((await b.refused('updateChatRoomAnnouncement', { roomId: id, announcement: 'mine' })).type, ROOM_CODE.PERMISSION);
      const second = lab.secrets.of('room announcement');
      await a.ask('updateChatRoomAnnouncement', { roomId: id, announcement: second });
      check.equal((await roomEvent(c, 'updateAnnouncement', id, (one) => one.announcement === second)).from, alice.username);
      await join(stranger, id);
      check.equal((await stranger.ask('fetchChatRoomAnnouncement', { roomId: id })).data.announcement, second);
      await a.ask('updateChatRoomAnnouncement', { roomId: id, announcement: '' });
      for (const page of [b, c, stranger]) await roomEvent(page, 'deleteAnnouncement', id);
      check.equal((await c.ask('fetchChatRoomAnnouncement', { roomId: id })).data.announcement, '');
      check.equal(roomSeen(stranger, 'updateAnnouncement', id).length, 0);
    },
  },
  {
    name: 'a file is shared, all are told and fetch the same bytes, and it is taken away',
    covers: ['uploadChatRoomSharedFile', 'getChatRoomSharedFilelist', 'deleteChatRoomSharedFile', 'event:onChatroomEvent/uploadFile', 'event:onChatroomEvent/deleteFile'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [carol, c], [eve, stranger]] = await people(4);
      const { id } = await roomWith(lab, [[alice, a], [bob, b], [carol, c]]);
      const file = fileOf(lab);
      const put = await b.upload('uploadChatRoomSharedFile', { roomId: id }, file);
      check.equal(put.ok, true, JSON.stringify(put.error));
      const { data } = put.result;
      check.equal(data.file_name, file.name);
      check.equal(data.file_size, file.size);
      for (const page of [a, c]) check.equal((await roomEvent(page, 'uploadFile', id)).from, bob.username);
      const [listed, ...more] = (await c.ask('getChatRoomSharedFilelist', { roomId: id })).data;
      check.deepEqual(more, []);
      check.equal(listed.file_id, data.file_id);
      check.equal(listed.file_name, file.name);
      check.equal(listed.file_owner, bob.username);
      check.equal(listed.file_size, file.size);
      check.ok(Math.abs(Number(listed.created) - Date.now()) < 120_000);
      // The SDK has no call that fetches it; an app asks with the user's token.
      const fetch = (user) => request({ method: 'GET', url: `${lab.rest.base}/chatrooms/${id}/share_files/${data.file_id}`, ca: lab.server.ca, headers: { authorization: `Bearer ${lab.token(user)}` } });
      const got = await fetch(carol);
      check.equal(got.status, 200, got.text);
      check.equal(got.bytes.length, file.size);
      check.ok(got.text.startsWith(`${file.mark}\n${file.mark}\n`));
      check.ok([400, 401, 403].includes((await fetch(eve)).status));
      check.equal((await stranger.refused('getChatRoomSharedFilelist', { roomId: id })).type, ROOM_CODE.NOT_JOINED);
      // A member takes away only what is his; the owner takes away anything.
      check.equal((await c.refused('deleteChatRoomSharedFile', { roomId: id, fileId: data.file_id })).type, ROOM_CODE.PERMISSION);
      const gone = (await a.ask('deleteChatRoomSharedFile', { roomId: id, fileId: data.file_id })).data;
      check.equal(gone.result, true);
      check.equal(gone.file_id, data.file_id);
      for (const page of [b, c]) check.equal((await roomEvent(page, 'deleteFile', id)).from, alice.username);
      check.deepEqual((await c.ask('getChatRoomSharedFilelist', { roomId: id })).data, []);
      check.equal((await fetch(carol)).status, 404);
      const late = await stranger.upload('uploadChatRoomSharedFile', { roomId: id }, fileOf(lab));
      check.equal(late.ok && Boolean(late.result.data?.file_id), false);
      await heard(b, await say(lab, a, id));
      await calm(lab, id, a, c, [eve, stranger]);
      check.equal(stranger.seen('onChatroomEvent').length, 0);
    },
  },
];
