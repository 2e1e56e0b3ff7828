// What was sent while the recipient was away.

import { check } from '../lib/runner.js';

export const tests = [
  {
    name: '200 messages are all there on return, in order, once',
    covers: ['event:onOfflineMessageSyncStart', 'event:onOfflineMessageSyncFinish', 'send'],
    async run({ lab, device }) {
      const [alice, bob] = await lab.users(2);
      const a = await device();
      await lab.login(a, alice);
      const texts = Array.from({ length: 200 }, () => lab.secrets.text());
      const sent = await a.sendAll(texts.map((msg) => ({ type: 'txt', to: bob.username, msg })));
      check.equal(sent.filter((one) => one.ok).length, 200);
      const b = await device();
      await lab.login(b, bob);
      await b.event('onOfflineMessageSyncStart');
      const got = await b.several('onTextMessage', 200);
      await b.event('onOfflineMessageSyncFinish');
      check.deepEqual(got.map((one) => one.msg), texts);
      check.deepEqual(got.map((one) => one.id), sent.map((one) => one.serverMsgId));
      check.equal(b.seen('onTextMessage').length, 200);
      check.equal(b.seen('onOfflineMessageSyncFinish').length, 1);
      // And the next message follows on without a gap.
      const next = await a.text(bob.username, lab.secrets.text());
      await b.event('onTextMessage', (one) => one.id === next.serverMsgId);
      check.equal(b.seen('onTextMessage').length, 201);
    },
  },
  {
    name: 'from several senders, each in order; and nothing comes twice at the next login',
    covers: ['close'],
    async run({ lab, device }) {
      const [bob, ...senders] = await lab.users(4);
      const expected = new Map();
      for (const sender of senders) {
        const a = await device();
        await lab.login(a, sender);
        const texts = Array.from({ length: 30 }, () => lab.secrets.text());
        const sent = await a.sendAll(texts.map((msg) => ({ type: 'txt', to: bob.username, msg })));
        check.equal(sent.every((one) => one.ok), true);
        expected.set(sender.username, texts);
        await a.dispose();
      }
      const b = await device();
      await lab.login(b, bob);
      const got = await b.several('onTextMessage', 90);
      await b.event('onOfflineMessageSyncFinish');
      for (const [sender, texts] of expected) {
        check.deepEqual(got.filter((one) => one.from === sender).map((one) => one.msg), texts);
      }
      await b.close();
      await b.event('onDisconnected');
      // The same installation comes back: what it acknowledged is not sent again.
      const before = b.seen('onTextMessage').length;
      b.events.length = 0;
      await b.configure();
      await lab.login(b, bob);
      const a = await device();
      await lab.login(a, senders[0]);
      const last = await a.text(bob.username, lab.secrets.text());
      await b.event('onTextMessage', (one) => one.id === last.serverMsgId);
      check.equal(before, 90);
      check.equal(b.seen('onTextMessage').length, 1);
    },
  },
  {
    name: 'what comes between two logins of a device is there at the second, and nothing else',
    async run({ lab, device }) {
      const [alice, bob] = await lab.users(2);
      const [a, b] = [await device(), await device()];
      await lab.login(a, alice);
      await lab.login(b, bob);
      const first = await a.text(bob.username, lab.secrets.text());
      await b.event('onTextMessage', (one) => one.id === first.serverMsgId);
      await b.close();
      await b.event('onDisconnected');
      const texts = Array.from({ length: 40 }, () => lab.secrets.text());
      const sent = await a.sendAll(texts.map((msg) => ({ type: 'txt', to: bob.username, msg })));
      check.equal(sent.every((one) => one.ok), true);
      await lab.login(b, bob);
      const got = await b.several('onTextMessage', 41);
      check.deepEqual(got.slice(1).map((one) => one.msg), texts);
      check.equal(b.seen('onTextMessage').length, 41);
    },
  },
  {
    name: 'deliverOnlineOnly reaches who is online and does not wait for who is not',
    async run({ lab, device }) {
      const [alice, bob] = await lab.users(2);
      const [a, b] = [await device(), await device()];
      await lab.login(a, alice);
      await lab.login(b, bob);
      b.instance.lossAllowed = true;
      const live = await a.text(bob.username, lab.secrets.text(), { deliverOnlineOnly: true });
      check.equal(live.ok, true);
      await b.event('onTextMessage', (one) => one.id === live.serverMsgId);
      await b.close();
      await b.event('onDisconnected');
      // The server has noticed when the status says so.
      await lab.offline(bob);
      const missed = await a.text(bob.username, lab.secrets.text(), { deliverOnlineOnly: true });
      const kept = await a.text(bob.username, lab.secrets.text());
      check.equal(missed.ok && kept.ok, true);
      await lab.login(b, bob);
      await b.event('onTextMessage', (one) => one.id === kept.serverMsgId);
      check.equal(b.seen('onTextMessage', (one) => one.id === missed.serverMsgId).length, 0);
    },
  },
];
