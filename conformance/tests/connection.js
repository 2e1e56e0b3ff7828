// The connection object itself: registering, handlers old and new, the network coming and going.

import { check } from '../lib/runner.js';

export const tests = [
  {
    name: 'anybody registers from a page where the app is open, and can log in and write',
    covers: ['registerUser', 'open', 'send'],
    async run({ lab, device }) {
      const { appKey, rest, tokens } = lab.open;
      const [a, b] = [await device({ appKey }), await device({ appKey })];
      const people = [];
      for (const page of [a, b]) {
        const one = { username: lab.secrets.name(), password: lab.secrets.password() };
        await page.ask('registerUser', { ...one, nickname: lab.secrets.of('nickname') });
        const outcome = await page.login({ user: one.username, pwd: one.password });
        check.equal(outcome.ok, true, JSON.stringify(outcome.error));
        lab.secrets.token(await page.get('token'));
        people.push(one);
      }
      check.equal((await rest.call('GET', `/users/${people[0].username}`, { token: tokens.app(600) })).status, 200);
      const sent = await a.tell({ type: 'txt', to: people[1].username, msg: lab.secrets.text() });
      check.equal((await b.event('onTextMessage', (one) => one.id === sent.serverMsgId)).from, people[0].username);
      const twice = await a.refused('registerUser', { username: people[1].username, password: lab.secrets.password(), nickname: '' });
      check.match(JSON.stringify(twice), /unique|exist/);
    },
  },
  {
    name: 'a handler that was removed hears nothing, the others go on',
    covers: ['addEventHandler', 'removeEventHandler'],
    async run({ lab, people, device }) {
      const [[, a], [bob, b]] = await people(2);
      const heard = () => b.page.evaluate(() => window.heard);
      await b.listenBeside('beside');
      const first = await a.text(bob.username, lab.secrets.text());
      await b.event('onTextMessage', (one) => one.id === first.serverMsgId);
      check.deepEqual(await heard(), [first.serverMsgId]);
      await b.call('removeEventHandler', 'beside');
      const second = await a.text(bob.username, lab.secrets.text());
      await b.event('onTextMessage', (one) => one.id === second.serverMsgId);
      check.deepEqual(await heard(), [first.serverMsgId]);
    },
  },
  {
    name: 'the old way of listening still hears messages',
    covers: ['listen'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b]] = await people(2);
      await b.listenOld();
      const msg = lab.secrets.text();
      const sent = await a.text(bob.username, msg);
      await b.event('onTextMessage', (one) => one.id === sent.serverMsgId);
      const [heard] = await b.page.evaluate(() => window.heard);
      check.equal(heard.id, sent.serverMsgId);
      check.equal(heard.from, alice.username);
      check.equal(heard.data, msg);
    },
  },
  {
    name: 'the sender is told of every message that the server has taken',
    covers: ['event:onReceivedMessage'],
    async run({ lab, people }) {
      const [[, a], [bob, b]] = await people(2);
      const sent = await a.text(bob.username, lab.secrets.text());
      const told = await a.event('onReceivedMessage', (one) => one.mid === sent.serverMsgId);
      check.equal(told.to, bob.username);
      await b.event('onTextMessage', (one) => one.id === sent.serverMsgId);
      check.equal(b.seen('onReceivedMessage').length, 0);
    },
  },
  {
    name: 'a network that goes away and comes back is noticed, and what came meanwhile is there',
    timeout: 120_000,
    covers: ['event:onOffline', 'event:onOnline', 'event:onConnected', 'event:onReconnecting'],
    async run({ lab, people }) {
      const [[, a], [bob, b]] = await people(2);
      b.alter();
      await b.context.setOffline(true);
      // By now the SDK has closed its socket. Whether the server knows of it yet makes no difference: what it
      // sends to the dead session is not lost.
      await b.event('onOffline');
      const sent = await a.text(bob.username, lab.secrets.text());
      await b.context.setOffline(false);
      await b.event('onOnline');
      await b.event('onTextMessage', (one) => one.id === sent.serverMsgId, 90_000);
      check.equal(b.seen('onConnected').length, 2);
    },
  },
  {
    name: 'a page that is shown again asks whether the connection lives, and keeps it',
    covers: ['onShow', 'isOpened'],
    async run({ lab, people }) {
      const [[, a], [bob, b]] = await people(2);
      check.equal((await b.call('isOpened')).result, true);
      check.equal((await b.call('onShow')).ok, true);
      const sent = await a.text(bob.username, lab.secrets.text());
      await b.event('onTextMessage', (one) => one.id === sent.serverMsgId);
      check.equal(b.seen('onReconnecting').length, 0);
      await b.close();
      await b.event('onDisconnected');
      check.equal((await b.call('isOpened')).result, false);
    },
  },
];
