// Messages pinned in a conversation, for everybody in it.

import { groupEvent, heard, makeGroup, say, settled } from '../lib/groups.js';
import { check } from '../lib/runner.js';

const pinEvent = (device, operation, messageId) => device.event('onMessagePinEvent', (one) => one.operation === operation && one.messageId === messageId);

export const tests = [
  {
    name: 'a pin in a chat of two is seen by both, listed by both, and taken off by either',
    covers: ['pinMessage', 'unpinMessage', 'getServerPinnedMessages', 'event:onMessagePinEvent', 'event:onMessagePinEvent/pin', 'event:onMessagePinEvent/unpin'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b]] = await people(2);
      const sent = await b.tell({ type: 'txt', to: alice.username, msg: lab.secrets.text('📌') });
      await a.event('onTextMessage', (one) => one.id === sent.serverMsgId);
      const messageId = sent.serverMsgId;
      const at = (user) => ({ conversationType: 'singleChat', conversationId: user.username });
      await a.ask('pinMessage', { ...at(bob), messageId });
      const told = await pinEvent(b, 'pin', messageId);
      check.equal(told.conversationType, 'singleChat');
      check.equal(told.conversationId, alice.username);
      check.equal(told.operatorId, alice.username);
      check.ok(Math.abs(told.time - Date.now()) < 120_000);
      for (const [page, peer] of [[a, bob], [b, alice]]) {
        const { list } = (await page.ask('getServerPinnedMessages', { ...at(peer), pageSize: 10 })).data;
        check.equal(list.length, 1);
        check.equal(list[0].operatorId, alice.username);
        check.equal(list[0].message.id, messageId);
        check.equal(list[0].message.msg, sent.message.msg);
        check.equal(list[0].message.from, bob.username);
        check.ok(Math.abs(list[0].pinTime - told.time) < 60_000);
      }
      await b.ask('unpinMessage', { ...at(alice), messageId });
      check.equal((await pinEvent(a, 'unpin', messageId)).operatorId, bob.username);
      check.deepEqual((await a.ask('getServerPinnedMessages', { ...at(bob), pageSize: 10 })).data.list, []);
    },
  },
  {
    name: 'a pin in a group is seen by every member, the newest first in the list; a recall takes it off',
    covers: ['pinMessage', 'getServerPinnedMessages', 'event:onMessagePinEvent/pin'],
    async run({ lab, people, another }) {
      const [[alice, a], [bob, b], [carol, c], [dave, stranger]] = await people(4);
      const a2 = await another(alice);
      const group = await makeGroup(lab, a, { members: [bob.username, carol.username] });
      await groupEvent(c, 'directJoined', group.id);
      const where = { conversationType: 'groupChat', conversationId: group.id };
      const ids = [];
      for (let count = 0; count < 3; count += 1) ids.push(await say(lab, b, group.id));
      await heard(a, ids[2]);
      for (const messageId of ids) await a.ask('pinMessage', { ...where, messageId });
      for (const page of [b, c, a2]) {
        const told = await pinEvent(page, 'pin', ids[2]);
        check.equal(told.conversationType, 'groupChat');
        check.equal(told.conversationId, group.id);
        check.equal(told.operatorId, alice.username);
      }
      const listed = [];
      let cursor = '';
      do {
        const { data } = await c.ask('getServerPinnedMessages', { ...where, pageSize: 2, ...(cursor && { cursor }) });
        check.ok(data.list.length <= 2 && listed.length <= 3);
        listed.push(...data.list.map((one) => one.message.id));
        cursor = data.cursor;
      } while (cursor);
      check.deepEqual(listed, [...ids].reverse());
      await b.ask('recallMessage', { mid: ids[1], to: group.id, chatType: 'groupChat' });
      await c.event('onRecallMessage', (one) => one.mid === ids[1]);
      const left = (await c.ask('getServerPinnedMessages', { ...where, pageSize: 10 })).data.list.map((one) => one.message.id);
      check.deepEqual(left, [ids[2], ids[0]]);
      await stranger.refused('pinMessage', { ...where, messageId: ids[0] });
      await stranger.refused('getServerPinnedMessages', { ...where, pageSize: 10 });
      await a.refused('pinMessage', { ...where, messageId: '123456789012345678' });
      await settled(lab, a, stranger, dave);
      check.equal(stranger.seen('onMessagePinEvent').length + a.seen('onMessagePinEvent').length, 0);
    },
  },
];
