// One server with the browser that trusts it, and what the tests need around them.

import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Device, startBrowser, startPages } from './browser.js';
import { Rest } from './rest.js';
import { Socket } from './socket.js';
import { Server } from './server.js';
import { Tenant } from './tenant.js';
import { Tokens } from './tokens.js';

/** A second app on the same server, with the stricter setting of who may enter. */
const OTHER_APP = 'second#app';
/** A third, in which anybody may register, and who joins a room gets few of the last messages. */
const OPEN_APP = 'open#app';
const ROOM_HISTORY = 3;

/** The hosts that pages may contact: the page's own and the server's. Any other is kept as a problem. */
class Hosts {
  constructor() {
    this.allowed = new Set();
    this.contacted = new Map();
    this.foreign = [];
  }

  note(url, who) {
    if (url.startsWith('data:') || url.startsWith('blob:')) return;
    const { host } = new URL(url);
    this.contacted.set(host, (this.contacted.get(host) ?? 0) + 1);
    if (!this.allowed.has(host)) this.foreign.push(`${who}: ${url}`);
  }
}

export class Lab {
  /** `beside` makes further servers of the same test, before anything is started. */
  static async start({ binary, chromium, name, logLevel, auditor, secrets, beside }) {
    const lab = new Lab();
    Object.assign(lab, { auditor, secrets, hosts: new Hosts(), pageErrors: [], idle: [], devices: 0 });
    lab.server = new Server(binary, name, logLevel);
    lab.beside = [];
    let other;
    let open;
    try {
      if (beside) lab.beside.push(await beside(lab.server));
      other = await lab.server.createApp(OTHER_APP);
      open = await lab.server.createApp(OPEN_APP, 'open');
      await lab.server.setApp(OPEN_APP, 'room-history', ROOM_HISTORY);
      for (const server of lab.servers) await server.start();
      lab.pages = await startPages();
      lab.browser = await startBrowser((await Promise.all(lab.servers.map((server) => server.publicKeyHashes()))).flat(), chromium);
    } catch (error) {
      await lab.dispose();
      throw error;
    }
    const { demo } = lab.server;
    for (const url of [lab.pages.origin, demo.restUrl, demo.wsUrl]) lab.hosts.allowed.add(new URL(url).host);
    for (const { demo: { restUrl, wsUrl } } of lab.beside) for (const url of [restUrl, wsUrl]) lab.hosts.allowed.add(new URL(url).host);
    for (const server of lab.beside) secrets.add('certificate', server.demo.certificate);
    secrets.add('certificate', demo.certificate);
    secrets.add('certificate', other.certificate);
    secrets.add('certificate', open.certificate);
    secrets.add('root key', lab.server.rootKey);
    for (const { username, password } of demo.users) {
      if (username.length >= 8) secrets.add('user name', username);
      secrets.add('password', password);
    }
    lab.rest = new Rest(lab.server, auditor, demo);
    lab.other = { ...other, rest: new Rest(lab.server, auditor, other), tokens: new Tokens(other, secrets) };
    lab.open = { ...open, roomHistory: ROOM_HISTORY, rest: new Rest(lab.server, auditor, open), tokens: new Tokens(open, secrets) };
    lab.tokens = new Tokens(demo, secrets);
    return lab;
  }

  /** All servers of the lab. */
  get servers() {
    return [this.server, ...this.beside];
  }

  /** The demo's app, as its back end has it. */
  get tenant() {
    return new Tenant(this, this.server.demo);
  }

  /** A new app on the running server, which no other test has. */
  async newTenant(auth = 'token', appKey = `t${randomBytes(6).toString('hex')}#app`) {
    const app = await this.server.createApp(appKey, auth);
    this.secrets.add('certificate', app.certificate);
    return new Tenant(this, app);
  }

  device(options) {
    this.devices += 1;
    return Device.start(this, options);
  }

  socket(options) {
    return Socket.open(this, options);
  }

  /** An app token, as a back end would keep one. */
  get admin() {
    if (!this.adminToken || Date.now() > this.adminUntil) {
      this.adminToken = this.tokens.app(3600);
      this.adminUntil = Date.now() + 1_800_000;
    }
    return this.adminToken;
  }

  /** Registers a user with a new name and password. */
  async user(prefix) {
    const username = this.secrets.name(prefix);
    const password = this.secrets.password();
    const answer = await this.rest.call('POST', '/users', { token: this.admin, json: { username, password } });
    if (answer.status !== 200) throw new Error(`register: HTTP ${answer.status} ${answer.text}`);
    const { uuid } = answer.body.entities[0];
    this.secrets.add('user uuid', uuid);
    return { username, password, uuid };
  }

  async users(count) {
    return Promise.all(Array.from({ length: count }, () => this.user()));
  }

  /** A token for `user` by the official builder. */
  token(user, seconds) {
    return this.tokens.user(user.username, seconds);
  }

  /** A device on which `user` is logged in. */
  async online(user, options = {}) {
    const device = await this.device(options);
    await this.login(device, user);
    return device;
  }

  async login(device, user) {
    const outcome = await device.login({ user: user.username, accessToken: this.token(user) });
    if (!outcome.ok) throw new Error(`login on ${device.label}: ${JSON.stringify(outcome.error)}`);
    await device.event('onConnected');
  }

  /** The devices on which the user is online. */
  async resources(user) {
    const answer = await this.rest.call('GET', `/users/${user.username}/resources`, { token: this.admin });
    return answer.body.data.map((one) => one.res);
  }

  /** Resolves when the server no longer counts the user as online. */
  async offline(user) {
    const deadline = Date.now() + 20_000;
    for (;;) {
      const answer = await this.rest.call('GET', `/users/${user.username}/status`, { token: this.admin });
      if (answer.body?.data?.[user.username] === 'offline') return;
      if (Date.now() > deadline) throw new Error('the user stays online');
      await pause(20);
    }
  }

  async dispose(options) {
    await this.browser?.close();
    this.pages?.close();
    for (const server of this.servers) await server.dispose(options);
  }
}
