// The demo page as a newcomer uses it: opened with the address that the server gives, clicked
// through from the first message to a server that goes away and comes back.
//
// PICTURES=DIR writes the pictures of docs/images there.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { DemoPage, PHONE } from '../lib/demo.js';
import { check } from '../lib/runner.js';
import { Server } from '../lib/server.js';

/** Sends a request to the page's listener with exactly these headers. */
function ask(lab, method, target, headers = {}, body = undefined) {
  const { port, host } = new URL(lab.server.demo.demoUrl);
  return new Promise((resolve, reject) => {
    const request = http.request({ agent: false, host: '127.0.0.1', port, method, path: target, setHost: false, headers: { host, ...headers } }, (answer) => {
      let text = '';
      answer.on('data', (piece) => (text += piece));
      answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, text }));
    });
    request.on('upgrade', (answer, socket) => {
      socket.destroy();
      resolve({ status: answer.statusCode, headers: answer.headers, text: '' });
    });
    request.on('error', reject);
    request.end(body);
  });
}

const UPGRADE = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' };

/** Whether a file below `folder` holds these bytes. */
function holds(folder, bytes) {
  return readdirSync(folder, { recursive: true }).some((name) => {
    const file = path.join(folder, name);
    return statSync(file).isFile() && readFileSync(file).includes(bytes);
  });
}

/** Opens the page, both people online. */
async function opened(lab, cleanup, options) {
  const demo = await DemoPage.open(lab, options);
  cleanup(() => demo.dispose());
  await demo.bothOnline();
  return demo;
}

export const tests = [
  {
    name: 'sent, delivered, read; offline, a message meanwhile, back',
    async run({ lab, secrets, cleanup }) {
      const demo = await opened(lab, cleanup);
      check.equal(new URL(demo.page.url()).hash, '', 'the code does not stay in the address');
      const [alice, bob] = [demo.side('Alice'), demo.side('Bob')];
      check.equal(await alice.words(), 'Online');

      await alice.look();
      const first = secrets.text('hello');
      await alice.write(first);
      await bob.sees(first);
      // Nobody looks at Bob's side: it is delivered, and not read.
      await alice.progress(first, 'delivered');
      check.match(await bob.pane.locator('.badge').innerText(), /^1/);
      await bob.look();
      await alice.progress(first, 'read');
      await bob.pane.locator('.badge').waitFor({ state: 'detached' });

      const answer = secrets.text('hello, too');
      await bob.write(answer);
      await alice.sees(answer);
      await bob.progress(answer, 'delivered');

      await bob.button('Go offline').click();
      await bob.link('offline');
      check.equal(await bob.words(), 'Offline');
      const meanwhile = secrets.text('are you there?');
      await alice.write(meanwhile);
      await alice.progress(meanwhile, 'sent');
      check.equal(await bob.message(meanwhile).count(), 0);
      await bob.button('Go online').click();
      await bob.sees(meanwhile);
      // Alice has looked at her side meanwhile.
      await bob.progress(answer, 'read');
      await alice.progress(meanwhile, 'read');
      check.equal(await bob.message(meanwhile).count(), 1, 'pushed and from history, shown once');

      // What was said is there again, and how far it came.
      await demo.page.reload();
      await demo.bothOnline();
      for (const text of [first, answer, meanwhile]) {
        await alice.sees(text);
        await bob.sees(text);
      }
      await alice.progress(first, 'read');
      check.equal(await alice.pane.locator('.message').count(), 3);
      demo.quiet();
    },
  },
  {
    name: 'the server goes away and comes back',
    timeout: 120_000,
    async run({ lab, secrets, cleanup }) {
      const demo = await opened(lab, cleanup);
      const [alice, bob] = [demo.side('Alice'), demo.side('Bob')];
      // The browser itself says so when a connection is refused.
      demo.expected = [/net::ERR_CONNECTION_REFUSED/, /WebSocket connection to .* failed/];
      await lab.server.stop();
      await alice.link('reconnecting');
      check.equal(await alice.words(), 'Connection lost. Reconnecting…');
      await lab.server.start();
      await demo.bothOnline();
      const after = secrets.text('after the restart');
      await alice.write(after);
      await bob.sees(after);
      await alice.progress(after, 'delivered');

      // Away for so long that the SDK gives up: the page says so, and comes back by itself.
      await lab.server.kill();
      await alice.link('away');
      check.match(await alice.words(), /^The server does not answer\. Trying again/);
      await lab.server.start();
      await demo.bothOnline();
      const again = secrets.text('after the kill');
      await bob.write(again);
      await alice.sees(again);
      demo.quiet();
    },
  },
  {
    name: 'the panel shows the bytes that lie on disk',
    async run({ lab, secrets, cleanup }) {
      const demo = await opened(lab, cleanup);
      const alice = demo.side('Alice');
      const text = secrets.text('what is stored of this?');
      await alice.write(text);
      await alice.progress(text, 'delivered');
      await alice.message(text).getByRole('button', { name: /On disk/ }).click();
      await demo.disk.locator('.quoted', { hasText: text }).waitFor();
      const record = Buffer.from(await demo.disk.getByTestId('record').getAttribute('data-bytes'), 'hex');
      const key = Buffer.from(await demo.disk.getByTestId('stored-key').getAttribute('data-bytes'), 'hex');
      check.ok(record.length > 37 + text.length);
      check.equal(record.includes(text), false);
      check.equal(record[0], 1);
      const shown = await demo.disk.innerText();
      check.match(shown, new RegExp(`No\\. ${record.readBigUInt64BE(1)} in the vault`));
      check.match(shown, /messages of app \d+, stored on the day \d{4}-\d\d-\d\d \(UTC\)/);
      const digits = (await demo.disk.getByTestId('record').innerText()).replace(/^[0-9a-f]{4}\b/gm, '').replace(/\s/g, '');
      check.equal(digits, record.toString('hex'));
      // The same bytes, in the files of the store.
      await lab.server.stop();
      const store = path.join(lab.server.data, 'store');
      check.ok(holds(store, record), 'the record is in no file');
      check.ok(holds(store, key.subarray(0, 21)), 'the key is in no file');
      check.equal(holds(store, Buffer.from(text)), false);
      await lab.server.start();
    },
  },
  {
    name: 'a code opens the page once; a browser that was let in stays in',
    async run({ lab, cleanup }) {
      const { demoUrl } = lab.server.readDemo();
      const demo = await opened(lab, cleanup, { url: demoUrl });
      const next = lab.server.readDemo().demoUrl;
      check.notEqual(next, demoUrl, 'another code counts now');
      // In the same browser, the same link again, or none.
      await demo.page.goto(new URL('/', demoUrl).href);
      await demo.bothOnline();
      demo.expected = [/403 \(Forbidden\)/];
      await demo.page.goto('about:blank');
      await demo.page.goto(demoUrl);
      await demo.bothOnline();
      demo.quiet();

      for (const [url, kind, words] of [
        [demoUrl, 'code-refused', /demo\.json/],
        [new URL('/#code=abcdefghijkmnpqrstuvwxyz23', demoUrl).href, 'code-refused', /cargo xtask up/],
        [new URL('/', demoUrl).href, 'no-code', /one-time link/],
      ]) {
        const stranger = await DemoPage.open(lab, { url });
        cleanup(() => stranger.dispose());
        await stranger.gate(kind);
        check.match(await stranger.page.locator('main').innerText(), words);
        await stranger.accessible(kind);
      }
      const other = await opened(lab, cleanup, { url: next });
      // The same people in another browser: another device of theirs.
      const [cookie] = await other.context.cookies(new URL('/demo/tokens', next).href);
      check.deepEqual([cookie.httpOnly, cookie.sameSite, cookie.path], [true, 'Strict', '/demo']);
    },
  },
  {
    name: 'a second window takes over, and the first says so; a person whom the server puts out says that',
    async run({ lab, secrets, cleanup }) {
      const demo = await opened(lab, cleanup);
      const bob = demo.side('Bob');
      const again = await demo.again();
      await again.bothOnline();
      await bob.link('replaced');
      check.equal(await bob.words(), 'Open in another window');
      await demo.accessible('replaced');
      for (const name of ['Alice', 'Bob']) await demo.side(name).button('Use here').click();
      await demo.bothOnline();
      await again.side('Bob').link('replaced');
      await again.page.close();

      const admin = { token: lab.admin };
      check.equal((await lab.rest.call('POST', '/users/demo-bob/deactivate', admin)).status, 200);
      await bob.link('refused');
      check.match(await bob.words(), /^Refused: /);
      check.equal((await lab.rest.call('POST', '/users/demo-bob/activate', admin)).status, 200);
      await bob.button('Try again').click();
      await bob.link('online');
      const text = secrets.text('in again');
      await bob.write(text);
      await demo.side('Alice').sees(text);
      demo.quiet();
    },
  },
  {
    name: 'tokens are renewed before they end',
    async run({ lab, cleanup }) {
      const demo = await opened(lab, cleanup, { clock: true });
      const [asked, renewed] = [demo.page.waitForRequest(/\/demo\/tokens$/), demo.page.waitForResponse(/\/users\/demo-bob\/token\/expires/)];
      // Four fifths of the ten minutes are over, by the clock of the page.
      await demo.page.clock.fastForward('08:05');
      await asked;
      check.equal((await renewed).status(), 200);
      await demo.bothOnline();
      demo.quiet();
    },
  },
  {
    name: 'other names and other pages are refused',
    async run({ lab }) {
      const { port, host, origin } = new URL(lab.server.demo.demoUrl);
      const page = await ask(lab, 'GET', '/');
      check.equal(page.status, 200);
      check.match(page.headers['content-security-policy'], /^default-src 'none'; script-src 'self'; style-src 'self'/);
      check.equal(/unsafe|\*/.test(page.headers['content-security-policy']), false);
      check.equal(page.headers['x-content-type-options'], 'nosniff');
      check.equal(page.headers['referrer-policy'], 'no-referrer');
      check.equal((await ask(lab, 'GET', '/', { 'if-none-match': page.headers.etag })).status, 304);
      const [script] = page.text.match(/\/assets\/index-[\w-]+\.js/);
      check.match((await ask(lab, 'GET', script)).headers['cache-control'], /immutable/);
      check.equal((await ask(lab, 'GET', '/assets/nothing.js')).status, 404);
      check.match((await ask(lab, 'GET', '/third-party.txt')).text, /agora-chat 1\.4\.0 \(ISC\)[\s\S]*react-dom .* \(MIT\)/);

      for (const other of ['rebound.example', `rebound.example:${port}`, 'localhost', `localhost:${Number(port) + 1}`]) {
        for (const target of ['/', '/demo/tokens', '/healthz', '/ws']) {
          const refused = await ask(lab, 'GET', target, { host: other, ...(target === '/ws' ? UPGRADE : {}) });
          check.equal(refused.status, 421, `${other}${target}`);
          check.match(refused.text, new RegExp(`http://${host}`));
        }
      }
      for (const name of ['127.0.0.1', '[::1]']) check.equal((await ask(lab, 'GET', '/', { host: `${name}:${port}` })).status, 200);
      const json = { 'content-type': 'application/json' };
      for (const foreign of ['http://rebound.example', `http://localhost:${Number(port) + 1}`, 'null', `https://${host}`]) {
        check.equal((await ask(lab, 'POST', '/demo/tokens', { ...json, origin: foreign })).status, 403);
        check.equal((await ask(lab, 'GET', '/ws', { ...UPGRADE, origin: foreign })).status, 403);
      }
      check.equal((await ask(lab, 'GET', '/ws', { ...UPGRADE, origin })).status, 101);
      check.equal((await ask(lab, 'POST', '/demo/tokens')).status, 403, 'a page names its origin');
      check.equal((await ask(lab, 'POST', '/demo/tokens', { origin })).status, 401);
      check.equal((await ask(lab, 'GET', '/demo/records/1')).status, 401);
      const long = JSON.stringify({ code: 'x'.repeat(5000) });
      check.equal((await ask(lab, 'POST', '/demo/session', { ...json, origin, 'content-length': long.length }, long)).status, 413);
      // The page's door is not that of the server: there is no page on the TLS listener.
      check.equal((await lab.rest.call('GET', '/../../demo/tokens')).status, 404);
    },
  },
  {
    name: 'on a phone one side at a time, by touch and by keyboard',
    async run({ lab, secrets, cleanup }) {
      const demo = await DemoPage.open(lab, { viewport: PHONE });
      cleanup(() => demo.dispose());
      const { page } = demo;
      const [alice, bob] = [demo.side('Alice'), demo.side('Bob')];
      await alice.link('online');
      await demo.fits();
      check.equal(await bob.pane.isVisible(), false);
      const text = secrets.text('from a phone');
      await alice.write(text);
      await alice.progress(text, 'delivered');
      await demo.accessible('phone');
      await page.getByRole('tab', { name: 'Alice' }).focus();
      await page.keyboard.press('ArrowRight');
      await bob.sees(text);
      check.equal(await bob.pane.isVisible(), true);
      check.equal(await alice.pane.isVisible(), false);
      await demo.fits();
      await page.getByRole('tab', { name: 'On disk' }).click();
      await demo.disk.getByTestId('record').waitFor();
      await demo.fits();
      await demo.accessible('phone, on disk');
      await page.getByRole('tab', { name: 'Alice' }).click();
      await alice.progress(text, 'read');
      demo.quiet();
    },
  },
  {
    name: 'light and dark, without an accessibility violation; the whole way by keyboard',
    async run({ lab, secrets, cleanup }) {
      for (const scheme of ['light', 'dark']) {
        const demo = await opened(lab, cleanup, { scheme });
        const { page } = demo;
        const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
        const before = await ground();
        await demo.accessible(scheme);
        await page.getByRole('combobox', { name: 'Theme' }).selectOption(scheme === 'light' ? 'dark' : 'light');
        check.notEqual(await ground(), before);
        await demo.accessible(`${scheme}, turned over`);
        await page.reload();
        check.notEqual(await ground(), before, 'the choice is remembered');
        await page.getByRole('combobox', { name: 'Theme' }).selectOption('system');
        check.equal(await ground(), before);
        demo.quiet();
      }
      const demo = await opened(lab, cleanup);
      const { page } = demo;
      const text = secrets.text('typed');
      const focused = () => page.evaluate(() => document.activeElement?.getAttribute('placeholder') ?? document.activeElement?.textContent);
      for (let presses = 0; (await focused()) !== 'Write to Bob'; presses += 1) {
        check.ok(presses < 60, 'the field cannot be reached by keyboard');
        await page.keyboard.press('Tab');
      }
      await page.keyboard.type(text);
      await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      await demo.side('Bob').sees(text);
      await demo.side('Alice').progress(text, 'delivered');
      await demo.accessible('with messages');
      demo.quiet();
    },
  },
  {
    name: 'from the start of a server to the first message seen',
    async run({ lab, secrets, binary, cleanup }) {
      const server = new Server(binary, 'first', 'info');
      cleanup(() => server.dispose());
      const started = performance.now();
      await server.start();
      const ready = performance.now();
      const demo = await opened({ ...lab, server }, cleanup);
      const online = performance.now();
      const text = secrets.text('the first message');
      await demo.side('Alice').write(text);
      await demo.side('Bob').sees(text);
      const seen = performance.now();
      const seconds = (from, to) => ((to - from) / 1000).toFixed(1);
      console.log(`        ready after ${seconds(started, ready)} s, both online after ${seconds(started, online)} s, first message seen after ${seconds(started, seen)} s`);
      check.ok(seen > started);
      demo.quiet();
    },
  },
  ...(process.env.PICTURES ? [{ name: 'pictures', run: pictures }] : []),
];

/** The pictures of the documentation, of a server that has heard nothing else. */
async function pictures({ lab, binary, cleanup }) {
  const folder = process.env.PICTURES;
  const server = new Server(binary, 'pictures', 'info');
  cleanup(() => server.dispose());
  await server.start();
  const own = { ...lab, server };
  const demo = await opened(own, cleanup);
  const [alice, bob] = [demo.side('Alice'), demo.side('Bob')];
  await alice.look();
  await alice.write('Hi Bob! This goes through a server of our own.');
  await alice.progress('Hi Bob', 'delivered');
  await bob.look();
  await bob.write('And nobody else reads along?');
  await bob.progress('And nobody', 'delivered');
  await alice.look();
  await alice.write('Not even who has the disk. Look to the right.');
  await bob.sees('Not even');
  await bob.look();
  await alice.progress('Not even', 'read');
  await alice.look();
  await bob.progress('And nobody', 'read');
  await alice.write('Are you still there?');
  await alice.progress('Are you', 'delivered');
  await demo.disk.getByTestId('record').waitFor();
  await demo.page.screenshot({ path: path.join(folder, 'demo-desktop.png') });
  await demo.page.emulateMedia({ colorScheme: 'dark' });
  await demo.page.screenshot({ path: path.join(folder, 'demo-dark.png') });
  await demo.page.emulateMedia({ colorScheme: 'light' });
  await demo.page.setViewportSize({ width: 900, height: 900 });
  if (process.env.PICTURES_ALL) await demo.page.screenshot({ path: path.join(folder, 'demo-middle.png'), fullPage: true });
  // What this browser knows of receipts goes along: another would only know that they were sent.
  const memory = await demo.context.storageState();
  const phone = await DemoPage.open(own, { url: new URL('/', server.demo.demoUrl).href, viewport: PHONE, scale: 2, memory });
  cleanup(() => phone.dispose());
  await phone.side('Alice').progress('Not even', 'read');
  await phone.page.screenshot({ path: path.join(folder, 'demo-phone.png') });
  if (process.env.PICTURES_ALL) {
    await phone.page.getByRole('tab', { name: 'On disk' }).click();
    await phone.disk.getByTestId('record').waitFor();
    await phone.page.screenshot({ path: path.join(folder, 'demo-phone-disk.png') });
    const refused = await DemoPage.open(own, { url: new URL('/#code=abc', server.demo.demoUrl).href, viewport: PHONE });
    cleanup(() => refused.dispose());
    await refused.gate('code-refused');
    await refused.page.screenshot({ path: path.join(folder, 'gate.png') });
  }
}
