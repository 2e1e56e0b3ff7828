#!/usr/bin/env node
// Records one session of the vendor's SDK, frame by frame, for the load generator to be held against
// (crates/bench/tests/it/recorded.rs). Needs the binary and Chromium as run.js does.
//
//   node record.js FILE          texts from and to two other users, and the heartbeat
//   node record.js FILE group    texts of a group
//
// A frame is kept as it was on the wire but for the token, which is overwritten by as many other
// characters. Names of users and of the device are fixed; ids and times are what they were.

import { writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { Auditor } from './lib/auditor.js';
import { Lab } from './lib/lab.js';
import { Secrets } from './lib/secrets.js';
import { fileURLToPath } from 'node:url';

const [file, scene = 'users'] = process.argv.slice(2);
if (!file || !['users', 'group'].includes(scene)) {
  console.error('usage: node record.js FILE [users | group]');
  process.exit(2);
}
const binary = process.env.STOA_BIN ?? fileURLToPath(new URL('../target/debug/stoa', import.meta.url));
const chromium = process.env.CHROMIUM ?? '/usr/bin/chromium';
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130));

const READER = 'recorded-reader';
const WRITERS = ['recorded-writer-1', 'recorded-writer-2'];
/** The SDK beats after 30 s of silence, and looks every 30 s. */
const SILENCE_MS = 65_000;

const secrets = new Secrets();
const lab = await Lab.start({ binary, chromium, name: 'record', logLevel: 'warn', auditor: new Auditor(), secrets });
try {
  const events = [];
  const began = Date.now();
  const note = (event) => events.push({ ms: Date.now() - began, ...event });
  for (const username of [READER, ...WRITERS]) {
    const answer = await lab.rest.call('POST', '/users', { token: lab.admin, json: { username } });
    if (answer.status !== 200) throw new Error(`register: HTTP ${answer.status}`);
  }
  const reader = { username: READER };
  const writers = [];
  for (const username of WRITERS) writers.push(await lab.online({ username }));

  // Where texts go: to the reader itself, or to a group of all three.
  let to = { to: READER };
  if (scene === 'group') {
    const json = { owner: WRITERS[0], groupname: 'recorded', members: [READER, WRITERS[1]], maxusers: 10, public: false, allowinvites: true, invite_need_confirm: false };
    const made = await lab.rest.call('POST', '/chatgroups', { token: lab.admin, json });
    if (made.status !== 200) throw new Error(`make a group: HTTP ${made.status} ${made.text}`);
    to = { to: made.body.data.groupid, chatType: 'groupChat' };
  }
  const say = async (device, place, msg) => {
    const outcome = await device.send({ type: 'txt', msg, ...place });
    if (!outcome.ok) throw new Error(`send: ${JSON.stringify(outcome.error)}`);
  };

  // Both write while the reader is away: two queues wait for it, or one.
  for (const writer of writers) await say(writer, to, 'sent while you were away');

  const device = await lab.device({ deviceId: 'recorded' });
  const token = lab.token(reader);
  const mask = (payload) => Buffer.from(payload.toString('latin1').replaceAll(token, '0'.repeat(token.length)), 'latin1').toString('base64');
  device.page.on('websocket', (socket) => {
    socket.on('framesent', ({ payload }) => note({ client: mask(Buffer.from(payload)) }));
    socket.on('framereceived', ({ payload }) => note({ server: mask(Buffer.from(payload)) }));
  });
  const outcome = await device.login({ user: READER, accessToken: token });
  if (!outcome.ok) throw new Error(`login: ${JSON.stringify(outcome.error)}`);
  await device.event('onOfflineMessageSyncFinish');
  await pause(1_000);

  for (const text of ['pushed to you', 'and once more']) {
    await say(writers[0], to, text);
    await device.event('onTextMessage', ({ msg }) => msg === text);
    await pause(500);
  }

  const said = 'sent by the recorded client';
  const answer = scene === 'group' ? to : { to: WRITERS[1] };
  note({ app: scene === 'group' ? 'send to group' : 'send', to: answer.to, text: said });
  await say(device, answer, said);
  await pause(500);

  if (scene === 'users') {
    const before = events.length;
    note({ app: 'silence' });
    await pause(SILENCE_MS);
    if (events.length === before + 1) throw new Error('the SDK did not beat');
  }

  const about = {
    sdk: 'agora-chat 1.4.0, unmodified, in Chromium',
    user: READER,
    resource: device.resource,
    appKey: lab.server.demo.appKey,
    token: '0'.repeat(token.length),
  };
  const lines = events.map((event) => `    ${JSON.stringify(event)}`);
  writeFileSync(file, `{\n  "about": ${JSON.stringify(about)},\n  "events": [\n${lines.join(',\n')}\n  ]\n}\n`);
  console.log(`${events.length} events`);
} finally {
  await lab.dispose();
}
process.exit(0);
