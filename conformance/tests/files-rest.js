// Files over REST, as the SDK sends them and as somebody would who means ill.

import { createHash, randomBytes } from 'node:crypto';
import { check } from '../lib/runner.js';

/** A multipart body with one file. */
export function multipart(name, type, bytes, fields = {}) {
  const boundary = `----${randomBytes(12).toString('hex')}`;
  const parts = Object.entries(fields).map(([key, value]) => `--${boundary}\r\ncontent-disposition: form-data; name="${key}"\r\n\r\n${value}\r\n`);
  return {
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    body: Buffer.concat([
      Buffer.from(parts.join('')),
      Buffer.from(`--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="${name}"\r\ncontent-type: ${type}\r\n\r\n`),
      bytes,
      Buffer.from(`\r\n--${boundary}--\r\n`),
    ]),
  };
}

const digest = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** Uploads as the SDK does: restricted, for a conversation with `to`. */
async function upload(lab, user, to, bytes, { name, type = 'application/octet-stream', restrict = 'true' } = {}) {
  const { headers, body } = multipart(name ?? `${lab.secrets.of('file name')}.bin`, type, bytes);
  const answer = await lab.rest.call('POST', `/chatfiles?chat-type=CHAT&chat-target=${to.username}`, { token: lab.token(user), body, headers: { ...headers, 'restrict-access': restrict } });
  check.equal(answer.status, 200, answer.text);
  const [entity] = answer.body.entities;
  return { id: entity.uuid, secret: lab.secrets.add('share secret', entity['share-secret']) };
}

/** Bytes that are searched for at the end, with a mark in every 4 KiB. */
function marked(lab, size) {
  const bytes = randomBytes(size);
  const mark = Buffer.from(lab.secrets.of('file content'));
  for (let at = 0; at + mark.length <= size; at += 4_096) mark.copy(bytes, at);
  return bytes;
}

export const tests = [
  {
    name: 'ranges: any part of a file, and 416 beyond its end',
    async run({ lab }) {
      const [alice, bob] = await lab.users(2);
      const bytes = marked(lab, 300_007);
      const { id, secret } = await upload(lab, alice, bob, bytes);
      const fetch = (range) => lab.rest.call('GET', `/chatfiles/${id}?em-redirect=true&share-secret=${secret}`, { headers: range ? { range } : {} });
      const whole = await fetch();
      check.equal(whole.status, 200);
      check.equal(digest(whole.bytes), digest(bytes));
      check.equal(whole.headers['accept-ranges'], 'bytes');
      for (const [range, from, to] of [['bytes=0-0', 0, 0], ['bytes=0-65535', 0, 65_535], ['bytes=65530-65540', 65_530, 65_540], ['bytes=131072-', 131_072, 300_006], ['bytes=-7', 300_000, 300_006], ['bytes=299999-999999', 299_999, 300_006]]) {
        const part = await fetch(range);
        check.equal(part.status, 206, range);
        check.equal(part.headers['content-range'], `bytes ${from}-${to}/300007`, range);
        check.equal(digest(part.bytes), digest(bytes.subarray(from, to + 1)), range);
      }
      for (const range of ['bytes=300007-', 'bytes=400000-500000']) {
        const beyond = await fetch(range);
        check.equal(beyond.status, 416, range);
        check.equal(beyond.headers['content-range'], 'bytes */300007');
      }
    },
  },
  {
    name: 'the secret opens a file, in the query or in a header; a wrong one does not; a token only for who is in the conversation',
    async run({ lab }) {
      const [alice, bob, carol] = await lab.users(3);
      const { id, secret } = await upload(lab, alice, bob, marked(lab, 5_000));
      const get = (query, options = {}) => lab.rest.call('GET', `/chatfiles/${id}${query}`, options);
      check.equal((await get(`?share-secret=${secret}`)).status, 200);
      check.equal((await get('', { headers: { 'share-secret': secret } })).status, 200);
      for (const user of [alice, bob]) check.equal((await get('', { token: lab.token(user) })).status, 200);
      for (const [query, options] of [
        ['', {}],
        ['?share-secret=', {}],
        [`?share-secret=${secret.slice(0, -1)}`, {}],
        [`?share-secret=${secret}x`, {}],
        ['', { token: lab.token(carol) }],
        ['?vframe=true', {}],
      ]) {
        const refused = await get(query, options);
        check.ok([401, 403, 404].includes(refused.status), `${query}: HTTP ${refused.status}`);
        check.equal(typeof refused.body.error, 'string');
      }
      const unknown = await lab.rest.call('GET', `/chatfiles/00000000-0000-4000-8000-000000000000?share-secret=${secret}`);
      check.equal(unknown.status, 404);
      check.equal((await lab.other.rest.call('GET', `/chatfiles/${id}?share-secret=${secret}`)).status, 404);
    },
  },
  {
    name: 'whatever a file says that it is, a browser does not run it',
    async run({ lab }) {
      const [alice, bob] = await lab.users(2);
      const page = Buffer.from(`<html><script>alert(1)</script>${lab.secrets.of('file content')}</html>`);
      const svg = Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script><!-- ${lab.secrets.of('file content')} --></svg>`);
      const gif = Buffer.concat([Buffer.from('GIF89a'), page]);
      for (const [bytes, type, name] of [[page, 'text/html', 'a.html'], [page, 'image/png', 'a.png'], [svg, 'image/svg+xml', 'a.svg'], [gif, 'text/html', 'a.gif']]) {
        const { id, secret } = await upload(lab, alice, bob, bytes, { type, name });
        const got = await lab.rest.call('GET', `/chatfiles/${id}?share-secret=${secret}`);
        check.equal(got.status, 200);
        check.equal(got.headers['x-content-type-options'], 'nosniff');
        check.match(got.headers['content-security-policy'], /sandbox/);
        check.doesNotMatch(got.headers['content-type'] ?? '', /html|svg|xml|javascript/);
        const inert = /^(image\/(png|jpeg|gif|webp)|audio\/|video\/)/.test(got.headers['content-type'] ?? '');
        if (!inert) check.match(got.headers['content-disposition'] ?? '', /^attachment/);
      }
    },
  },
  {
    name: 'names that would lead elsewhere lead nowhere',
    async run({ lab }) {
      const [alice, bob] = await lab.users(2);
      for (const name of ['../../../../etc/passwd', '..%2f..%2fx', 'a/b\\c', '%00.png', '\u202egnp.exe', 'x'.repeat(300), '.', 'CON']) {
        const bytes = marked(lab, 100);
        const { id, secret } = await upload(lab, alice, bob, bytes, { name });
        const got = await lab.rest.call('GET', `/chatfiles/${id}?share-secret=${secret}`);
        check.equal(digest(got.bytes), digest(bytes));
        check.doesNotMatch(got.headers['content-disposition'] ?? '', /[\r\n]|\.\.[/\\]/);
      }
      for (const path of ['/chatfiles/..', '/chatfiles/%2e%2e%2fusers', '/chatfiles/x', `/chatfiles/${'a'.repeat(5_000)}`]) {
        const answer = await lab.rest.call('GET', `${path}?share-secret=x`);
        check.ok([400, 401, 403, 404, 414].includes(answer.status), `${path.slice(0, 40)}: HTTP ${answer.status}`);
      }
    },
  },
  {
    name: 'an upload without a token, without a file, or cut short leaves nothing and is no 400',
    async run({ lab }) {
      const [alice, bob] = await lab.users(2);
      const target = `/chatfiles?chat-type=CHAT&chat-target=${bob.username}`;
      const { headers, body } = multipart('a.bin', 'application/octet-stream', marked(lab, 1_000));
      const anonymous = await lab.rest.call('POST', target, { body, headers });
      check.equal(anonymous.status, 401);
      for (const bad of [Buffer.from('nothing'), body.subarray(0, 20), body.subarray(0, 400), Buffer.alloc(0)]) {
        const answer = await lab.rest.call('POST', target, { token: lab.token(alice), body: bad, headers });
        // The SDK's upload never settles after a 400.
        check.ok(answer.status >= 400 && answer.status !== 400 && answer.status < 500, `HTTP ${answer.status}`);
        check.equal(answer.body.entities, undefined);
      }
    },
  },
];
