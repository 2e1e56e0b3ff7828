// The browser: a page for each device, serving the SDK as it came from the package, with every
// request, socket and frame seen from outside the page.

import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { chromium } from 'playwright-core';
import { within } from './runner.js';
import { surface } from './surface.js';

const require = createRequire(import.meta.url);
const SDK_FILE = require.resolve('agora-chat/Agora-chat.js');
const SDK_SHA256 = 'd62c2ddfe54ed761252518469a791c1e0f6b77dacf02d10e1064f48c850c1172';
const EVENT_MS = 30_000;

/** Serves the page and the SDK's own file on a loopback port. */
export async function startPages() {
  const sdk = readFileSync(SDK_FILE);
  const hash = createHash('sha256').update(sdk).digest('hex');
  if (hash !== SDK_SHA256) throw new Error(`this is not the published SDK 1.4.0: ${SDK_FILE} has ${hash}`);
  const files = {
    '/': ['text/html', '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script src="/sdk.js"></script><script src="/events.js"></script><script src="/page.js"></script>'],
    '/sdk.js': ['text/javascript', sdk],
    '/events.js': ['text/javascript', `window.labEvents = ${JSON.stringify(surface().events.map(({ name }) => name))};`],
    '/page.js': ['text/javascript', readFileSync(new URL('./page.js', import.meta.url))],
  };
  const server = http.createServer((incoming, outgoing) => {
    const file = files[incoming.url];
    if (!file) return outgoing.writeHead(404).end();
    return outgoing.writeHead(200, { 'content-type': `${file[0]}; charset=utf-8` }).end(file[1]);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { origin: `http://localhost:${server.address().port}`, close: () => server.close() };
}

/**
 * Starts Chromium. TLS stays on; what it trusts beyond the public authorities are exactly the keys
 * whose hashes are given, which were verified against the server's CA file before.
 */
export function startBrowser(keyHashes, executablePath) {
  return chromium.launch({
    executablePath,
    args: [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--disable-background-timer-throttling',
      '--disable-renderer-backgrounding',
      '--disable-backgrounding-occluded-windows',
      // Nothing but loopback resolves: a page that asked for another host would be seen, and get nothing.
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
      `--ignore-certificate-errors-spki-list=${keyHashes.join(',')}`,
    ],
  });
}

let devices = 0;

/**
 * A browser profile with its page. Starting one costs more than anything that most tests do, so
 * that profiles are wiped and used again; `device` is whose page it is now.
 */
class Profile {
  static async create(lab, context) {
    const profile = new Profile();
    profile.lab = lab;
    profile.shared = Boolean(context);
    profile.context = context ?? (await lab.browser.newContext());
    profile.page = await profile.context.newPage();
    await profile.page.exposeBinding('__events', (_source, list) => profile.device?.receive(list));
    profile.watch();
    return profile;
  }

  get label() {
    return this.device?.label ?? 'idle page';
  }

  watch() {
    const { auditor, hosts, pages, pageErrors } = this.lab;
    this.page.on('request', (request) => hosts.note(request.url(), this.label));
    this.page.on('pageerror', (error) => pageErrors.push(`${this.label}: ${error?.stack ?? error}`));
    this.page.on('response', async (response) => {
      if (new URL(response.url()).origin === pages.origin) return;
      const label = `${this.label} ${response.request().method()}`;
      const body = response.status() === 406 ? await response.json().catch(() => undefined) : undefined;
      auditor.response(label, response.status(), body);
    });
    this.page.on('websocket', (socket) => {
      hosts.note(socket.url(), this.label);
      if (this.device) this.device.sockets += 1;
      const audit = auditor.session(this.label, this.device?.instance);
      socket.on('framesent', ({ payload }) => audit.sent(Buffer.from(payload)));
      socket.on('framereceived', ({ payload }) => audit.received(Buffer.from(payload)));
      socket.on('close', () => audit.closed());
    });
  }

  /** Leaves nothing of the last device behind; a profile that cannot be wiped is thrown away. */
  async release() {
    this.device = undefined;
    if (this.shared) return this.page.close();
    if (this.context.pages().length > 1 || this.altered) return this.context.close();
    await this.page.evaluate(() => {
      window.lab.close();
      localStorage.clear();
    });
    this.lab.idle.push(this);
    return undefined;
  }
}

/** One installation of an app: a browser profile of its own (or that of `beside`), one page, one SDK object. */
export class Device {
  static async start(lab, { beside, label, ...options } = {}) {
    const device = new Device();
    devices += 1;
    device.label = `${label ?? 'device'} ${devices}`;
    device.lab = lab;
    device.events = [];
    /** How many sockets its page has opened. */
    device.sockets = 0;
    /** The methods of the SDK that were called: what a case says that it covers is held against it. */
    device.called = new Set();
    device.listeners = new Set();
    device.instance = {};
    device.profile = (!beside && lab.idle.pop()) || (await Profile.create(lab, beside?.context));
    // Events of the page as it was are nobody's; the new page belongs to the new device.
    await device.page.goto(`${lab.pages.origin}/`);
    device.profile.device = device;
    await device.configure(options);
    return device;
  }

  get page() {
    return this.profile.page;
  }

  get context() {
    return this.profile.context;
  }

  /** Says that the profile was changed in a way that cannot be undone, so that no other test gets it. */
  alter() {
    this.profile.altered = true;
  }

  /** Makes a new SDK object in the page. */
  async configure(options = {}) {
    const { demo } = this.lab.server;
    const { dns, ...rest } = options;
    this.called.add('addEventHandler');
    const settings = { appKey: demo.appKey, isHttpDNS: false, url: demo.wsUrl, apiUrl: demo.restUrl, ...rest };
    await this.page.evaluate(([given, hosts]) => window.lab.open(given, hosts), [settings, dns ?? null]);
  }

  receive(list) {
    for (const event of list) {
      this.events.push(event);
      for (const listener of this.listeners) listener(event);
    }
  }

  /** Logs in and notes what a log could betray. Never rejects: the outcome is in the result. */
  async login(options) {
    this.called.add('open');
    const outcome = await within(60_000, `login on ${this.label}`, this.page.evaluate((given) => window.lab.login(given), options));
    const resource = outcome.resource || (await this.page.evaluate(() => window.lab.resource()));
    if (resource) this.resource = this.lab.secrets.add('resource', resource);
    return outcome;
  }

  /** Sends one message; resolves with `{ok, serverMsgId, message}` or `{ok: false, error}`. */
  async send(parameters) {
    return (await this.sendAll([parameters]))[0];
  }

  async sendAll(list) {
    this.called.add('send');
    const complete = list.map((one) => ({ chatType: 'singleChat', ...one }));
    const results = await within(60_000, `send on ${this.label}`, this.page.evaluate((given) => window.lab.send(given), complete));
    for (const one of results) if (one.ok) this.lab.secrets.messageIds.add(one.serverMsgId);
    return results;
  }

  text(to, msg, more = {}) {
    return this.send({ type: 'txt', to, msg, ...more });
  }

  /** Calls a method of the SDK's connection. */
  call(method, ...args) {
    this.called.add(method);
    return within(60_000, `${method} on ${this.label}`, this.page.evaluate(([name, given]) => window.lab.call(name, ...given), [method, args]));
  }

  /** Calls a method and resolves with its result; rejects when the SDK did. */
  async ask(method, ...args) {
    const outcome = await this.call(method, ...args);
    if (!outcome.ok) throw new Error(`${method} on ${this.label}: ${JSON.stringify(outcome.error)}`);
    return outcome.result;
  }

  /** Calls a method that must be refused, and resolves with the SDK's error. */
  async refused(method, ...args) {
    const outcome = await this.call(method, ...args);
    if (outcome.ok) throw new Error(`${method} on ${this.label} was not refused: ${JSON.stringify(outcome.result)}`);
    if (typeof outcome.error.type !== 'number') throw new Error(`${method} on ${this.label}: an error without a type: ${JSON.stringify(outcome.error)}`);
    return outcome.error;
  }

  /** Sends one message that must be taken. */
  async tell(parameters) {
    const outcome = await this.send(parameters);
    if (!outcome.ok) throw new Error(`send on ${this.label}: ${JSON.stringify(outcome.error)}`);
    return outcome;
  }

  modify(messageId, parameters) {
    this.called.add('modifyMessage');
    return within(60_000, `modifyMessage on ${this.label}`, this.page.evaluate(([id, given]) => window.lab.modify(id, given), [messageId, { chatType: 'singleChat', ...parameters }]));
  }

  /** Uploads the described file by a method of the SDK that takes callbacks. */
  upload(method, parameters, file) {
    this.called.add(method);
    return this.transfer(method, [method, parameters, file, 'onFileUploadComplete', 'onFileUploadError']);
  }

  /** Downloads by a method of the SDK that takes callbacks. */
  downloadBy(method, parameters) {
    this.called.add(method);
    return this.transfer(method, [method, parameters, null, 'onFileDownloadComplete', 'onFileDownloadError']);
  }

  transfer(method, given) {
    return within(60_000, `${method} on ${this.label}`, this.page.evaluate((args) => window.lab.transfer(...args), given));
  }

  /** Downloads a URL of a message by the SDK's helper: `{ok, result: {size, type, digest, text}}`. */
  download(url, secret) {
    return within(60_000, `download on ${this.label}`, this.page.evaluate((args) => window.lab.download(...args), [url, secret]));
  }

  /** Loads a URL as an `<img>`: `{ok, width, height}`. */
  image(url) {
    return within(60_000, `image on ${this.label}`, this.page.evaluate((given) => window.lab.image(given), url));
  }

  /** Adds a second handler that notes the ids of texts in the page. */
  listenBeside(id) {
    return this.page.evaluate((name) => window.lab.beside(name), id);
  }

  /** Listens by the SDK's older call, noting texts in the page as it gives them. */
  listenOld() {
    this.called.add('listen');
    return this.page.evaluate(() => window.lab.listenOld());
  }

  /** Whether an old name is the same function of the SDK as a new one. */
  async same(old, current) {
    const same = await this.page.evaluate(([one, other]) => window.lab.same(one, other), [old, current]);
    if (same) this.called.add(old);
    return same;
  }

  /** The rows of the declarations that this device has used or seen so far. */
  used() {
    const rows = new Set(this.called);
    for (const { name, data } of this.events) {
      rows.add(`event:${name}`);
      if (data?.operation) rows.add(`event:${name}/${data.operation}`);
    }
    return rows;
  }

  get(property) {
    return this.page.evaluate((name) => window.lab.get(name), property);
  }

  /** Events so far of that name (all names if none is given) that fit. */
  seen(name, fits = () => true) {
    return this.events.filter((event) => (!name || event.name === name) && fits(event.data)).map((event) => event.data);
  }

  /** Resolves with the data of the first event, past or future, that fits. */
  event(name, fits = () => true, ms = EVENT_MS) {
    const past = this.events.find((event) => event.name === name && fits(event.data));
    if (past) return Promise.resolve(past.data);
    return this.until(name, ms, (event) => event.name === name && fits(event.data)).then((event) => event.data);
  }

  /** When the page had the first event, past or future, that fits: milliseconds since 1970. */
  async when(name, fits = () => true, ms = EVENT_MS) {
    await this.event(name, fits, ms);
    return this.events.find((event) => event.name === name && fits(event.data)).at;
  }

  /** Breaks the connection, and resolves when the SDK has found its way back. */
  async severed() {
    await this.page.evaluate(() => window.lab.sever());
    await this.event('onReconnecting');
    await this.connected();
  }

  /** Resolves when `count` events of that name that fit have come, with all of them. */
  async several(name, count, fits = () => true, ms = EVENT_MS) {
    if (this.seen(name, fits).length < count) {
      let rest = count - this.seen(name, fits).length;
      await this.until(`${name} (${count} of them; ${count - rest} came)`, ms, (event) => event.name === name && fits(event.data) && (rest -= 1) === 0);
    }
    return this.seen(name, fits);
  }

  /** Resolves when the SDK has a connection: at once, or when it has found its way back. */
  async connected(ms = 90_000) {
    const CHANGES = { onConnected: true, onReconnecting: false, onDisconnected: false };
    const up = () => CHANGES[this.events.findLast((event) => event.name in CHANGES)?.name] === true;
    const from = this.events.length;
    this.called.add('isOpened');
    if (up() && (await this.page.evaluate(() => window.lab.isOpened()))) return;
    if (this.events.slice(from).some((event) => event.name === 'onConnected')) return;
    await this.until('onConnected', ms, (event) => event.name === 'onConnected');
  }

  until(what, ms, fits) {
    let listener;
    const arrived = new Promise((resolve) => {
      listener = (event) => fits(event) && resolve(event);
      this.listeners.add(listener);
    });
    return within(ms, `${what} on ${this.label}`, arrived).finally(() => this.listeners.delete(listener));
  }

  close() {
    this.called.add('close');
    return this.page.evaluate(() => window.lab.close());
  }

  async dispose() {
    if (this.disposed) return;
    this.disposed = true;
    await this.profile.release();
  }
}
