// The socket itself: its two paths, the heartbeat, and frames in the order of the protocol.

import { check } from '../lib/runner.js';
import { dec } from '../lib/wire.js';

/** Reads a queue to its end, acknowledging every page; resolves with the ids of what came. */
async function readAll(raw, queue) {
  const got = [];
  let from = raw.frames.length;
  raw.pull(queue);
  for (;;) {
    const { sync } = await raw.frame((one) => one.sync?.queue?.name === queue.name && dec(one.sync.metaId) === '0', { from, what: 'a page' });
    got.push(...sync.metas.map((meta) => dec(meta.id)));
    if (sync.isLast) return got;
    from = raw.frames.length;
    raw.pull(queue, dec(sync.nextKey));
  }
}

export const tests = [
  {
    name: 'both paths of the socket serve',
    async run({ lab, socket }) {
      const user = await lab.user();
      for (const path of ['/ws', '/websocket']) {
        const url = new URL(lab.server.demo.wsUrl);
        url.pathname = path;
        const raw = await socket({ url: url.href });
        const answer = await raw.login({ user: user.username, token: lab.token(user), resource: lab.secrets.name('webim_') });
        check.equal(answer.status.errorCode, 0, answer.status.reason);
        await raw.dispose();
      }
    },
  },
  {
    name: 'the login answer echoes the resource and tells the end of the token in ms',
    async run({ lab, socket }) {
      const user = await lab.user();
      const raw = await socket();
      const resource = lab.secrets.name('webim_');
      const before = Date.now();
      const answer = await raw.login({ user: user.username, token: lab.token(user, 900), resource });
      check.equal(answer.status.errorCode, 0, answer.status.reason);
      check.equal(answer.resource, resource);
      check.ok(Math.abs(JSON.parse(answer.authToken).expires_in - (before + 900_000)) < 5_000);
    },
  },
  {
    name: 'UNREAD is answered every time, with the clock',
    async run({ lab, socket }) {
      const user = await lab.user();
      const raw = await socket();
      await raw.login({ user: user.username, token: lab.token(user), resource: lab.secrets.name('webim_') });
      for (let count = 0; count < 3; count += 1) {
        const from = raw.frames.length;
        raw.unread();
        const { unread } = await raw.frame((one) => one.unread, { from, what: 'the UNREAD answer' });
        check.ok(Math.abs(Number(dec(unread.timestamp)) - Date.now()) < 10_000);
        check.equal(unread.unread.length, 0);
      }
    },
  },
  {
    name: 'a queue is read page by page: keys rise, acknowledged is gone, unacknowledged returns',
    async run({ lab, socket }) {
      const [alice, bob] = await lab.users(2);
      const [a, b] = [await socket(), await socket()];
      await a.login({ user: alice.username, token: lab.token(alice), resource: lab.secrets.name('webim_') });
      const ids = [];
      for (let count = 0; count < 70; count += 1) ids.push(dec((await a.text(bob.username, lab.secrets.text())).serverId));
      const resource = lab.secrets.name('webim_');
      await b.login({ user: bob.username, token: lab.token(bob), resource });
      b.unread();
      const { unread } = await b.frame((one) => one.unread);
      check.equal(unread.unread.length, 1);
      const { queue } = unread.unread[0];
      check.deepEqual(await readAll(b, queue), ids);
      // Everything was acknowledged: the same device finds nothing when it returns.
      await b.dispose();
      await b.closed;
      const again = await socket();
      await again.login({ user: bob.username, token: lab.token(bob), resource });
      again.unread();
      const later = await again.frame((one) => one.unread);
      check.equal(later.unread.unread.filter((one) => one.n > 0).length, 0);
      // A pull of a queue with nothing in it is answered too, as is one of a queue that never was.
      check.deepEqual(await readAll(again, queue), []);
      const from = again.frames.length;
      again.pull({ appKey: lab.server.demo.appKey, name: lab.secrets.name(), domain: 'easemob.com' });
      const { sync } = await again.frame((one) => one.sync?.queue, { from, what: 'the answer to an unknown queue' });
      check.equal(sync.isLast, true);
      check.equal(sync.metas.length, 0);
    },
  },
  {
    name: 'what was sent but not acknowledged comes again after a broken connection',
    async run({ lab, socket }) {
      const [alice, bob] = await lab.users(2);
      const [a, b] = [await socket(), await socket()];
      await a.login({ user: alice.username, token: lab.token(alice), resource: lab.secrets.name('webim_') });
      const resource = lab.secrets.name('webim_');
      await b.login({ user: bob.username, token: lab.token(bob), resource });
      b.unread();
      await b.frame((one) => one.unread);
      const text = lab.secrets.text();
      const id = dec((await a.text(bob.username, text)).serverId);
      await b.frame((one) => one.notice || one.sync?.metas.some((meta) => dec(meta.id) === id), { what: 'the message or its notice' });
      await b.dispose();
      const again = await socket();
      await again.login({ user: bob.username, token: lab.token(bob), resource });
      again.unread();
      const { unread } = await again.frame((one) => one.unread);
      check.equal(unread.unread.length, 1);
      again.pull(unread.unread[0].queue);
      const { sync } = await again.frame((one) => one.sync?.metas.length > 0, { what: 'the message again' });
      check.deepEqual(sync.metas.map((meta) => dec(meta.id)), [id]);
    },
  },
  {
    name: 'the same resource again: what the older session acknowledged does not come twice',
    async run({ lab, socket }) {
      const [alice, bob] = await lab.users(2);
      const a = await socket();
      await a.login({ user: alice.username, token: lab.token(alice), resource: lab.secrets.name('webim_') });
      const resource = lab.secrets.name('webim_');
      const queues = async () => {
        const raw = await socket();
        const answer = await raw.login({ user: bob.username, token: lab.token(bob), resource });
        check.equal(answer.status.errorCode, 0, answer.status.reason);
        raw.unread();
        return { raw, queues: (await raw.frame((one) => one.unread)).unread.unread.map((one) => one.queue) };
      };
      for (const leave of [() => {}, (raw) => raw.ws.terminate(), (raw) => raw.ws.close()]) {
        const ids = [];
        for (let count = 0; count < 30; count += 1) ids.push(dec((await a.text(bob.username, lab.secrets.text())).serverId));
        const first = await queues();
        check.equal(first.queues.length, 1);
        check.deepEqual(await readAll(first.raw, first.queues[0]), ids);
        leave(first.raw);
        const second = await queues();
        for (const queue of second.queues) check.deepEqual(await readAll(second.raw, queue), []);
        await second.raw.dispose();
        await lab.offline(bob);
      }
    },
  },
];
