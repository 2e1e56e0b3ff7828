// History by page, in both directions, filtered by type and by time.

import { check } from '../lib/runner.js';

/** Fetches every page; checks that cursors lead on and that only the final page says it is the last. */
async function pages(device, options) {
  const all = [];
  const sizes = [];
  let cursor;
  for (;;) {
    const answer = await device.call('getHistoryMessages', { chatType: 'singleChat', ...(cursor && { cursor }), ...options });
    check.equal(answer.ok, true, JSON.stringify(answer.error));
    const { messages, isLast, cursor: next } = answer.result;
    all.push(...messages);
    sizes.push(messages.length);
    check.ok(messages.length <= options.pageSize);
    check.equal(typeof isLast, 'boolean');
    if (isLast) return { all, sizes };
    check.ok(messages.length > 0, 'an empty page that is not the last');
    check.notEqual(next, cursor);
    cursor = next;
    check.ok(sizes.length < 50, 'history never ends');
  }
}

async function conversation(lab, device, count) {
  const [alice, bob] = await lab.users(2);
  const [a, b] = [await device(), await device()];
  await lab.login(a, alice);
  await lab.login(b, bob);
  const sent = await a.sendAll(Array.from({ length: count }, () => ({ type: 'txt', to: bob.username, msg: lab.secrets.text() })));
  check.equal(sent.every((one) => one.ok), true);
  return { alice, bob, a, b, ids: sent.map((one) => one.serverMsgId) };
}

export const tests = [
  {
    name: 'newest first and oldest first, every message once, for both sides',
    covers: ['getHistoryMessages'],
    async run({ lab, device }) {
      const { alice, bob, a, b, ids } = await conversation(lab, device, 57);
      for (const [page, peer] of [[a, bob], [b, alice]]) {
        for (const pageSize of [10, 50]) {
          const up = await pages(page, { targetId: peer.username, pageSize, searchDirection: 'up' });
          check.deepEqual(up.all.map((one) => one.id), [...ids].reverse());
          const down = await pages(page, { targetId: peer.username, pageSize, searchDirection: 'down' });
          check.deepEqual(down.all.map((one) => one.id), ids);
        }
      }
    },
  },
  {
    name: 'a page shows the message as it was received',
    async run({ lab, device }) {
      const { alice, bob, a, b } = await conversation(lab, device, 1);
      const ext = { flag: true, note: lab.secrets.text('😀'), deep: { list: [1, null] } };
      const sent = await a.text(bob.username, lab.secrets.text('é 👍'), { ext });
      const live = await b.event('onTextMessage', (one) => one.id === sent.serverMsgId);
      const answer = await b.call('getHistoryMessages', { targetId: alice.username, chatType: 'singleChat', pageSize: 1 });
      const [kept] = answer.result.messages;
      for (const key of ['id', 'type', 'msg', 'from', 'to', 'time', 'chatType', 'ext']) check.deepEqual(kept[key], live[key], key);
    },
  },
  {
    name: 'filtered by type of content',
    covers: ['getHistoryMessages'],
    async run({ lab, device }) {
      const { alice, bob, a, b } = await conversation(lab, device, 5);
      const custom = await a.send({ type: 'custom', to: bob.username, customEvent: lab.secrets.name('event'), customExts: {} });
      const place = await a.send({ type: 'loc', to: bob.username, lat: 1, lng: 2, addr: lab.secrets.text(), buildingName: lab.secrets.text() });
      check.equal(custom.ok && place.ok, true);
      const only = async (msgTypes, pageSize = 50) => (await pages(b, { targetId: alice.username, pageSize, searchOptions: { msgTypes } })).all.map((one) => one.id);
      check.deepEqual(await only(['custom']), [custom.serverMsgId]);
      check.deepEqual(await only(['loc', 'custom']), [place.serverMsgId, custom.serverMsgId]);
      check.equal((await only(['txt'], 2)).length, 5);
      check.deepEqual(await only(['video']), []);
    },
  },
  {
    name: 'filtered by time',
    async run({ lab, device }) {
      const { alice, bob, a, b } = await conversation(lab, device, 2);
      const middle = await a.text(bob.username, lab.secrets.text());
      const { time } = middle.message;
      const within = await pages(b, { targetId: alice.username, pageSize: 50, searchOptions: { startTime: time, endTime: time + 60_000 } });
      check.ok(within.all.some((one) => one.id === middle.serverMsgId));
      check.ok(within.all.every((one) => one.time >= time));
      const before = await pages(b, { targetId: alice.username, pageSize: 50, searchOptions: { startTime: 1, endTime: time - 86_400_000 } });
      check.equal(before.all.length, 0);
    },
  },
  {
    name: 'an empty conversation is one empty last page',
    async run({ lab, device }) {
      const [alice, bob] = await lab.users(2);
      const a = await device();
      await lab.login(a, alice);
      const answer = await a.call('getHistoryMessages', { targetId: bob.username, chatType: 'singleChat', pageSize: 20 });
      check.equal(answer.ok, true, JSON.stringify(answer.error));
      check.deepEqual(answer.result.messages, []);
      check.equal(answer.result.isLast, true);
    },
  },
  {
    name: 'the older call for history still works',
    covers: ['fetchHistoryMessages'],
    async run({ lab, device }) {
      const { alice, b, ids } = await conversation(lab, device, 25);
      // It gives the newest first asked for, each part in the order of sending.
      const newest = await b.call('fetchHistoryMessages', { queue: alice.username, count: 20 });
      check.equal(newest.ok, true, JSON.stringify(newest.error));
      check.deepEqual(newest.result.map((one) => one.id), ids.slice(5));
      const rest = await b.call('fetchHistoryMessages', { queue: alice.username, count: 20 });
      check.equal(rest.ok, true, JSON.stringify(rest.error));
      check.deepEqual(rest.result.map((one) => one.id), ids.slice(0, 5));
    },
  },
  {
    name: 'nobody reads the history of another user',
    async run({ lab, device }) {
      const { alice, bob } = await conversation(lab, device, 3);
      const carol = await lab.user();
      const token = lab.token(carol);
      const answer = await lab.rest.call('POST', `/users/${bob.username}/messageroaming`, {
        token,
        json: { queue: `${alice.username}@easemob.com`, start: -1, pull_number: 20, is_positive: false, end: -1 },
      });
      check.ok([401, 403].includes(answer.status), `HTTP ${answer.status}`);
    },
  },
];
