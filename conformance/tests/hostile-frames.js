// Frames that no honest client sends. The answer is a clear refusal or a closed socket, and the
// sessions of others go on: every test here talks through a bystander before and after.

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import tls from 'node:tls';
import { check, within } from '../lib/runner.js';
import { Command, CommSyncUL, dec, encode, frame, MessageBody, Ns } from '../lib/wire.js';

/** Runs `attack` while two others talk to each other, and checks that they hear each other throughout. */
async function beside({ lab, socket }, attack) {
  const [alice, bob] = await lab.users(2);
  const [a, b] = [await socket({ label: 'bystander' }), await socket({ label: 'bystander' })];
  await a.login({ user: alice.username, token: lab.token(alice), resource: lab.secrets.name('webim_') });
  await b.login({ user: bob.username, token: lab.token(bob), resource: lab.secrets.name('webim_') });
  b.follow();
  const talk = async () => {
    const ack = await a.text(bob.username, lab.secrets.text());
    check.equal(ack.status.errorCode, 0, ack.status.reason);
    const meta = await b.arrival(dec(ack.serverId), "the bystander's message");
    check.equal(meta.from.name, alice.username);
  };
  await talk();
  await attack({ alice, bob });
  await talk();
}

/** A raw session that is logged in as a new user. */
async function intruder({ lab, socket }) {
  const user = await lab.user();
  const raw = await socket({ label: 'intruder' });
  const answer = await raw.login({ user: user.username, token: lab.token(user), resource: lab.secrets.name('webim_') });
  check.equal(answer.status.errorCode, 0, answer.status.reason);
  return { user, raw };
}

/** The session either still answers an UNREAD, or was closed: nothing in between. */
async function answersOrClosed(raw) {
  if (raw.isClosed) return check.ok(true);
  const from = raw.frames.length;
  raw.unread();
  await within(15_000, 'an answer or a close', Promise.race([raw.frame((one) => one.unread, { from }).catch(() => {}), raw.closed]));
  return check.ok(true);
}

const refusedOrClosed = (raw, ms = 15_000) =>
  within(ms, 'a refusal or a close', Promise.race([raw.closed, raw.frame((one) => one.provision && one.provision.status?.errorCode !== 0).catch(() => raw.closed)]));

export const tests = [
  {
    name: 'random bytes before login',
    async run(scope) {
      await beside(scope, async () => {
        for (const size of [0, 1, 2, 17, 300, 5_000]) {
          const raw = await scope.socket({ label: 'noise' });
          for (let count = 0; count < 10; count += 1) raw.send(randomBytes(size));
          const user = await scope.lab.user();
          // Either the noise closed the socket, or a login on it still gets its answer.
          const login = raw.login({ user: user.username, token: scope.lab.token(user), resource: scope.lab.secrets.name('webim_') }).catch(() => raw.closed);
          await within(15_000, 'an answer or a close', Promise.race([login, raw.closed]));
          check.ok(true);
          await raw.dispose();
        }
      });
    },
  },
  {
    name: 'random bytes after login',
    async run(scope) {
      await beside(scope, async () => {
        const { raw } = await intruder(scope);
        for (let count = 0; count < 100; count += 1) raw.send(randomBytes(1 + ((count * 37) % 400)));
        await answersOrClosed(raw);
      });
    },
  },
  {
    name: 'a good frame, cut at every length',
    async run(scope) {
      await beside(scope, async ({ bob }) => {
        const { raw } = await intruder(scope);
        const whole = frame(Command.SYNC, encode(CommSyncUL, { meta: { id: '600000000000', ...raw.textMeta(bob.username, 'cut') } }));
        for (let length = 0; length < whole.length; length += 1) raw.send(whole.subarray(0, length));
        await answersOrClosed(raw);
      });
    },
  },
  {
    name: 'a good frame with each byte changed',
    async run(scope) {
      await beside(scope, async () => {
        const { raw, user } = await intruder(scope);
        const whole = frame(Command.SYNC, encode(CommSyncUL, { meta: { id: '600000000001', ...raw.textMeta(user.username, 'flip') } }));
        for (let at = 0; at < whole.length; at += 1) {
          const copy = Buffer.from(whole);
          copy[at] ^= 0xff;
          raw.send(copy);
        }
        await answersOrClosed(raw);
      });
    },
  },
  {
    name: 'oversized frames are cut off',
    async run(scope) {
      await beside(scope, async () => {
        for (const size of [2 << 20, 16 << 20]) {
          const raw = await scope.socket({ label: 'oversized' });
          raw.send(Buffer.alloc(size));
          await within(15_000, 'the close', raw.closed);
          check.equal(raw.isClosed, true);
          const { raw: known } = await intruder(scope);
          known.send(frame(Command.SYNC, Buffer.alloc(size)));
          await within(15_000, 'the close', known.closed);
          check.equal(known.isClosed, true);
        }
      });
    },
  },
  {
    name: 'a frame that announces more than it will ever send',
    async run(scope) {
      await beside(scope, async () => {
        const { name, port } = scope.lab.server.host;
        const raw = tls.connect({ host: name, port, ca: scope.lab.server.ca });
        await once(raw, 'secureConnect');
        raw.on('error', () => {});
        let text = '';
        raw.on('data', (part) => (text += part.toString('latin1')));
        const upgraded = new Promise((resolve) => raw.on('data', () => text.includes('\r\n\r\n') && resolve()));
        raw.write(`GET /websocket HTTP/1.1\r\nHost: ${name}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`);
        await within(10_000, 'the upgrade', upgraded);
        check.match(text, /^HTTP\/1\.1 101/);
        const closed = once(raw, 'close');
        // A masked binary frame whose header says 2^62 bytes.
        raw.write(Buffer.from([0x82, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]));
        await within(15_000, 'the close', closed);
        check.ok(raw.destroyed);
      });
    },
  },
  {
    name: 'text frames, and frames that are not masked',
    async run(scope) {
      await beside(scope, async () => {
        const { raw } = await intruder(scope);
        raw.ws.send('{"command":"PROVISION"}');
        await answersOrClosed(raw);
        const { raw: other } = await intruder(scope);
        other.ws._socket.write(Buffer.from([0x82, 0x02, 0x01, 0x02]));
        await within(15_000, 'the close', other.closed);
        check.equal(other.isClosed, true);
      });
    },
  },
  {
    name: 'commands before login get nothing and give nothing away',
    async run(scope) {
      await beside(scope, async ({ bob }) => {
        const raw = await scope.socket({ label: 'early' });
        raw.user = bob.username;
        raw.unread();
        raw.pull({ appKey: scope.lab.server.demo.appKey, name: bob.username, domain: 'easemob.com' });
        raw.send(frame(Command.SYNC, encode(CommSyncUL, { meta: { id: '600000000002', ...raw.textMeta(bob.username, scope.lab.secrets.text()) } })));
        raw.send(frame(Command.NOTICE));
        const user = await scope.lab.user();
        await Promise.race([raw.closed, raw.login({ user: user.username, token: scope.lab.token(user), resource: scope.lab.secrets.name('webim_') }).catch(() => {})]);
        check.equal(raw.frames.filter((one) => one.unread || one.sync?.metas.length > 0).length, 0);
        check.equal(raw.frames.filter((one) => one.sync && dec(one.sync.metaId) !== '0' && one.sync.status?.errorCode === 0).length, 0);
      });
    },
  },
  {
    name: 'a second login on the same socket does not change who it is',
    async run(scope) {
      await beside(scope, async () => {
        const { raw, user } = await intruder(scope);
        const other = await scope.lab.user();
        raw.provision({ user: other.username, token: scope.lab.token(other), resource: scope.lab.secrets.name('webim_') });
        await answersOrClosed(raw);
        if (raw.isClosed) return;
        raw.user = user.username;
        const ack = await raw.text(user.username, scope.lab.secrets.text()).catch(() => undefined);
        check.ok(!ack || ack.status);
      });
    },
  },
  {
    name: 'commands and namespaces that do not exist',
    async run(scope) {
      await beside(scope, async ({ bob }) => {
        const { raw } = await intruder(scope);
        for (const command of [4, 77, 2 ** 31 - 1]) raw.send(frame(command, Buffer.alloc(4)));
        for (const ns of [2, 3, 4, 5, 6]) {
          const ack = await raw.meta({ ns, to: { name: bob.username }, payload: Buffer.from([8, 1]) }).catch(() => undefined);
          if (raw.isClosed) break;
          check.ok(!ack || ack.status, `namespace ${ns}`);
        }
        await answersOrClosed(raw);
      });
    },
  },
  {
    name: 'metas with parts missing are refused, and the session goes on',
    async run(scope) {
      await beside(scope, async ({ bob }) => {
        const { appKey } = scope.lab.server.demo;
        const to = { appKey, name: bob.username, domain: 'easemob.com' };
        const body = (fields) => encode(MessageBody, { type: 1, from: { name: 'x' }, to: { name: bob.username }, contents: [{ type: 0, text: 'x' }], ...fields });
        const cases = {
          'no payload': { ns: Ns.CHAT, to },
          'empty payload': { ns: Ns.CHAT, to, payload: Buffer.alloc(0) },
          'payload that is no MessageBody': { ns: Ns.CHAT, to, payload: Buffer.from([0xff, 0xff, 0xff]) },
          'no recipient': { ns: Ns.CHAT, payload: body() },
          'recipient without a name': { ns: Ns.CHAT, to: { appKey }, payload: body() },
          'empty name': { ns: Ns.CHAT, to: { ...to, name: '' }, payload: body() },
          'recipient in another app': { ns: Ns.CHAT, to: { ...to, appKey: 'other#app' }, payload: body() },
          'no contents': { ns: Ns.CHAT, to, payload: body({ contents: [] }) },
          'unknown type of body': { ns: Ns.CHAT, to, payload: Buffer.concat([Buffer.from([0x08, 0x63]), Buffer.from(body()).subarray(2)]) },
          'receipt of nothing': { ns: Ns.CHAT, to, payload: body({ type: 4, contents: [{}] }) },
          'recall of nothing': { ns: Ns.CHAT, to, payload: body({ type: 6, contents: [{}] }) },
          'edit of nothing': { ns: Ns.CHAT, to, payload: body({ type: 8 }) },
        };
        const { raw } = await intruder(scope);
        for (const [what, fields] of Object.entries(cases)) {
          const ack = await raw.meta(fields).catch((error) => error);
          check.ok(!(ack instanceof Error), `${what}: ${ack.message}`);
          check.ok(ack.status, what);
          if (/payload|recipient|empty name|contents/.test(what) && !/type|receipt/.test(what)) check.notEqual(ack.status.errorCode, 0, `${what} was accepted`);
        }
        const good = await raw.text(bob.username, scope.lab.secrets.text());
        check.equal(good.status.errorCode, 0);
      });
    },
  },
  {
    name: 'a meta without id, or with the id of another, is not guessed',
    async run(scope) {
      await beside(scope, async ({ bob }) => {
        const { raw } = await intruder(scope);
        const { lab } = scope;
        raw.send(frame(Command.SYNC, encode(CommSyncUL, { meta: { ...raw.textMeta(bob.username, lab.secrets.text()) } })));
        raw.send(frame(Command.SYNC, encode(CommSyncUL, { meta: { id: '0', ...raw.textMeta(bob.username, lab.secrets.text()) } })));
        raw.send(frame(Command.SYNC, encode(CommSyncUL, {})));
        raw.send(frame(Command.SYNC));
        await answersOrClosed(raw);
      });
    },
  },
  {
    name: 'unknown fields are passed through to the recipient, byte for byte',
    async run(scope) {
      const { lab, socket } = scope;
      await beside(scope, async () => {
        const { raw } = await intruder(scope);
        const peer = await lab.user();
        const b = await socket();
        await b.login({ user: peer.username, token: lab.token(peer), resource: lab.secrets.name('webim_') });
        b.follow();
        const known = encode(MessageBody, { type: 1, from: { name: raw.user }, to: { name: peer.username }, contents: [{ type: 0, text: lab.secrets.text() }] });
        // Field 1000 (varint) and field 1001 (bytes), which no schema knows.
        const payload = Buffer.concat([known, Buffer.from([0xc0, 0x3e, 0x2a, 0xca, 0x3e, 0x03, 0x61, 0x62, 0x63])]);
        const ack = await raw.meta({ ...raw.textMeta(peer.username, ''), payload });
        check.equal(ack.status.errorCode, 0);
        const meta = await b.arrival(dec(ack.serverId));
        check.equal(Buffer.from(meta.payload).toString('hex'), payload.toString('hex'));
      });
    },
  },
  {
    name: 'nobody writes in another\'s name',
    async run(scope) {
      const { lab, socket } = scope;
      await beside(scope, async ({ alice, bob }) => {
        const { raw, user } = await intruder(scope);
        const peer = await lab.user();
        const b = await socket();
        await b.login({ user: peer.username, token: lab.token(peer), resource: lab.secrets.name('webim_') });
        b.follow();
        const payload = encode(MessageBody, { type: 1, from: { name: alice.username }, to: { name: bob.username }, contents: [{ type: 0, text: lab.secrets.text() }] });
        const ack = await raw.meta({ ...raw.textMeta(peer.username, ''), payload, from: { appKey: lab.server.demo.appKey, name: alice.username } });
        if (ack.status.errorCode !== 0) return check.ok(true);
        const meta = await b.arrival(dec(ack.serverId));
        check.equal(meta.from.name, user.username);
        const body = MessageBody.decode(meta.payload);
        check.equal(body.from.name, user.username);
        return check.equal(body.to.name, peer.username);
      });
    },
  },
  {
    name: 'a wrong app key, a wrong name and a user of another app get no session',
    async run(scope) {
      const { lab } = scope;
      await beside(scope, async ({ alice, bob }) => {
        const { appKey } = lab.server.demo;
        const token = lab.token(alice);
        const attempts = [
          { user: alice.username, token, appKey: 'other#app' },
          { user: alice.username, token, appKey: '' },
          { user: alice.username, token, appKey: 'x'.repeat(5_000) },
          { user: bob.username, token },
          { user: '', token },
          { user: alice.username, token: '' },
          { user: alice.username, token, guid: {} },
          { user: alice.username, token: lab.tokens.foreign(alice.username), appKey },
          { user: alice.username, token: 'x'.repeat(60_000) },
        ];
        for (const attempt of attempts) {
          const raw = await scope.socket({ label: 'refused' });
          raw.provision({ resource: lab.secrets.name('webim_'), ...attempt });
          await refusedOrClosed(raw);
          check.equal(raw.frames.some((one) => one.provision?.status?.errorCode === 0), false);
          // The server closes: the SDK would leave the socket open.
          await within(15_000, 'the close', raw.closed);
          check.equal(raw.isClosed, true);
        }
      });
    },
  },
  {
    name: 'hostile names of devices are no harm',
    async run(scope) {
      const { lab } = scope;
      await beside(scope, async () => {
        const user = await lab.user();
        for (const resource of ['', 'x'.repeat(3_000), 'a/b', '../../etc', '\u0000', '😀'.repeat(50)]) {
          const raw = await scope.socket({ label: 'device name' });
          raw.provision({ user: user.username, token: lab.token(user), resource });
          const answer = await Promise.race([raw.frame((one) => one.provision).catch(() => undefined), raw.closed]);
          if (answer?.provision?.status?.errorCode === 0) check.ok(answer.provision.resource.length > 0);
          else check.ok(true);
          await raw.dispose();
        }
      });
    },
  },
  {
    name: 'keys and queues that were never given out',
    async run(scope) {
      const { lab } = scope;
      await beside(scope, async ({ alice, bob }) => {
        const { raw } = await intruder(scope);
        const { appKey } = lab.server.demo;
        for (const [name, key] of [[alice.username, '1'], [bob.username, '18446744073709551615'], ['', '5'], ['x'.repeat(5_000), undefined], [alice.username, undefined]]) {
          const from = raw.frames.length;
          raw.pull({ appKey, name, domain: 'easemob.com' }, key);
          const { sync } = await raw.frame((one) => one.sync?.queue || one.sync?.status?.errorCode > 0, { from, what: 'an answer to the pull' }).catch(() => ({ sync: undefined }));
          if (raw.isClosed) return check.ok(true);
          check.ok(sync, `no answer to a pull of ${name.length} characters with key ${key}`);
          check.equal(sync.metas.length, 0);
        }
        return answersOrClosed(raw);
      });
    },
  },
  {
    name: 'a flood of frames is slowed or cut off, and others are served',
    async run(scope) {
      await beside(scope, async ({ bob }) => {
        const { raw } = await intruder(scope);
        for (let count = 0; count < 2_000; count += 1) raw.send(frame(Command.SYNC, encode(CommSyncUL, { meta: { id: String(700_000_000_000 + count), ...raw.textMeta(bob.username, scope.lab.secrets.text()) } })));
        const last = String(700_000_000_000 + 1_999);
        await within(45_000, 'acks or a close', Promise.race([raw.closed, raw.frame((one) => one.sync && dec(one.sync.metaId) === last, { ms: 45_000 }).catch(() => {})]));
        const codes = new Set(raw.frames.filter((one) => one.sync && dec(one.sync.metaId) !== '0').map((one) => one.sync.status.errorCode));
        check.ok([...codes].every((code) => code === 0 || code === 7), `codes ${[...codes]}`);
      });
    },
    timeout: 90_000,
  },
  {
    name: 'a reader that never reads is cut back to its cursor, and loses nothing',
    timeout: 120_000,
    async run(scope) {
      const { lab, socket } = scope;
      await beside(scope, async () => {
        const [sender, deaf] = await lab.users(2);
        const resource = lab.secrets.name('webim_');
        const raw = await socket({ label: 'deaf' });
        await raw.login({ user: deaf.username, token: lab.token(deaf), resource });
        raw.ws.pause();
        const a = await socket();
        await a.login({ user: sender.username, token: lab.token(sender), resource: lab.secrets.name('webim_') });
        const ids = [];
        for (let round = 0; round < 60; round += 1) {
          const acks = await Promise.all(Array.from({ length: 10 }, () => a.text(deaf.username, lab.secrets.text('z'.repeat(3_500)))));
          for (const ack of acks) {
            check.equal(ack.status.errorCode, 0, ack.status.reason);
            ids.push(dec(ack.serverId));
          }
        }
        await raw.dispose();
        // On its return it finds everything from its cursor on.
        const again = await socket();
        await again.login({ user: deaf.username, token: lab.token(deaf), resource });
        again.follow();
        await again.arrival(ids.at(-1), 'the last message');
        const got = again.frames.flatMap((one) => one.sync?.metas ?? []).map((meta) => dec(meta.id));
        check.deepEqual(got, ids);
      });
    },
  },
  {
    name: 'a hundred sockets that never say anything hinder nobody',
    async run(scope) {
      await beside(scope, async () => {
        const idle = await Promise.all(Array.from({ length: 100 }, () => scope.socket({ label: 'silent' })));
        check.equal(idle.length, 100);
      });
    },
  },
];
