// Several devices of one user, and what happens when a session gives way to another.

import { check } from '../lib/runner.js';

const LOGGED_IN_ELSEWHERE = 206;
const LOGGED_OUT = 217;

export const tests = [
  {
    name: 'both devices of the recipient get every message; the sender\'s other device gets what was sent',
    async run({ lab, device }) {
      const [alice, bob] = await lab.users(2);
      const [a1, a2, b1, b2] = [await device(), await device(), await device(), await device()];
      for (const [one, user] of [[a1, alice], [a2, alice], [b1, bob], [b2, bob]]) await lab.login(one, user);
      check.notEqual(a1.resource, a2.resource);
      const texts = Array.from({ length: 20 }, () => lab.secrets.text());
      const sent = await a1.sendAll(texts.map((msg) => ({ type: 'txt', to: bob.username, msg })));
      check.equal(sent.every((one) => one.ok), true);
      for (const one of [b1, b2, a2]) {
        const got = await one.several('onTextMessage', 20);
        check.deepEqual(got.map((message) => message.msg), texts);
        check.equal(got.every((message) => message.from === alice.username && message.to === bob.username), true);
        check.deepEqual(got.map((message) => message.id), sent.map((message) => message.serverMsgId));
      }
      // An answer reaches both of Alice's devices and Bob's other one; the wait shows that no echo came first.
      const answer = await b1.text(alice.username, lab.secrets.text());
      for (const one of [a1, a2, b2]) await one.event('onTextMessage', (message) => message.id === answer.serverMsgId);
      check.equal(a1.seen('onTextMessage').length, 1);
      check.equal(b1.seen('onTextMessage').length, 20);
    },
  },
  {
    name: 'a device that was away catches up, with what its own user wrote elsewhere too',
    async run({ lab, device }) {
      const [alice, bob] = await lab.users(2);
      const [a1, a2, b] = [await device(), await device(), await device()];
      for (const [one, user] of [[a1, alice], [a2, alice], [b, bob]]) await lab.login(one, user);
      const first = await a1.text(bob.username, lab.secrets.text());
      await a2.event('onTextMessage', (one) => one.id === first.serverMsgId);
      await a2.close();
      await a2.event('onDisconnected');
      const own = await a1.text(bob.username, lab.secrets.text());
      const reply = await b.text(alice.username, lab.secrets.text());
      await lab.login(a2, alice);
      await a2.event('onTextMessage', (one) => one.id === own.serverMsgId && one.from === alice.username);
      await a2.event('onTextMessage', (one) => one.id === reply.serverMsgId && one.from === bob.username);
      check.equal(a2.seen('onTextMessage').length, 3);
    },
  },
  {
    name: 'the same resource again: the older session is told 206 and does not come back',
    async run({ lab, device }) {
      const [alice, bob] = await lab.users(2);
      const older = await device();
      await lab.login(older, alice);
      const newer = await device({ beside: older });
      await lab.login(newer, alice);
      check.equal(newer.resource, older.resource);
      const gone = await older.event('onDisconnected');
      check.equal(gone.type, LOGGED_IN_ELSEWHERE);
      const b = await device();
      await lab.login(b, bob);
      const sent = await b.text(alice.username, lab.secrets.text());
      await newer.event('onTextMessage', (one) => one.id === sent.serverMsgId);
      check.equal(older.seen('onTextMessage').length, 0);
      check.equal(older.seen('onConnected').length, 1);
      check.equal(newer.seen('onDisconnected').length, 0);
    },
  },
  {
    name: 'the device that takes over can say why',
    covers: ['setLoginInfoCustomExt', 'event:onError'],
    async run({ lab, device }) {
      const alice = await lab.user();
      const older = await device();
      await lab.login(older, alice);
      const newer = await device({ beside: older });
      const reason = lab.secrets.text();
      check.equal((await newer.call('setLoginInfoCustomExt', reason)).ok, true);
      await lab.login(newer, alice);
      const gone = await older.event('onError', (error) => error.type === LOGGED_IN_ELSEWHERE);
      check.equal(gone.data?.loginInfoCustomExt, reason);
    },
  },
  {
    name: 'beyond the limit of devices the earliest login gives way',
    covers: ['getSelfIdsOnOtherPlatform', 'event:onDisconnected'],
    async run({ lab, device }) {
      const alice = await lab.user();
      const all = [];
      // The vendor's default is 4 and its highest setting 10: which it is here, the server says.
      do {
        check.ok(all.length <= 10, 'more than ten devices at once');
        const one = await device();
        await lab.login(one, alice);
        all.push(one);
      } while ((await lab.resources(alice)).length === all.length);
      check.ok(all.length > 4, 'fewer than four devices at once');
      const gone = await all[0].event('onDisconnected');
      check.ok([LOGGED_IN_ELSEWHERE, LOGGED_OUT].includes(gone.type), `type ${gone.type}`);
      check.equal(all.slice(1).every((one) => one.seen('onDisconnected').length === 0), true);
      const last = all.at(-1);
      const devices = await last.call('getSelfIdsOnOtherPlatform');
      check.equal(devices.ok, true, JSON.stringify(devices.error));
      check.deepEqual([...devices.result.data].sort(), all.slice(1, -1).map((one) => `${alice.username}/${one.resource}`).sort());
    },
  },
  {
    name: 'a message to one device of a user reaches that device only',
    async run({ lab, device }) {
      const alice = await lab.user();
      const [a1, a2, a3] = [await device(), await device(), await device()];
      for (const one of [a1, a2, a3]) {
        one.instance.directed = true;
        await lab.login(one, alice);
      }
      const whispered = await a1.text(`${alice.username}/${a2.resource}`, lab.secrets.text());
      check.equal(whispered.ok, true, JSON.stringify(whispered.error));
      await a2.event('onTextMessage', (one) => one.id === whispered.serverMsgId);
      const loud = await a1.text(alice.username, lab.secrets.text());
      await a3.event('onTextMessage', (one) => one.id === loud.serverMsgId);
      check.equal(a3.seen('onTextMessage').length, 1);
    },
  },
  {
    name: 'users do not see each other\'s conversations',
    async run({ lab, device }) {
      const [alice, bob, carol] = await lab.users(3);
      const [a, b, c] = [await device(), await device(), await device()];
      for (const [one, user] of [[a, alice], [b, bob], [c, carol]]) await lab.login(one, user);
      for (let count = 0; count < 10; count += 1) check.equal((await a.text(bob.username, lab.secrets.text())).ok, true);
      await b.several('onTextMessage', 10);
      const last = await a.text(carol.username, lab.secrets.text());
      await c.event('onTextMessage', (one) => one.id === last.serverMsgId);
      check.equal(c.seen('onTextMessage').length, 1);
      const history = await c.call('getHistoryMessages', { targetId: alice.username, chatType: 'singleChat', pageSize: 50 });
      check.deepEqual(history.result.messages.map((one) => one.id), [last.serverMsgId]);
      const foreign = await c.call('getHistoryMessages', { targetId: bob.username, chatType: 'singleChat', pageSize: 50 });
      check.equal(foreign.ok ? foreign.result.messages.length : 0, 0);
    },
  },
];
