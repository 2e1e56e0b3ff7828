// A client that is not the SDK: speaks MSYNC frame by frame, correctly or not, as the test wants.

import WebSocket from 'ws';
import { within } from './runner.js';
import { Command, CommNotice, CommSyncDL, CommSyncUL, CommUnreadDL, dec, encode, frame, MessageBody, MSync, Ns, Provision } from './wire.js';

const FRAME_MS = 15_000;
let ids = 500_000_000_000;

export class Socket {
  static async open(lab, { url, label = 'raw socket' } = {}) {
    const socket = new Socket();
    socket.lab = lab;
    socket.frames = [];
    socket.listeners = new Set();
    socket.audit = lab.auditor.session(label);
    socket.ws = new WebSocket(url ?? lab.server.demo.wsUrl, { ca: lab.server.ca, perMessageDeflate: false });
    socket.closed = new Promise((resolve) => socket.ws.once('close', (code) => ((socket.isClosed = true), resolve(code))));
    socket.ws.on('error', () => {});
    socket.ws.on('message', (bytes) => {
      socket.audit.received(bytes);
      const decoded = decode(bytes);
      socket.frames.push(decoded);
      for (const listener of socket.listeners) listener(decoded);
    });
    await within(FRAME_MS, `${label}: upgrade`, new Promise((resolve, reject) => {
      socket.ws.once('open', resolve);
      socket.ws.once('error', reject);
    }));
    return socket;
  }

  send(bytes) {
    if (this.ws.readyState === WebSocket.OPEN) {
      this.audit.sent(bytes);
      this.ws.send(bytes);
    }
  }

  /** The first frame after `from` that fits. */
  frame(fits, { from = 0, ms = FRAME_MS, what = 'frame' } = {}) {
    const past = this.frames.slice(from).find(fits);
    if (past) return Promise.resolve(past);
    let listener;
    const arrived = new Promise((resolve, reject) => {
      listener = (one) => fits(one) && resolve(one);
      this.listeners.add(listener);
      this.closed.then((code) => reject(new Error(`closed with ${code} while waiting for ${what}`)));
    });
    return within(ms, what, arrived).finally(() => this.listeners.delete(listener));
  }

  provision({ user, token, resource = 'webim_raw', appKey = this.lab.server.demo.appKey, guid, body = {} }) {
    this.user = user;
    this.send(
      frame(
        Command.PROVISION,
        encode(Provision, {
          osType: 16,
          version: '1.4.0',
          compressType: [0],
          encryptType: [0],
          deviceUuid: 'raw',
          deviceName: 'raw',
          resource,
          actionVersion: 'v5.1',
          authToken: JSON.stringify({ token: `$t$${token}` }),
          sessionId: `${Date.now()}:`,
          ...body,
        }),
        { guid: guid ?? { appKey, name: user, domain: 'easemob.com', clientResource: resource }, auth: `$t$${token}`, deviceId: 0 },
      ),
    );
  }

  /** Sends a login and returns the server's answer. */
  async login(options) {
    const from = this.frames.length;
    this.provision(options);
    return (await this.frame((one) => one.provision, { from, what: 'the login answer' })).provision;
  }

  /** Sends a meta as it is; resolves with the ack. */
  async meta(fields) {
    const id = fields.id ?? String((ids += 1));
    const from = this.frames.length;
    this.send(frame(Command.SYNC, encode(CommSyncUL, { meta: { id, ...fields } })));
    return (await this.frame((one) => one.sync?.metaId?.toString() === id, { from, what: `the ack of meta ${id}` })).sync;
  }

  /** A text message as the SDK would send it; resolves with the ack. */
  text(to, text, more = {}) {
    return this.meta({ ...this.textMeta(to, text), ...more });
  }

  textMeta(to, text) {
    const payload = encode(MessageBody, { type: 1, from: { name: this.user }, to: { name: to }, contents: [{ type: 0, text }] });
    return { to: { appKey: this.lab.server.demo.appKey, name: to, domain: 'easemob.com' }, ns: Ns.CHAT, payload, routetype: 0 };
  }

  pull(queue, key) {
    this.send(frame(Command.SYNC, encode(CommSyncUL, { queue, ...(key && { key }) })));
  }

  /** From now on behaves like a good client: pulls what is announced, acknowledges what came. */
  follow() {
    const pulling = new Set();
    const pull = (queue) => {
      if (pulling.has(queue.name)) return;
      pulling.add(queue.name);
      this.pull(queue);
    };
    this.listeners.add(({ notice, sync, unread }) => {
      if (notice) pull(notice.queue);
      for (const entry of unread?.unread ?? []) pull(entry.queue);
      if (!sync?.queue || dec(sync.metaId) !== '0') return;
      if (sync.isLast) pulling.delete(sync.queue.name);
      else this.pull(sync.queue, dec(sync.nextKey));
    });
    this.unread();
  }

  /** Resolves with the meta of that id, past or future. */
  async arrival(id, what = 'a message') {
    const fits = (meta) => dec(meta.id) === id;
    const { sync } = await this.frame((one) => one.sync?.metas.some(fits), { what });
    return sync.metas.find(fits);
  }

  unread() {
    this.send(frame(Command.UNREAD));
  }

  async dispose() {
    this.audit.closed();
    this.ws.terminate();
  }
}

function decode(bytes) {
  try {
    const outer = MSync.decode(bytes);
    if (outer.command === Command.PROVISION) return { provision: Provision.decode(outer.payload) };
    if (outer.command === Command.UNREAD) return { unread: CommUnreadDL.decode(outer.payload) };
    if (outer.command === Command.NOTICE) return { notice: CommNotice.decode(outer.payload) };
    return { sync: CommSyncDL.decode(outer.payload) };
  } catch (error) {
    return { error };
  }
}
