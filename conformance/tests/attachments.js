// Attachments: uploaded by the SDK, whole and in parts, and fetched by another client as an app would:
// by the SDK's download and by an <img>.

import { groupEvent, makeGroup } from '../lib/groups.js';
import { check } from '../lib/runner.js';

const MIB = 1 << 20;
/** Beyond one and a half of the default part the SDK uploads in parts. */
const LARGE = 9 * MIB + 12_345;

const named = (lab, ending) => `${lab.secrets.of('file name').replaceAll(' ', '-')}.${ending}`;
const content = (lab) => lab.secrets.of('file content');

/** Sends a file, and checks that `peer` gets the message and the same bytes. */
async function exchange(lab, sender, to, parameters, file, event, peers) {
  const sent = await sender.tell({ ...parameters, ...to, file });
  check.equal(sent.size > 0, true);
  check.ok(sent.uploaded.entities[0].uuid);
  check.ok(sent.uploaded.entities[0]['share-secret'].length >= 16);
  let got;
  for (const peer of peers) {
    got = await peer.event(event, (one) => one.id === sent.serverMsgId);
    check.ok(got.url.startsWith(`${lab.rest.base}/chatfiles/`), got.url);
    check.equal(got.file_length, sent.size);
    const fetched = await peer.download(got.url, got.secret);
    check.equal(fetched.ok, true, JSON.stringify(fetched.error));
    check.equal(fetched.result.size, sent.size);
    check.equal(fetched.result.digest, sent.digest);
  }
  return { sent, got };
}

export const tests = [
  {
    name: 'an image, with its thumbnail, in the SDK and in an <img>',
    covers: ['send', 'event:onImageMessage'],
    async run({ lab, people }) {
      const [[, a], [bob, b]] = await people(2);
      const file = { name: named(lab, 'png'), type: 'image/png', width: 800, height: 600, mark: content(lab) };
      const { got } = await exchange(lab, a, { to: bob.username }, { type: 'img', width: 800, height: 600, thumbnailWidth: 200, thumbnailHeight: 200 }, file, 'onImageMessage', [b]);
      check.equal(got.width, 800);
      check.equal(got.height, 600);
      check.deepEqual(await b.image(got.url), { ok: true, width: 800, height: 600 });
      const small = await b.image(got.thumb);
      check.equal(small.ok, true);
      check.ok(small.width <= 800 && small.height <= 600);
      check.ok(Math.abs(small.width / small.height - 4 / 3) < 0.05, `${small.width} × ${small.height}`);
      // Without its secret it is nothing that an <img> can show.
      check.equal((await b.image(got.url.replace(/share-secret=[^&]*/, 'share-secret=wrong'))).ok, false);
      check.equal((await b.image(got.url.split('?')[0])).ok, false);
    },
  },
  {
    name: 'voice, video and file, to every device, and to one who was away',
    covers: ['send', 'event:onAudioMessage', 'event:onVideoMessage', 'event:onFileMessage'],
    async run({ lab, people, another, device }) {
      const [[alice, a1], [bob, b1]] = await people(2);
      const [a2, b2] = [await another(alice), await another(bob)];
      for (const [type, event, mime, ending] of [['audio', 'onAudioMessage', 'audio/mpeg', 'mp3'], ['video', 'onVideoMessage', 'video/mp4', 'mp4'], ['file', 'onFileMessage', 'application/pdf', 'pdf']]) {
        const file = { name: named(lab, ending), type: mime, mark: content(lab), size: 300_000 };
        const { got } = await exchange(lab, a1, { to: bob.username }, { type, filename: file.name, length: 3, file_length: file.size }, file, event, [b1, b2, a2]);
        check.equal(got.filename, file.name);
        if (type !== 'file') check.equal(got.length, 3);
      }
      const carol = await lab.user();
      const file = { name: named(lab, 'txt'), type: 'text/plain', mark: content(lab), size: 1_000 };
      const sent = await a1.tell({ type: 'file', to: carol.username, filename: file.name, file });
      const c = await device();
      await lab.login(c, carol);
      const got = await c.event('onFileMessage', (one) => one.id === sent.serverMsgId);
      check.equal((await c.download(got.url, got.secret)).result.digest, sent.digest);
    },
  },
  {
    name: 'a large file goes in parts and comes out whole, and its sender sees it move',
    timeout: 120_000,
    covers: ['send', 'event:onFileMessage'],
    async run({ lab, people }) {
      const [[, a], [bob, b]] = await people(2);
      const parts = [];
      const note = (request) => request.method() === 'PUT' && request.url().includes('/part-upload/') && parts.push(request.url());
      a.page.on('request', note);
      const file = { name: named(lab, 'bin'), type: 'application/octet-stream', mark: content(lab), size: LARGE };
      const { sent } = await exchange(lab, a, { to: bob.username }, { type: 'file', filename: file.name, file_length: LARGE }, file, 'onFileMessage', [b]);
      a.page.off('request', note);
      check.equal(sent.progress, LARGE);
      check.ok(parts.length >= 2, `${parts.length} parts`);
    },
  },
  {
    name: 'a file in a group is for its members: with the secret for anybody, with a token for them',
    covers: ['send'],
    async run({ lab, people }) {
      const [[, a], [bob, b], [carol, c], [dave]] = await people(4);
      const group = await makeGroup(lab, a, { members: [bob.username, carol.username] });
      await groupEvent(c, 'directJoined', group.id);
      const file = { name: named(lab, 'txt'), type: 'text/plain', mark: content(lab), size: 5_000 };
      const { got } = await exchange(lab, a, { chatType: 'groupChat', to: group.id }, { type: 'file', filename: file.name }, file, 'onFileMessage', [b, c]);
      const bare = got.url.split('?')[0];
      const open = (user) => lab.rest.call('GET', bare, { token: lab.token(user) });
      check.equal((await open(bob)).status, 200);
      check.equal((await open(dave)).status, 403);
      check.equal((await lab.rest.call('GET', got.url)).status, 200);
    },
  },
];
