// What is said in a room: to whom, how, and what becomes of it.

import { calm, everyContent, heard, historyOf, join, makeRoom, ROOM_CODE, roomEvent, roomWith, say, settled, silenced, texts } from '../lib/rooms.js';
import { check } from '../lib/runner.js';

const RECALLED = 'onRecallMessage';

export const tests = [
  {
    name: 'every content type reaches every device of who is there, not the one it comes from, and nobody else',
    covers: ['send', 'event:onTextMessage', 'event:onCmdMessage', 'event:onCustomMessage', 'event:onLocationMessage', 'event:onFileMessage'],
    async run({ lab, people, another }) {
      const [[alice, a1], [bob, b1], [eve, stranger]] = await people(3);
      const [a2, b2] = [await another(alice), await another(bob)];
      const { id } = await roomWith(lab, [[alice, a1], [bob, b1]]);
      for (const [event, parameters, key] of everyContent(lab)) {
        const ext = { note: lab.secrets.text(), deep: { list: [1, null] } };
        const sent = await a1.tell({ ...parameters, ext, chatType: 'chatRoom', to: id });
        check.ok(sent.message === undefined || sent.message === null || sent.message.id === sent.serverMsgId);
        for (const page of [b1, b2, a2]) {
          const got = await page.event(event, (one) => one.id === sent.serverMsgId);
          check.equal(got.from, alice.username);
          check.equal(got.to, id);
          check.equal(got.chatType, 'chatRoom');
          check.equal(got[key], parameters[key]);
          check.deepEqual(got.ext, ext);
          check.ok(Math.abs(Number(got.time) - Date.now()) < 120_000);
        }
      }
      await calm(lab, id, a1, b1, [eve, stranger]);
      check.equal(stranger.seen('onTextMessage', (one) => one.to === id).length + stranger.seen('onCmdMessage').length, 0);
      check.equal(a1.seen('onTextMessage').length + a1.seen('onCmdMessage').length, 0);
      check.equal((await silenced(lab, stranger, id)).type, ROOM_CODE.NOT_IN);
    },
  },
  {
    name: 'an image goes into a room, and who is there sees it',
    covers: ['send', 'event:onImageMessage'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b]] = await people(2);
      const { id } = await roomWith(lab, [[alice, a], [bob, b]]);
      const file = { name: `${lab.secrets.of('file name')}.png`, type: 'image/png', width: 400, height: 300, mark: lab.secrets.of('file content') };
      const sent = await b.tell({ type: 'img', chatType: 'chatRoom', to: id, width: 400, height: 300, file });
      const got = await a.event('onImageMessage', (one) => one.id === sent.serverMsgId);
      check.equal(got.to, id);
      check.equal(got.chatType, 'chatRoom');
      const fetched = await a.download(got.url, got.secret);
      check.equal(fetched.ok, true, JSON.stringify(fetched.error));
      check.equal(fetched.result.digest, sent.digest);
      check.equal((await a.image(got.url)).ok, true);
    },
  },
  {
    name: 'many from several at once reach everybody, each sender\'s in order, once',
    covers: ['send', 'event:onTextMessage'],
    async run({ lab, people }) {
      const crowd = await people(4);
      const { id } = await roomWith(lab, crowd);
      const EACH = 25;
      const all = await Promise.all(
        crowd.map(([, page]) => page.sendAll(Array.from({ length: EACH }, () => ({ type: 'txt', chatType: 'chatRoom', to: id, msg: lab.secrets.text(), priority: 'high' })))),
      );
      const ids = all.map((list) => list.map((one) => (check.equal(one.ok, true, JSON.stringify(one.error)), one.serverMsgId)));
      for (const [at, [, page]] of crowd.entries()) {
        await page.several('onTextMessage', EACH * (crowd.length - 1), (one) => one.to === id);
        const got = texts(page, id);
        for (const [other, list] of ids.entries()) check.deepEqual(got.filter((one) => list.includes(one)), other === at ? [] : list);
        check.equal(new Set(got).size, got.length);
      }
    },
  },
  {
    name: 'a priority is shown as it was given, and normal if it was not',
    covers: ['send', 'event:onTextMessage'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [, c]] = await people(3);
      const { id } = await roomWith(lab, [[alice, a], [bob, b]]);
      const given = new Map();
      for (const priority of ['high', 'normal', 'low', undefined]) given.set(await say(lab, a, id, { ...(priority && { priority }) }), priority ?? 'normal');
      for (const [messageId, priority] of given) {
        const got = await heard(b, messageId);
        check.equal(got.priority, priority);
        check.equal(got.broadcast, false);
      }
      // And to who comes later, among the last messages.
      await join(c, id);
      for (const [messageId, priority] of given) check.equal((await heard(c, messageId)).priority, priority);
    },
  },
  {
    name: 'a message for some is for them alone, and for the sender\'s other device',
    covers: ['send', 'joinChatRoom', 'getHistoryMessages'],
    async run({ lab, people, another }) {
      const [[alice, a1], [bob, b], [carol, c], [dave, d]] = await people(4);
      const a2 = await another(alice);
      const { id } = await roomWith(lab, [[alice, a1], [bob, b], [carol, c]]);
      const whisper = await say(lab, a1, id, { receiverList: [bob.username] });
      const got = await heard(b, whisper);
      check.equal(got.from, alice.username);
      check.equal(got.to, id);
      check.equal(got.chatType, 'chatRoom');
      await heard(a2, whisper);
      const loud = await say(lab, a1, id);
      await heard(c, loud);
      await calm(lab, id, a1, b, [carol, c]);
      check.equal(texts(c, id).includes(whisper), false);
      // Nor does who comes later, or who looks.
      await join(d, id);
      await heard(d, loud);
      await calm(lab, id, a1, b, [dave, d]);
      for (const [page, sees] of [[c, false], [d, false], [b, true], [a1, true]]) {
        check.equal(texts(page, id).includes(whisper), page === b);
        const history = await historyOf(page, id);
        check.equal(history.includes(whisper), sees);
        check.equal(history.includes(loud), true);
      }
      const many = await a1.text(id, lab.secrets.text(), { chatType: 'chatRoom', receiverList: Array.from({ length: 500 }, (_, at) => `${bob.username}${at}`) });
      check.equal(many.ok, false);
      check.equal(many.error.type, ROOM_CODE.LIMIT, JSON.stringify(many.error));
    },
  },
  {
    name: 'what is taken back is taken back from all who are there, and from history',
    covers: ['recallMessage', 'event:onRecallMessage', 'getHistoryMessages'],
    async run({ lab, people, another }) {
      const [[alice, a], [bob, b1], [carol, c], [, d]] = await people(4);
      const b2 = await another(bob);
      const { id } = await roomWith(lab, [[alice, a], [bob, b1], [carol, c]]);
      const kept = await say(lab, b1, id);
      const gone = await say(lab, b1, id);
      for (const page of [a, c, b2]) await heard(page, gone);
      const ext = lab.secrets.of('recall ext');
      await b1.ask('recallMessage', { mid: gone, to: id, chatType: 'chatRoom', ext });
      for (const page of [a, c, b2]) {
        const told = await page.event(RECALLED, (one) => one.mid === gone);
        check.equal(told.from, bob.username);
        check.equal(told.to, id);
        check.equal(told.ext, ext);
      }
      for (const page of [a, b1, c]) check.deepEqual(await historyOf(page, id), [kept]);
      // Nobody takes back what another said, or what was never said.
      const theirs = await say(lab, a, id);
      await heard(b1, theirs);
      await c.refused('recallMessage', { mid: theirs, to: id, chatType: 'chatRoom' });
      await b1.refused('recallMessage', { mid: '123456789012345678', to: id, chatType: 'chatRoom' });
      await join(d, id);
      await heard(d, theirs);
      check.deepEqual(texts(d, id), [kept, theirs]);
      await calm(lab, id, a, c, [bob, b1]);
      check.equal(b1.seen(RECALLED).length, 0);
      check.equal(c.seen(RECALLED).length, 1);
    },
  },
  {
    name: 'history by page in both directions, for who is there; what a message was stays what it was',
    covers: ['getHistoryMessages'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [, stranger]] = await people(3);
      const { id } = await roomWith(lab, [[alice, a], [bob, b]]);
      const ids = [];
      for (let count = 0; count < 7; count += 1) ids.push(await say(lab, count % 2 ? b : a, id, { ext: { count } }));
      await heard(b, ids.at(-1));
      for (const [searchDirection, expected] of [['down', ids], ['up', [...ids].reverse()]]) {
        const got = [];
        let cursor;
        for (;;) {
          const page = await b.ask('getHistoryMessages', { targetId: id, chatType: 'chatRoom', pageSize: 3, searchDirection, ...(cursor && { cursor }) });
          got.push(...page.messages);
          check.ok(page.messages.length <= 3 && got.length <= ids.length);
          if (page.isLast) break;
          cursor = page.cursor;
        }
        check.deepEqual(got.map((one) => one.id), expected);
        for (const one of got) {
          check.equal(one.chatType, 'chatRoom');
          check.equal(one.to, id);
          check.equal(one.from, ids.indexOf(one.id) % 2 ? bob.username : alice.username);
          check.deepEqual(one.ext, { count: ids.indexOf(one.id) });
        }
      }
      const outside = await stranger.call('getHistoryMessages', { targetId: id, chatType: 'chatRoom', pageSize: 10 });
      check.ok(!outside.ok || outside.result.messages.length === 0, 'a stranger reads the history');
      if (!outside.ok) check.equal(typeof outside.error.type, 'number', JSON.stringify(outside.error));
    },
  },
  {
    name: 'a pin is seen by all who are there, listed by members, and taken off',
    covers: ['pinMessage', 'unpinMessage', 'getServerPinnedMessages', 'event:onMessagePinEvent', 'event:onMessagePinEvent/pin', 'event:onMessagePinEvent/unpin'],
    async run({ lab, people, another }) {
      const [[alice, a], [bob, b], [carol, c], [eve, stranger]] = await people(4);
      const a2 = await another(alice);
      const { id } = await roomWith(lab, [[alice, a], [bob, b], [carol, c]]);
      const where = { conversationType: 'chatRoom', conversationId: id };
      const msg = lab.secrets.text('📌');
      const messageId = await say(lab, b, id, { msg });
      await heard(a, messageId);
      await a.ask('pinMessage', { ...where, messageId });
      for (const page of [b, c, a2]) {
        const told = await page.event('onMessagePinEvent', (one) => one.operation === 'pin' && one.messageId === messageId);
        check.equal(told.conversationType, 'chatRoom');
        check.equal(told.conversationId, id);
        check.equal(told.operatorId, alice.username);
      }
      for (const page of [a, c]) {
        const { list } = (await page.ask('getServerPinnedMessages', { ...where, pageSize: 10 })).data;
        check.equal(list.length, 1);
        check.equal(list[0].operatorId, alice.username);
        check.equal(list[0].message.id, messageId);
        check.equal(list[0].message.msg, msg);
        check.equal(list[0].message.chatType, 'chatRoom');
      }
      await stranger.refused('pinMessage', { ...where, messageId });
      await stranger.refused('getServerPinnedMessages', { ...where, pageSize: 10 });
      await c.ask('unpinMessage', { ...where, messageId });
      check.equal((await b.event('onMessagePinEvent', (one) => one.operation === 'unpin' && one.messageId === messageId)).operatorId, carol.username);
      check.deepEqual((await a.ask('getServerPinnedMessages', { ...where, pageSize: 10 })).data.list, []);
      await calm(lab, id, a, b, [eve, stranger]);
      check.equal(stranger.seen('onMessagePinEvent').length, 0);
    },
  },
  {
    name: 'a message can be reported by who was there',
    covers: ['reportMessage'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [, stranger]] = await people(3);
      const { id } = await roomWith(lab, [[alice, a], [bob, b]]);
      const messageId = await say(lab, a, id);
      await heard(b, messageId);
      const report = { reportType: 'adult', messageId };
      await b.ask('reportMessage', { ...report, reportReason: lab.secrets.of('report reason') });
      await stranger.refused('reportMessage', { ...report, reportReason: lab.secrets.of('report reason') });
    },
  },
  {
    name: 'what is said is changed for all who are there, and in history',
    covers: ['modifyMessage', 'event:onModifiedMessage', 'getHistoryMessages'],
    async run({ lab, people, another }) {
      const [[alice, a], [bob, b], [carol, c], [, d]] = await people(4);
      const a2 = await another(alice);
      const { id } = await roomWith(lab, [[alice, a], [bob, b], [carol, c]]);
      const messageId = await say(lab, a, id);
      await heard(c, messageId);
      const msg = lab.secrets.text('better');
      const edited = await a.modify(messageId, { type: 'txt', chatType: 'chatRoom', to: id, msg });
      check.equal(edited.ok, true, JSON.stringify(edited.error));
      for (const page of [b, c, a2]) {
        const told = await page.event('onModifiedMessage', (one) => one.id === messageId);
        check.equal(told.msg, msg);
        check.equal(told.from, alice.username);
        check.equal(told.to, id);
        check.equal(told.chatType, 'chatRoom');
        check.equal(told.modifiedInfo.operationCount, 1);
      }
      const theirs = await b.modify(messageId, { type: 'txt', chatType: 'chatRoom', to: id, msg: 'taken' });
      check.equal(theirs.ok, false);
      check.equal(theirs.error.type, ROOM_CODE.PERMISSION, JSON.stringify(theirs.error));
      const { messages } = await c.ask('getHistoryMessages', { targetId: id, chatType: 'chatRoom', pageSize: 10 });
      check.deepEqual(messages.map((one) => [one.id, one.msg]), [[messageId, msg]]);
      // Who comes later gets it as it is.
      await join(d, id);
      const got = await d.event('onTextMessage', (one) => one.id === messageId);
      check.equal(got.msg, msg);
      check.equal(a.seen('onModifiedMessage').length, 0);
    },
  },
  {
    name: 'rooms are not in the list of conversations',
    covers: ['getServerConversations'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b]] = await people(2);
      const { id } = await roomWith(lab, [[alice, a], [bob, b]]);
      await heard(b, await say(lab, a, id));
      await settled(lab, a, b, bob);
      const { conversations } = (await b.ask('getServerConversations', { pageSize: 20 })).data;
      check.deepEqual(conversations.map((one) => one.conversationId), [alice.username]);
    },
  },
  {
    name: 'who was in a room and is away gets nothing of it later',
    covers: ['send'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [carol, c]] = await people(3);
      const { id } = await roomWith(lab, [[alice, a], [bob, b], [carol, c]]);
      await b.close();
      await b.event('onDisconnected');
      await lab.offline(bob);
      const missed = await say(lab, a, id);
      await heard(c, missed);
      await lab.login(b, bob);
      const sent = await a.text(bob.username, lab.secrets.text());
      await b.event('onTextMessage', (one) => one.id === sent.serverMsgId);
      await calm(lab, id, a, c, [bob, b]);
      check.equal(texts(b, id).includes(missed), false);
      // It is in the history.
      check.ok((await historyOf(b, id)).includes(missed));
    },
  },
  {
    name: 'what a back end says in a room reaches who is there, with its priority, muted or not',
    covers: ['event:onTextMessage', 'event:onCustomMessage', 'event:onCmdMessage', 'event:onLocationMessage', 'disableSendChatRoomMsg'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [eve, stranger]] = await people(3);
      const { id } = await roomWith(lab, [[alice, a], [bob, b]]);
      const other = await makeRoom(lab, alice);
      const post = (json) => lab.rest.call('POST', '/messages/chatrooms', { token: lab.admin, json });
      const msg = lab.secrets.text('😀');
      const ext = { note: lab.secrets.text() };
      const answer = await post({ from: bob.username, to: [id, other.id], type: 'txt', body: { msg }, ext, chatroom_msg_level: 'high' });
      check.equal(answer.status, 200, answer.text);
      check.deepEqual(Object.keys(answer.body.data).sort(), [id, other.id].sort());
      for (const messageId of Object.values(answer.body.data)) lab.secrets.messageIds.add(String(messageId));
      for (const room of [id, other.id]) {
        const got = await heard(a, String(answer.body.data[room]));
        check.equal(got.to, room);
        check.equal(got.from, bob.username);
        check.equal(got.msg, msg);
        check.equal(got.priority, 'high');
        check.equal(got.broadcast, false);
        check.equal(got.chatType, 'chatRoom');
        check.deepEqual(got.ext, ext);
      }
      await a.ask('disableSendChatRoomMsg', { chatRoomId: id });
      await roomEvent(b, 'muteAllMembers', id);
      const action = lab.secrets.text();
      const customEvent = lab.secrets.name('event');
      const addr = lab.secrets.text();
      const more = [
        ['onCmdMessage', { type: 'cmd', body: { action } }, 'action', action],
        ['onCustomMessage', { type: 'custom', body: { customEvent, customExts: { k: 'v' } } }, 'customEvent', customEvent],
        ['onLocationMessage', { type: 'loc', body: { lat: '1.5', lng: '2.5', addr } }, 'addr', addr],
      ];
      for (const [event, given, key, expected] of more) {
        const sent = await post({ to: [id], ...given });
        check.equal(sent.status, 200, sent.text);
        const got = await b.event(event, (one) => one.id === String(sent.body.data[id]));
        check.equal(got.from, 'admin');
        check.equal(got[key], expected);
        if (event !== 'onCmdMessage') check.equal(got.priority ?? 'normal', 'normal');
      }
      await a.ask('enableSendChatRoomMsg', { chatRoomId: id });
      await roomEvent(b, 'unmuteAllMembers', id);
      await calm(lab, id, a, b, [eve, stranger]);
      check.equal(stranger.seen('onTextMessage', (one) => one.chatType === 'chatRoom').length, 0);
    },
  },
  {
    name: 'a broadcast reaches every room in use, once in each, and says that it is one',
    covers: ['event:onTextMessage'],
    async run({ lab, device }) {
      // In an app of its own: it reaches the rooms of all other tests otherwise.
      const { other } = lab;
      const token = other.tokens.app(600);
      const rest = (method, path, json) => other.rest.call(method, path, { token, json });
      const pages = [];
      for (let count = 0; count < 2; count += 1) {
        const username = lab.secrets.name();
        check.equal((await rest('POST', '/users', { username, password: lab.secrets.password() })).status, 200);
        const page = await device({ appKey: other.appKey });
        check.equal((await page.login({ user: username, accessToken: other.tokens.user(username) })).ok, true);
        pages.push([{ username }, page]);
      }
      const [[alice, a], [bob, b]] = pages;
      const rooms = [await makeRoom(lab, alice, { app: other }), await makeRoom(lab, alice, { app: other })];
      await join(b, rooms[0].id);
      await roomEvent(a, 'memberPresence', rooms[0].id);
      // A room is in use when something was said there.
      for (const { id } of rooms) await say(lab, a, id);
      const msg = lab.secrets.text('to all');
      const answer = await rest('POST', '/messages/chatrooms/broadcast', { from: 'admin', chatroom_msg_level: 'low', msg: { type: 'txt', msg }, ext: { k: 1 } });
      check.equal(answer.status, 200, answer.text);
      check.equal(typeof answer.body.data.id, 'number');
      const got = await b.event('onTextMessage', (one) => one.msg === msg);
      check.equal(got.to, rooms[0].id);
      check.equal(got.from, 'admin');
      check.equal(got.broadcast, true);
      check.equal(got.priority, 'low');
      check.deepEqual(got.ext, { k: 1 });
      const twice = await a.several('onTextMessage', 2, (one) => one.msg === msg);
      check.deepEqual(twice.map((one) => one.to).sort(), rooms.map(({ id }) => id).sort());
      await calm(lab, rooms[0].id, a, b, [bob, b]);
      check.equal(b.seen('onTextMessage', (one) => one.msg === msg).length, 1);
    },
  },
];
