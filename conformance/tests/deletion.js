// Messages that one deletes for oneself: the other side keeps them.

import { groupEvent, heard, makeGroup, say } from '../lib/groups.js';
import { check } from '../lib/runner.js';

const history = async (device, targetId, chatType = 'singleChat') => (await device.ask('getHistoryMessages', { targetId, chatType, pageSize: 50, searchDirection: 'down' })).messages.map((one) => one.id);

/** Sends texts until the server's clock is past `time`; resolves with the last one's id. */
async function after(lab, device, to, time) {
  for (;;) {
    const sent = await device.tell({ type: 'txt', to, msg: lab.secrets.text() });
    if (sent.message.time > time) return sent.serverMsgId;
  }
}

export const tests = [
  {
    name: 'by id: gone for oneself, on every device, and kept for the peer',
    covers: ['removeHistoryMessages', 'event:onMultiDeviceEvent', 'event:onMultiDeviceEvent/deleteRoaming'],
    async run({ lab, people, another }) {
      const [[alice, a], [bob, b1]] = await people(2);
      const b2 = await another(bob);
      const ids = (await a.sendAll(Array.from({ length: 4 }, () => ({ type: 'txt', to: bob.username, msg: lab.secrets.text() })))).map((one) => one.serverMsgId);
      await b1.several('onTextMessage', 4);
      await b1.ask('removeHistoryMessages', { targetId: alice.username, chatType: 'singleChat', messageIds: [ids[1], ids[3]] });
      const told = await b2.event('onMultiDeviceEvent', (one) => one.operation === 'deleteRoaming');
      check.equal(told.conversationId, alice.username);
      check.equal(told.chatType, 'singleChat');
      check.equal(told.resource, b1.resource);
      check.deepEqual(await history(b1, alice.username), [ids[0], ids[2]]);
      check.deepEqual(await history(b2, alice.username), [ids[0], ids[2]]);
      check.deepEqual(await history(a, bob.username), ids);
      check.equal(b1.seen('onMultiDeviceEvent').length, 0);
      check.equal(a.seen('onMultiDeviceEvent').length, 0);
    },
  },
  {
    name: 'by time: what is older is gone for oneself, what is newer stays',
    covers: ['removeHistoryMessages'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b]] = await people(2);
      const first = await a.tell({ type: 'txt', to: bob.username, msg: lab.secrets.text() });
      const last = await after(lab, a, bob.username, first.message.time + 20);
      await b.event('onTextMessage', (one) => one.id === last);
      const all = await history(a, bob.username);
      await b.ask('removeHistoryMessages', { targetId: alice.username, chatType: 'singleChat', beforeTimeStamp: first.message.time + 10 });
      const kept = await history(b, alice.username);
      check.equal(kept.includes(first.serverMsgId), false);
      check.equal(kept.at(-1), last);
      check.deepEqual(await history(a, bob.username), all);
    },
  },
  {
    name: 'in a group: gone for oneself, kept for the members',
    covers: ['removeHistoryMessages', 'event:onMultiDeviceEvent/deleteRoaming'],
    async run({ lab, people, another }) {
      const [[, a], [bob, b1], [carol, c]] = await people(3);
      const b2 = await another(bob);
      const group = await makeGroup(lab, a, { members: [bob.username, carol.username] });
      await groupEvent(c, 'directJoined', group.id);
      const [first, second] = [await say(lab, a, group.id), await say(lab, c, group.id)];
      await heard(b1, second);
      await b1.ask('removeHistoryMessages', { targetId: group.id, chatType: 'groupChat', messageIds: [first] });
      const told = await b2.event('onMultiDeviceEvent', (one) => one.operation === 'deleteRoaming');
      check.equal(told.conversationId, group.id);
      check.equal(told.chatType, 'groupChat');
      check.deepEqual(await history(b1, group.id, 'groupChat'), [second]);
      for (const page of [a, c]) check.deepEqual(await history(page, group.id, 'groupChat'), [first, second]);
    },
  },
  {
    name: 'everything at once: messages and conversations are gone for oneself only',
    covers: ['deleteAllMessagesAndConversations'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [carol, c]] = await people(3);
      const one = await a.tell({ type: 'txt', to: bob.username, msg: lab.secrets.text() });
      const two = await c.tell({ type: 'txt', to: bob.username, msg: lab.secrets.text() });
      await b.several('onTextMessage', 2);
      await b.ask('deleteAllMessagesAndConversations');
      for (const user of [alice, carol]) check.deepEqual(await history(b, user.username), []);
      check.deepEqual((await b.ask('getServerConversations', { pageSize: 20, cursor: '' })).data.conversations, []);
      check.deepEqual(await history(a, bob.username), [one.serverMsgId]);
      check.deepEqual(await history(c, bob.username), [two.serverMsgId]);
      const next = await a.tell({ type: 'txt', to: bob.username, msg: lab.secrets.text() });
      await b.event('onTextMessage', (message) => message.id === next.serverMsgId);
      check.deepEqual(await history(b, alice.username), [next.serverMsgId]);
    },
  },
];
