// Who is there, on which device, and what he says of it: told to those who subscribed.

import { check } from '../lib/runner.js';

const DAY = 86_400;
const GUARD_MS = 30_000;

/** Resolves with the value told of `user` that fits. */
async function told(device, user, fits = () => true) {
  const matching = (list) => list.find((one) => one.userId === user.username && fits(one));
  return matching(await device.event('onPresenceStatusChange', (list) => Boolean(matching(list))));
}

const online = (value) => value.statusDetails.some(({ status }) => status === 1);

export const tests = [
  {
    name: 'a subscriber is told what is published, and of going and coming',
    covers: ['subscribePresence', 'publishPresence', 'getPresenceStatus', 'event:onPresenceStatusChange'],
    async run({ lab, people }) {
      const [[alice, a], [, b]] = await people(2);
      const { data } = await b.ask('subscribePresence', { usernames: [alice.username], expiry: DAY });
      check.equal(data.result[0].uid, alice.username);
      check.equal(String(data.result[0].status[a.resource]), '1');
      const description = lab.secrets.of('presence ext', 'in a meeting ☕');
      await a.ask('publishPresence', { description });
      const value = await told(b, alice, (one) => one.ext === description);
      check.deepEqual(value.statusDetails, [{ device: a.resource, status: 1 }]);
      check.ok(value.expire > 0);
      check.ok(value.lastTime > 0);
      const [status] = (await b.ask('getPresenceStatus', { usernames: [alice.username] })).data.result;
      check.equal(status.uid, alice.username);
      check.equal(status.ext, description);
      check.equal(String(status.status[a.resource]), '1');
      await a.close();
      await told(b, alice, (one) => !online(one));
      const before = b.seen('onPresenceStatusChange').length;
      await lab.login(a, alice);
      await b.several('onPresenceStatusChange', before + 1);
      await told(b, alice, online);
    },
  },
  {
    name: 'two devices of a user are told apart',
    covers: ['getPresenceStatus'],
    async run({ lab, people, another }) {
      const [[alice, a1], [, b]] = await people(2);
      await b.ask('subscribePresence', { usernames: [alice.username], expiry: DAY });
      const a2 = await another(alice);
      await told(b, alice, (one) => one.statusDetails.some(({ device, status }) => device === a2.resource && status === 1));
      const [status] = (await b.ask('getPresenceStatus', { usernames: [alice.username] })).data.result;
      check.deepEqual(Object.entries(status.status).filter(([, value]) => String(value) === '1').map(([device]) => device).sort(), [a1.resource, a2.resource].sort());
    },
  },
  {
    name: 'subscriptions are listed by page and end when they are given up',
    covers: ['subscribePresence', 'unsubscribePresence', 'getSubscribedPresencelist'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [carol, c]] = await people(3);
      await b.ask('subscribePresence', { usernames: [alice.username, carol.username], expiry: DAY });
      const listed = [];
      for (let pageNum = 1; pageNum <= 2; pageNum += 1) {
        const { result } = (await b.ask('getSubscribedPresencelist', { pageNum, pageSize: 1 })).data;
        check.equal(Number(result.totalnum), 2);
        listed.push(...result.sublist.map(({ uid }) => uid));
      }
      check.deepEqual(listed.sort(), [alice.username, carol.username].sort());
      await b.ask('unsubscribePresence', { usernames: [alice.username] });
      const { result } = (await b.ask('getSubscribedPresencelist', { pageNum: 1, pageSize: 10 })).data;
      check.deepEqual(result.sublist.map(({ uid }) => uid), [carol.username]);
      await a.ask('publishPresence', { description: lab.secrets.of('presence ext') });
      // Carol's word marks the moment: Alice's would have come before.
      const last = lab.secrets.of('presence ext');
      await c.ask('publishPresence', { description: last });
      await told(b, carol, (one) => one.ext === last);
      check.equal(b.seen('onPresenceStatusChange', (list) => list.some((one) => one.userId === alice.username)).length, 0);
      check.equal((await b.refused('subscribePresence', { usernames: [bob.username], expiry: DAY })).type !== 0, true);
    },
  },
  {
    name: 'a subscription ends by itself',
    async run({ lab, people }) {
      const [[alice], [, b]] = await people(2);
      await b.ask('subscribePresence', { usernames: [alice.username], expiry: 2 });
      const began = Date.now();
      for (;;) {
        const { result } = (await b.ask('getSubscribedPresencelist', { pageNum: 1, pageSize: 10 })).data;
        if (Number(result.totalnum) === 0) break;
        check.ok(Date.now() - began < GUARD_MS, 'the subscription never ends');
      }
      check.ok(Date.now() - began > 500);
    },
  },
  {
    name: 'what is too long to publish is refused',
    covers: ['publishPresence'],
    async run({ lab, people }) {
      const [[alice, a], [, b]] = await people(2);
      const description = lab.secrets.of('presence ext');
      await a.ask('publishPresence', { description });
      check.equal((await a.refused('publishPresence', { description: 'x'.repeat(1_025) })).type, 1_100);
      await b.ask('subscribePresence', { usernames: [alice.username], expiry: DAY });
      const [status] = (await b.ask('getPresenceStatus', { usernames: [alice.username] })).data.result;
      check.equal(status.ext, description);
    },
  },
];
