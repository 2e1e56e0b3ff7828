// Delivery, read and conversation receipts, also to a sender who is not there to see them.

import { check } from '../lib/runner.js';

export const tests = [
  {
    name: 'a delivery receipt tells the sender which message arrived',
    covers: ['event:onDeliveredMessage'],
    async run({ lab, device }) {
      const [alice, bob] = await lab.users(2);
      const [a, b] = [await device(), await device({ delivery: true })];
      await lab.login(a, alice);
      await lab.login(b, bob);
      const sent = await a.text(bob.username, lab.secrets.text());
      const told = await a.event('onDeliveredMessage', (one) => one.mid === sent.serverMsgId);
      check.equal(told.mid, sent.serverMsgId);
      check.equal(b.seen('onDeliveredMessage').length, 0);
    },
  },
  {
    name: 'a read receipt reaches all devices of the sender and the reader\'s other devices',
    covers: ['event:onReadMessage'],
    async run({ lab, device }) {
      const [alice, bob] = await lab.users(2);
      const [a1, a2, b1, b2] = [await device(), await device(), await device(), await device()];
      for (const [one, user] of [[a1, alice], [a2, alice], [b1, bob], [b2, bob]]) await lab.login(one, user);
      const sent = await a1.text(bob.username, lab.secrets.text());
      await b1.event('onTextMessage', (one) => one.id === sent.serverMsgId);
      const read = await b1.send({ type: 'read', to: alice.username, id: sent.serverMsgId });
      check.equal(read.ok, true, JSON.stringify(read.error));
      for (const one of [a1, a2, b2]) {
        const told = await one.event('onReadMessage', (receipt) => receipt.mid === sent.serverMsgId);
        check.equal(told.from, bob.username);
        check.equal(told.to, alice.username);
      }
      check.equal(b1.seen('onReadMessage').length, 0);
    },
  },
  {
    name: 'receipts wait for a sender who is offline',
    async run({ lab, device }) {
      const [alice, bob] = await lab.users(2);
      const a = await device();
      await lab.login(a, alice);
      const texts = Array.from({ length: 5 }, () => lab.secrets.text());
      const sent = await a.sendAll(texts.map((msg) => ({ type: 'txt', to: bob.username, msg })));
      await a.close();
      await a.event('onDisconnected');
      const b = await device({ delivery: true });
      await lab.login(b, bob);
      await b.several('onTextMessage', 5);
      for (const one of sent) check.equal((await b.send({ type: 'read', to: alice.username, id: one.serverMsgId })).ok, true);
      await lab.login(a, alice);
      for (const { serverMsgId } of sent) {
        await a.event('onDeliveredMessage', (one) => one.mid === serverMsgId);
        await a.event('onReadMessage', (one) => one.mid === serverMsgId);
      }
      check.equal(a.seen('onReadMessage').length, 5);
      check.equal(a.seen('onDeliveredMessage').length, 5);
    },
  },
  {
    name: 'a conversation receipt reaches the peer and one\'s own other device',
    covers: ['event:onChannelMessage'],
    async run({ lab, device }) {
      const [alice, bob] = await lab.users(2);
      const [a, b1, b2] = [await device(), await device(), await device()];
      for (const [one, user] of [[a, alice], [b1, bob], [b2, bob]]) await lab.login(one, user);
      const sent = await a.text(bob.username, lab.secrets.text());
      await b1.event('onTextMessage', (one) => one.id === sent.serverMsgId);
      const read = await b1.send({ type: 'channel', to: alice.username });
      check.equal(read.ok, true, JSON.stringify(read.error));
      for (const one of [a, b2]) {
        const told = await one.event('onChannelMessage');
        check.equal(told.from, bob.username);
        check.equal(told.to, alice.username);
      }
      check.equal(b1.seen('onChannelMessage').length, 0);
    },
  },
  {
    name: 'a receipt for a message that does not exist is settled and troubles nobody',
    async run({ lab, device }) {
      const [alice, bob] = await lab.users(2);
      const [a, b] = [await device(), await device()];
      await lab.login(a, alice);
      await lab.login(b, bob);
      for (const id of ['1', '9223372036854775807', '987654321098765']) {
        const outcome = await b.send({ type: 'read', to: alice.username, id });
        check.ok(outcome.ok || typeof outcome.error.type === 'number');
      }
      const sent = await a.text(bob.username, lab.secrets.text());
      await b.event('onTextMessage', (one) => one.id === sent.serverMsgId);
    },
  },
];
