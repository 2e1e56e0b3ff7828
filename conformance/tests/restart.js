// 5,000 messages through a server that goes down in the middle and comes back on the same data.
//
// The senders behave as an app would: they send in batches, wait for the outcome, and send again
// under the same id what was rejected (because the connection died, or no answer came). What was
// acknowledged, once or on the second try, must reach every device of the recipient exactly once and
// in order.

import { setTimeout as pause } from 'node:timers/promises';
import { check, within } from '../lib/runner.js';
import { SteadyReader, SteadySender } from '../lib/steady.js';
import { dec, Meta, MessageBody } from '../lib/wire.js';

const MESSAGES = 5_000;
const SENDERS = 2;
const BATCH = 100;
const STOPS = 2;
const ATTEMPTS = 40;
const RECONNECTS = 100;
const KILLS = 10;
const WINDOW = 20;

/** Sends `texts` in order, batch by batch; resolves with the server ids. */
async function sendAll(device, to, texts) {
  const ids = [];
  let again = 0;
  for (let start = 0; start < texts.length; start += BATCH) {
    const names = texts.slice(start, start + BATCH);
    let results = await device.sendAll(names.map((msg, at) => ({ type: 'txt', to, msg, keep: `m${start + at}` })));
    for (let attempt = 0; results.some((one) => !one.ok); attempt += 1) {
      const codes = results.filter((one) => !one.ok).map((one) => `${one.error.type} ${one.error.message}`);
      if (attempt === ATTEMPTS) throw new Error(`batch at ${start} still rejected: ${[...new Set(codes)].join('; ')}`);
      await device.connected();
      // In order: everything from the first rejected message on. What was acknowledged after it
      // keeps its place, for it keeps its id.
      const first = results.findIndex((one) => !one.ok);
      again += results.length - first;
      const retried = await device.sendAll(names.slice(first).map((_, at) => ({ again: `m${start + first + at}` })));
      results = [...results.slice(0, first), ...retried];
    }
    ids.push(...results.map((one) => one.serverMsgId));
  }
  return { ids, again };
}

function scenario(name, stop) {
  return {
    name,
    covers: ['event:onReconnecting'],
    timeout: 240_000,
    async run({ lab, device }) {
      const [recipient, ...senders] = await lab.users(1 + SENDERS);
      const more = { autoReconnectNumMax: RECONNECTS };
      const [b1, b2] = [await device(more), await device(more)];
      await lab.login(b1, recipient);
      await lab.login(b2, recipient);
      const pages = [];
      for (const user of senders) {
        const page = await device(more);
        await lab.login(page, user);
        pages.push(page);
      }
      const texts = senders.map(() => Array.from({ length: MESSAGES / SENDERS }, () => lab.secrets.text()));
      const started = performance.now();
      const sending = Promise.all(pages.map((page, at) => sendAll(page, recipient.username, texts[at])));
      sending.catch(() => {});
      for (let time = 1; time <= STOPS; time += 1) {
        await Promise.race([sending, b1.several('onTextMessage', Math.floor((MESSAGES * time) / (STOPS + 1)), undefined, 120_000)]);
        const soFar = b1.seen('onTextMessage').map((one) => one.id);
        check.equal(new Set(soFar).size, soFar.length, 'a message came twice');
        check.ok(soFar.length < MESSAGES, 'all messages were there before the server was stopped');
        await stop(lab.server);
        await lab.server.start();
      }
      const outcomes = await sending;
      console.log(`        ${MESSAGES} messages, ${outcomes.reduce((sum, one) => sum + one.again, 0)} of them sent again, in ${((performance.now() - started) / 1000).toFixed(1)} s with ${STOPS} restarts`);
      const acknowledged = outcomes.flatMap((one) => one.ids);
      check.equal(acknowledged.length, MESSAGES);
      check.equal(new Set(acknowledged).size, MESSAGES);
      for (const page of [b1, b2]) {
        await page.several('onTextMessage', MESSAGES, undefined, 120_000);
        const got = page.seen('onTextMessage');
        check.equal(got.length, MESSAGES);
        check.equal(new Set(got.map((one) => one.id)).size, MESSAGES);
        senders.forEach((user, at) => {
          const from = got.filter((one) => one.from === user.username);
          check.deepEqual(from.map((one) => one.msg), texts[at]);
          check.deepEqual(from.map((one) => one.id), outcomes[at].ids);
        });
      }
      // A device that was never there finds the same in the history.
      const history = [];
      let cursor;
      for (;;) {
        const answer = await b1.call('getHistoryMessages', { targetId: senders[0].username, chatType: 'singleChat', pageSize: 50, searchDirection: 'down', ...(cursor && { cursor }) });
        check.equal(answer.ok, true, JSON.stringify(answer.error));
        history.push(...answer.result.messages.map((one) => one.id));
        if (answer.result.isLast) break;
        cursor = answer.result.cursor;
      }
      check.deepEqual(history, outcomes[0].ids);
    },
  };
}

/** The whole conversation by REST, oldest first, decoded. */
async function wholeHistory(lab, reader, peer) {
  const all = [];
  let start = -1;
  for (;;) {
    const answer = await lab.rest.call('POST', `/users/${reader.username}/messageroaming`, {
      token: lab.token(reader),
      json: { queue: `${peer.username}@easemob.com`, start, pull_number: 50, is_positive: true, end: -1 },
    });
    check.equal(answer.status, 200, answer.text);
    const metas = answer.body.data.msgs.map((one) => Meta.decode(Buffer.from(one.msg, 'base64')));
    all.push(...metas.map((meta) => ({ id: dec(meta.id), text: MessageBody.decode(meta.payload).contents[0].text })));
    if (answer.body.data.is_last) return all;
    start = answer.body.data.next_key;
  }
}

const manyKills = {
  name: `${KILLS} crashes at random moments under load: what was acknowledged is there once, in order`,
  timeout: 180_000,
  async run({ lab, cleanup }) {
    const [recipient, ...users] = await lab.users(4);
    const senders = users.map((user) => new SteadySender(lab, user, recipient));
    const reader = new SteadyReader(lab, recipient);
    cleanup(() => reader.end());
    const reading = reader.run();
    const sending = Promise.all(senders.map((sender) => sender.run(WINDOW)));
    sending.catch(() => {});
    const count = () => senders.reduce((sum, one) => sum + one.acknowledged.length, 0);
    const moments = [];
    for (let kill = 0; kill < KILLS; kill += 1) {
      // The moment is random, but not before the senders are back at work.
      const before = count();
      const busy = async () => {
        while (count() <= before) await pause(5);
      };
      await within(30_000, 'an acknowledgement after the restart', Promise.race([busy(), sending]));
      const moment = Math.random() * 700;
      moments.push(Math.round(moment));
      await pause(moment);
      await lab.server.kill();
      await lab.server.start();
    }
    senders.forEach((sender) => sender.end());
    await sending;
    console.log(`        ${count()} messages, ${senders.reduce((sum, one) => sum + one.resent, 0)} sent again; killed after ${moments.join(', ')} ms`);
    check.ok(senders.some((one) => one.resent > 0), 'no message was under way at any of the crashes');
    await within(60_000, 'the last messages', reader.arrived(senders.flatMap((one) => one.acknowledged.map(({ id }) => id))));
    await reader.end();
    await reading;
    for (const [at, sender] of senders.entries()) {
      const sent = sender.acknowledged;
      check.ok(sent.length > 0);
      check.equal(new Set(sent.map((one) => one.id)).size, sent.length);
      check.deepEqual(await wholeHistory(lab, recipient, users[at]), sent);
      const received = [...reader.metas.values()].filter((meta) => meta.from.name === users[at].username);
      check.deepEqual(received.map((meta) => ({ id: dec(meta.id), text: MessageBody.decode(meta.payload).contents[0].text })), sent);
    }
  },
};

export const suites = {
  term: [
    scenario('5,000 messages over two orderly restarts (SIGTERM)', async (server) => {
      const how = await within(30_000, 'the end of the process', server.stop());
      check.equal(how.code, 0, `exit code ${how.code}, signal ${how.signal}`);
      check.ok(how.ms < 5_000, `ended after ${Math.round(how.ms)} ms`);
    }),
  ],
  kill: [
    scenario('5,000 messages over two crashes (SIGKILL)', (server) => server.kill()),
    manyKills,
    {
      name: 'users, passwords and tokens are there after a crash',
      async run({ lab, device }) {
        const [alice, bob] = await lab.users(2);
        const [a, b] = [await device({ autoReconnectNumMax: RECONNECTS }), await device({ autoReconnectNumMax: RECONNECTS })];
        await lab.login(a, alice);
        await lab.login(b, bob);
        const grant = await lab.rest.call('POST', '/token', { json: { grant_type: 'password', username: alice.username, password: alice.password } });
        check.equal(grant.status, 200, grant.text);
        const token = lab.secrets.token(grant.body.access_token);
        await lab.server.kill();
        await lab.server.start();
        await a.connected();
        await b.connected();
        const sent = await a.text(bob.username, lab.secrets.text());
        check.equal(sent.ok, true, JSON.stringify(sent.error));
        await b.event('onTextMessage', (one) => one.id === sent.serverMsgId);
        check.equal((await lab.rest.call('GET', `/users/${alice.username}`, { token })).status, 200);
        const page = await device();
        check.equal((await page.login({ user: alice.username, pwd: alice.password })).ok, true);
        lab.secrets.token(await page.get('token'));
        check.equal((await lab.rest.call('POST', '/users', { token: lab.admin, json: { username: alice.username, password: 'again-and-again' } })).status, 400);
      },
    },
  ],
};
