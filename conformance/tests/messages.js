// One-to-one messages: every type of content, both ways, unchanged; and the refusals of sending.

import { check } from '../lib/runner.js';

const EMOJI = '你好 👩‍🚀🏳️‍🌈 é́ \u202e‮ “q” \\ / \n\t<b>&amp;';

/** Every kind of value that the SDK can put into an ext, by its wire type. */
const extension = (lab) => ({
  text: lab.secrets.text(EMOJI),
  empty: '',
  yes: true,
  no: false,
  zero: 0,
  integer: 42,
  negative: -7,
  large: 2 ** 40 + 1,
  double: 3.25,
  tiny: -1.5e-7,
  object: { list: [1, 'two', { three: null }], 'key with space': lab.secrets.text() },
  array: ['a', 2, false],
  nothing: null,
});

/** One message of each type: what is sent, the event it raises, and what the event must show. */
function contents(lab) {
  const { base } = lab.rest;
  const text = (words) => lab.secrets.text(words);
  const file = () => `${base}/chatfiles/${lab.secrets.name('file-')}`;
  const url = { img: file(), video: file(), audio: file(), file: file() };
  const said = { txt: text(EMOJI), addr: text('Straße 1'), building: text(), cmd: text(), custom: text(), name: text() };
  const filename = (ending) => `${said.name}${ending}`;
  return [
    { send: { type: 'txt', msg: said.txt }, event: 'onTextMessage', see: { type: 'txt', msg: said.txt } },
    {
      send: { type: 'img', url: url.img, width: 640, height: 480, file_length: 1234, body: { type: 'img', url: url.img, filename: filename('.png'), secret: 'shh', file_length: 1234, size: { width: 640, height: 480 } } },
      event: 'onImageMessage',
      see: { type: 'img', width: 640, height: 480, file_length: 1234 },
      link: url.img,
    },
    {
      send: { type: 'img', isGif: true, url: url.img, file_length: 7, body: { type: 'img', url: url.img, filename: filename('.gif'), secret: 'shh', file_length: 7, size: { width: 1, height: 1 } } },
      event: 'onImageMessage',
      see: { type: 'img', isGif: true, file_length: 7 },
      link: url.img,
    },
    {
      send: { type: 'video', filename: filename('.mp4'), length: 12, file_length: 99_000, body: { type: 'video', url: url.video, filename: filename('.mp4'), secret: 'shh', length: 12, file_length: 99_000 } },
      event: 'onVideoMessage',
      see: { type: 'video', filename: filename('.mp4'), length: 12, file_length: 99_000 },
      link: url.video,
    },
    {
      send: { type: 'loc', lat: 52.520008, lng: -13.404954, addr: said.addr, buildingName: said.building },
      event: 'onLocationMessage',
      see: { type: 'loc', lat: 52.520008, lng: -13.404954, addr: said.addr, buildingName: said.building },
    },
    {
      send: { type: 'audio', filename: filename('.mp3'), length: 3, file_length: 5_000, body: { type: 'audio', url: url.audio, filename: filename('.mp3'), secret: 'shh', length: 3, file_length: 5_000 } },
      event: 'onAudioMessage',
      see: { type: 'audio', filename: filename('.mp3'), length: 3, file_length: 5_000 },
      link: url.audio,
    },
    {
      send: { type: 'file', filename: filename('.pdf'), file_length: 77, body: { type: 'file', url: url.file, filename: filename('.pdf'), secret: 'shh', file_length: 77 } },
      event: 'onFileMessage',
      see: { type: 'file', filename: filename('.pdf'), file_length: 77 },
      link: url.file,
    },
    { send: { type: 'cmd', action: said.cmd }, event: 'onCmdMessage', see: { type: 'cmd', action: said.cmd } },
    {
      send: { type: 'custom', customEvent: said.custom, customExts: { one: '1', two: EMOJI } },
      event: 'onCustomMessage',
      see: { type: 'custom', customEvent: said.custom, customExts: { one: '1', two: EMOJI } },
    },
  ];
}

/** Sends one of everything from `sender` to `peer` and checks what arrives. */
async function exchange(lab, sender, from, peer, to) {
  for (const { send, event, see, link } of contents(lab)) {
    const ext = extension(lab);
    const before = Date.now();
    const sent = await sender.send({ ...send, to: to.username, ext });
    check.equal(sent.ok, true, `${send.type}: ${JSON.stringify(sent.error)}`);
    check.match(sent.serverMsgId, /^[1-9]\d{5,18}$/);
    check.notEqual(sent.serverMsgId, sent.localMsgId);
    check.equal(sent.message.id, sent.serverMsgId);
    check.ok(Math.abs(sent.message.time - before) < 60_000);
    const got = await peer.event(event, (message) => message.id === sent.serverMsgId);
    check.equal(got.from, from.username);
    check.equal(got.to, to.username);
    check.equal(got.chatType, 'singleChat');
    check.equal(got.time, sent.message.time);
    check.deepEqual(got.ext, ext);
    for (const [key, value] of Object.entries(see)) check.deepEqual(got[key], value, `${send.type}.${key}`);
    if (link) check.ok(got.url.startsWith(link), `${got.url} does not begin with ${link}`);
    check.equal(peer.seen(event, (message) => message.id === sent.serverMsgId).length, 1);
    check.equal(sender.seen(event, (message) => message.id === sent.serverMsgId).length, 0);
    if (send.type !== 'cmd') {
      await peer.event('onMessage', (list) => list.some((message) => message.id === sent.serverMsgId));
    }
  }
}

export const tests = [
  {
    name: 'every content type goes both ways, with ext and emoji',
    covers: [
      'send',
      'event:onMessage',
      'event:onTextMessage',
      'event:onImageMessage',
      'event:onVideoMessage',
      'event:onAudioMessage',
      'event:onFileMessage',
      'event:onLocationMessage',
      'event:onCmdMessage',
      'event:onCustomMessage',
    ],
    async run({ lab, device }) {
      const [alice, bob] = await lab.users(2);
      const [a, b] = [await device(), await device()];
      await lab.login(a, alice);
      await lab.login(b, bob);
      await exchange(lab, a, alice, b, bob);
      await exchange(lab, b, bob, a, alice);
    },
  },
  {
    name: 'every content type waits for a recipient who is offline',
    async run({ lab, device }) {
      const [alice, bob] = await lab.users(2);
      const a = await device();
      await lab.login(a, alice);
      const sent = [];
      for (const { send, event, see } of contents(lab)) {
        const ext = extension(lab);
        const result = await a.send({ ...send, to: bob.username, ext });
        check.equal(result.ok, true, JSON.stringify(result.error));
        sent.push({ id: result.serverMsgId, event, see, ext });
      }
      const b = await device();
      await lab.login(b, bob);
      for (const { id, event, see, ext } of sent) {
        const got = await b.event(event, (message) => message.id === id);
        check.deepEqual(got.ext, ext);
        for (const [key, value] of Object.entries(see)) check.deepEqual(got[key], value, key);
      }
    },
  },
  {
    name: 'server ids rise with the order of sending, and each is told once',
    async run({ lab, device }) {
      const [alice, bob] = await lab.users(2);
      const [a, b] = [await device(), await device()];
      await lab.login(a, alice);
      await lab.login(b, bob);
      const texts = Array.from({ length: 60 }, () => lab.secrets.text());
      const sent = await a.sendAll(texts.map((msg) => ({ type: 'txt', to: bob.username, msg })));
      check.equal(sent.every((one) => one.ok), true);
      const ids = sent.map((one) => BigInt(one.serverMsgId));
      for (let at = 1; at < ids.length; at += 1) check.ok(ids[at] > ids[at - 1]);
      const got = await b.several('onTextMessage', texts.length);
      check.deepEqual(got.map((message) => message.msg), texts);
      check.deepEqual(got.map((message) => message.id), sent.map((one) => one.serverMsgId));
    },
  },
  {
    name: 'a message sent again under its client id keeps its server id and arrives once',
    async run({ lab, device }) {
      const [alice, bob] = await lab.users(2);
      const [a, b] = [await device(), await device()];
      await lab.login(a, alice);
      await lab.login(b, bob);
      const [first] = await a.sendAll([{ type: 'txt', to: bob.username, msg: lab.secrets.text(), keep: 'one' }]);
      const [second] = await a.sendAll([{ again: 'one' }]);
      check.equal(first.ok && second.ok, true);
      check.equal(second.serverMsgId, first.serverMsgId);
      const last = await a.text(bob.username, lab.secrets.text());
      await b.event('onTextMessage', (message) => message.id === last.serverMsgId);
      check.equal(b.seen('onTextMessage').length, 2);
    },
  },
  {
    name: 'both write at the same time; each sees the other\'s messages in order',
    async run({ lab, device }) {
      const [alice, bob] = await lab.users(2);
      const [a, b] = [await device(), await device()];
      await lab.login(a, alice);
      await lab.login(b, bob);
      const lines = (to) => Array.from({ length: 100 }, () => ({ type: 'txt', to: to.username, msg: lab.secrets.text() }));
      const [there, back] = [lines(bob), lines(alice)];
      const results = await Promise.all([a.sendAll(there), b.sendAll(back)]);
      check.equal(results.flat().every((one) => one.ok), true);
      check.equal(new Set(results.flat().map((one) => one.serverMsgId)).size, 200);
      check.deepEqual((await b.several('onTextMessage', 100)).map((one) => one.msg), there.map((one) => one.msg));
      check.deepEqual((await a.several('onTextMessage', 100)).map((one) => one.msg), back.map((one) => one.msg));
    },
  },
  {
    name: 'a text that is too large is refused with 511, and the session goes on',
    async run({ lab, device }) {
      const [alice, bob] = await lab.users(2);
      const [a, b] = [await device(), await device()];
      await lab.login(a, alice);
      await lab.login(b, bob);
      const fits = await a.text(bob.username, lab.secrets.text('x'.repeat(4_000)));
      check.equal(fits.ok, true);
      for (const size of [6_000, 20_000, 60_000]) {
        const refused = await a.text(bob.username, lab.secrets.text('y'.repeat(size)));
        check.equal(refused.ok, false);
        check.equal(refused.error.type, 511, JSON.stringify(refused.error));
      }
      const bigExt = await a.text(bob.username, lab.secrets.text(), { ext: { filler: 'z'.repeat(60_000) } });
      check.equal(bigExt.ok, false);
      check.equal(bigExt.error.type, 511);
      const after = await a.text(bob.username, lab.secrets.text());
      check.equal(after.ok, true);
      await b.event('onTextMessage', (message) => message.id === after.serverMsgId);
      check.equal(b.seen('onTextMessage').length, 2);
    },
  },
  {
    name: 'a message to an unknown user is settled, whatever the answer, and harms nothing',
    async run({ lab, device }) {
      const [alice, bob] = await lab.users(2);
      const [a, b] = [await device(), await device()];
      await lab.login(a, alice);
      await lab.login(b, bob);
      const outcome = await a.text(lab.secrets.name(), lab.secrets.text());
      check.ok(outcome.ok || [204, 221, 503].includes(outcome.error.type), JSON.stringify(outcome.error));
      const after = await a.text(bob.username, lab.secrets.text());
      check.equal(after.ok, true);
      await b.event('onTextMessage', (message) => message.id === after.serverMsgId);
    },
  },
  {
    name: 'a message to a name that can belong to nobody is settled',
    async run({ lab, device }) {
      const alice = await lab.user();
      const a = await device();
      await lab.login(a, alice);
      for (const to of ['Ünïcode', 'with space', 'x'.repeat(300), '😀']) {
        const outcome = await a.text(to, lab.secrets.text());
        check.ok(outcome.ok || typeof outcome.error.type === 'number', JSON.stringify(outcome));
      }
      check.equal((await a.text(alice.username, lab.secrets.text())).ok, true);
    },
  },
  {
    name: 'a message to oneself reaches one\'s other device and not the sending one',
    async run({ lab, device }) {
      const alice = await lab.user();
      const [a, other] = [await device(), await device()];
      await lab.login(a, alice);
      await lab.login(other, alice);
      const sent = await a.text(alice.username, lab.secrets.text());
      check.equal(sent.ok, true);
      const got = await other.event('onTextMessage', (message) => message.id === sent.serverMsgId);
      // Between devices of one user the SDK shows the resource, so that the app can tell them apart.
      check.equal(got.from, `${alice.username}/${a.resource}`);
      check.equal(a.seen('onTextMessage').length, 0);
    },
  },
];
