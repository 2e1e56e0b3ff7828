// The list of conversations that the server keeps: last message, unread, pins, marks.

import { groupEvent, heard, makeGroup, say } from '../lib/groups.js';
import { check } from '../lib/runner.js';

const list = async (device, parameters = {}) => (await device.ask('getServerConversations', { pageSize: 20, cursor: '', ...parameters })).data.conversations;
const operation = (device, name) => device.event('onMultiDeviceEvent', (one) => one.operation === name);

export const tests = [
  {
    name: 'each conversation once, the newest first, with its last message and how many are unread',
    covers: ['getServerConversations'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [carol, c]] = await people(3);
      const group = await makeGroup(lab, a, { members: [bob.username] });
      await groupEvent(b, 'directJoined', group.id);
      for (let count = 0; count < 3; count += 1) await a.tell({ type: 'txt', to: bob.username, msg: lab.secrets.text() });
      const inGroup = await say(lab, a, group.id);
      await heard(b, inGroup);
      const last = await c.tell({ type: 'txt', to: bob.username, msg: lab.secrets.text('😀'), ext: { deep: [1] } });
      await b.event('onTextMessage', (one) => one.id === last.serverMsgId);
      const conversations = await list(b);
      check.deepEqual(conversations.map((one) => [one.conversationId, one.conversationType, one.unReadCount, one.isPinned]), [
        [carol.username, 'singleChat', 1, false],
        [group.id, 'groupChat', 1, false],
        [alice.username, 'singleChat', 3, false],
      ]);
      const [newest, middle] = conversations;
      check.equal(newest.lastMessage.id, last.serverMsgId);
      check.equal(newest.lastMessage.msg, last.message.msg);
      check.equal(newest.lastMessage.from, carol.username);
      check.equal(newest.lastMessage.to, bob.username);
      check.equal(newest.lastMessage.chatType, 'singleChat');
      check.equal(Number(newest.lastMessage.time), last.message.time);
      check.deepEqual(newest.lastMessage.ext, { deep: [1] });
      check.equal(middle.lastMessage.id, inGroup);
      check.equal(middle.lastMessage.chatType, 'groupChat');
      // What one wrote oneself is not unread.
      check.deepEqual((await list(a)).map((one) => [one.conversationId, one.unReadCount]), [[group.id, 0], [bob.username, 0]]);
    },
  },
  {
    name: 'a conversation receipt empties what is unread, of a peer and of a group',
    covers: ['getServerConversations', 'send'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b]] = await people(2);
      const group = await makeGroup(lab, a, { members: [bob.username] });
      await groupEvent(b, 'directJoined', group.id);
      await a.tell({ type: 'txt', to: bob.username, msg: lab.secrets.text() });
      await heard(b, await say(lab, a, group.id));
      await b.tell({ type: 'channel', to: alice.username });
      await b.tell({ type: 'channel', chatType: 'groupChat', to: group.id });
      await a.event('onChannelMessage', (one) => one.from === bob.username);
      check.deepEqual((await list(b)).map((one) => one.unReadCount), [0, 0]);
      await a.tell({ type: 'txt', to: bob.username, msg: lab.secrets.text() });
      check.deepEqual((await list(b)).map((one) => [one.conversationId, one.unReadCount]), [[alice.username, 1], [group.id, 0]]);
    },
  },
  {
    name: 'by page, everyone once; and by the older calls',
    covers: ['getServerConversations', 'getConversationlist', 'getSessionList'],
    async run({ lab, people }) {
      const [[bob, b], ...others] = await people(4);
      for (const [, page] of others) await page.tell({ type: 'txt', to: bob.username, msg: lab.secrets.text() });
      await b.several('onTextMessage', 3);
      const expected = others.map(([user]) => user.username).sort();
      const paged = [];
      let cursor = '';
      do {
        const { data } = await b.ask('getServerConversations', { pageSize: 2, cursor });
        check.ok(data.conversations.length <= 2 && paged.length <= 3);
        paged.push(...data.conversations.map((one) => one.conversationId));
        cursor = data.cursor === 'undefined' ? '' : data.cursor;
      } while (cursor);
      check.deepEqual(paged.sort(), expected);
      const id = (name) => `${lab.server.demo.appKey.replace('#', '#')}_${name}@easemob.com`;
      const old = (await b.ask('getConversationlist', { pageNum: 1, pageSize: 20 })).data.channel_infos;
      check.deepEqual(old.map((one) => one.channel_id).sort(), expected.map(id));
      check.ok(old.every((one) => one.unread_num === 1 && one.lastMessage.type === 'txt'));
      const older = (await b.ask('getSessionList')).data.channel_infos;
      check.deepEqual(older.map((one) => one.channel_id).sort(), expected.map(id));
    },
  },
  {
    name: 'a pinned conversation is in the list of pins, and one\'s other device is told',
    covers: [
      'pinConversation',
      'getServerPinnedConversations',
      'event:onMultiDeviceEvent/pinnedConversation',
      'event:onMultiDeviceEvent/unpinnedConversation',
    ],
    async run({ lab, people, another }) {
      const [[alice, a], [bob, b1], [, c]] = await people(3);
      const b2 = await another(bob);
      await a.tell({ type: 'txt', to: bob.username, msg: lab.secrets.text() });
      await c.tell({ type: 'txt', to: bob.username, msg: lab.secrets.text() });
      await b1.several('onTextMessage', 2);
      const where = { conversationId: alice.username, conversationType: 'singleChat' };
      const { data } = await b1.ask('pinConversation', { ...where, isPinned: true });
      check.equal(data.isPinned, true);
      check.ok(Math.abs(data.pinnedTime - Date.now()) < 120_000);
      const told = await operation(b2, 'pinnedConversation');
      check.equal(told.conversationId, alice.username);
      check.equal(told.conversationType, 'singleChat');
      const pinned = async () => (await b2.ask('getServerPinnedConversations', { pageSize: 20, cursor: '' })).data.conversations;
      check.deepEqual((await pinned()).map((one) => [one.conversationId, one.isPinned, one.pinnedTime]), [[alice.username, true, data.pinnedTime]]);
      check.equal((await list(b1)).find((one) => one.conversationId === alice.username).isPinned, true);
      check.equal((await b1.ask('pinConversation', { ...where, isPinned: false })).data.isPinned, false);
      check.equal((await operation(b2, 'unpinnedConversation')).conversationId, alice.username);
      check.deepEqual(await pinned(), []);
      check.equal(b1.seen('onMultiDeviceEvent').length, 0);
    },
  },
  {
    name: 'marks are kept with the conversation and found by it; one\'s other device is told',
    covers: [
      'addConversationMark',
      'removeConversationMark',
      'getServerConversationsByFilter',
      'event:onMultiDeviceEvent/markConversation',
      'event:onMultiDeviceEvent/unMarkConversation',
    ],
    async run({ lab, people, another }) {
      const [[alice, a], [bob, b1], [carol, c]] = await people(3);
      const b2 = await another(bob);
      await a.tell({ type: 'txt', to: bob.username, msg: lab.secrets.text() });
      await c.tell({ type: 'txt', to: bob.username, msg: lab.secrets.text() });
      await b1.several('onTextMessage', 2);
      const both = [alice, carol].map((user) => ({ conversationId: user.username, conversationType: 'singleChat' }));
      await b1.ask('addConversationMark', { conversations: both, mark: 3 });
      await b1.ask('addConversationMark', { conversations: [both[0]], mark: 0 });
      const told = await b2.event('onMultiDeviceEvent', (one) => one.operation === 'markConversation' && one.conversationId === carol.username);
      check.equal(told.conversationMark, 3);
      const marked = async (mark) => (await b2.ask('getServerConversationsByFilter', { pageSize: 10, cursor: '', filter: { mark } })).data.conversations.map((one) => one.conversationId).sort();
      check.deepEqual(await marked(3), [alice.username, carol.username].sort());
      check.deepEqual(await marked(0), [alice.username]);
      check.deepEqual([...(await list(b1)).find((one) => one.conversationId === alice.username).marks].sort(), [0, 3]);
      await b1.ask('removeConversationMark', { conversations: [both[0]], mark: 3 });
      const untold = await operation(b2, 'unMarkConversation');
      check.equal(untold.conversationId, alice.username);
      check.equal(untold.conversationMark, 3);
      check.deepEqual(await marked(3), [carol.username]);
      check.deepEqual(await marked(0), [alice.username]);
    },
  },
  {
    name: 'a deleted conversation leaves the list, with its messages or without, for oneself only',
    covers: ['deleteConversation', 'event:onMultiDeviceEvent/deleteConversation'],
    async run({ lab, people, another }) {
      const [[alice, a], [bob, b1], [carol, c]] = await people(3);
      const b2 = await another(bob);
      const kept = await a.tell({ type: 'txt', to: bob.username, msg: lab.secrets.text() });
      await c.tell({ type: 'txt', to: bob.username, msg: lab.secrets.text() });
      await b1.several('onTextMessage', 2);
      await b1.ask('deleteConversation', { channel: alice.username, chatType: 'singleChat', deleteRoam: false });
      check.equal((await operation(b2, 'deleteConversation')).conversationId, alice.username);
      await b1.ask('deleteConversation', { channel: carol.username, chatType: 'singleChat', deleteRoam: true });
      check.deepEqual(await list(b1), []);
      const history = async (page, user) => (await page.ask('getHistoryMessages', { targetId: user.username, chatType: 'singleChat', pageSize: 20 })).messages.map((one) => one.id);
      check.deepEqual(await history(b1, alice), [kept.serverMsgId]);
      check.deepEqual(await history(b1, carol), []);
      check.equal((await history(c, bob)).length, 1);
      check.deepEqual((await list(a)).map((one) => one.conversationId), [bob.username]);
      // The next message brings it back.
      const next = await a.tell({ type: 'txt', to: bob.username, msg: lab.secrets.text() });
      await b1.event('onTextMessage', (one) => one.id === next.serverMsgId);
      check.deepEqual((await list(b1)).map((one) => one.conversationId), [alice.username]);
    },
  },
];
