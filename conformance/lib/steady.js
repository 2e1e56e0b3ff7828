// A sender and a reader that outlive the server: when it goes away they come back, and go on.

import { setTimeout as pause } from 'node:timers/promises';
import { Socket } from './socket.js';
import { Command, CommSyncUL, dec, encode, frame } from './wire.js';

let ids = 800_000_000_000;

/** Opens a session as soon as the server takes one. */
async function session(lab, user, resource, stopped) {
  for (;;) {
    try {
      const socket = await Socket.open(lab, { label: 'steady' });
      const answer = await socket.login({ user: user.username, token: lab.token(user), resource });
      if (answer.status.errorCode === 0) return socket;
      await socket.dispose();
    } catch {
      if (stopped()) return undefined;
    }
    await pause(50);
  }
}

/** Sends numbered texts without end, a window of them at a time, each until it is acknowledged. */
export class SteadySender {
  constructor(lab, user, peer) {
    Object.assign(this, { lab, user, peer, resource: lab.secrets.name('webim_') });
    this.open = new Map();
    this.acknowledged = [];
    this.resent = 0;
    this.ending = false;
  }

  /** Runs until `end()` was called and everything sent is acknowledged. */
  async run(window) {
    for (;;) {
      const socket = await session(this.lab, this.user, this.resource, () => false);
      const finished = await this.drive(socket, window);
      await socket.dispose();
      if (finished) return;
    }
  }

  end() {
    this.ending = true;
    this.turn?.();
  }

  drive(socket, window) {
    const transmit = (id, meta) => socket.send(frame(Command.SYNC, encode(CommSyncUL, { meta: { id, ...meta } })));
    return new Promise((resolve, reject) => {
      this.turn = () => {
        while (!this.ending && this.open.size < window) {
          const id = String((ids += 1));
          const text = this.lab.secrets.text();
          const meta = socket.textMeta(this.peer.username, text);
          this.open.set(id, { meta, text });
          transmit(id, meta);
        }
        if (this.ending && this.open.size === 0) resolve(true);
      };
      socket.listeners.add(({ sync }) => {
        const id = dec(sync?.metaId);
        const sent = this.open.get(id);
        if (!sent) return;
        if (sync.status.errorCode !== 0) reject(new Error(`refused: ${sync.status.errorCode} ${sync.status.reason}`));
        this.open.delete(id);
        this.acknowledged.push({ id: dec(sync.serverId), text: sent.text });
        this.turn();
      });
      socket.closed.then(() => resolve(false));
      // What was on its way when the connection broke goes first, in its order, under its id.
      for (const [id, { meta }] of this.open) {
        this.resent += 1;
        transmit(id, meta);
      }
      this.turn();
    });
  }
}

/** Follows all queues of a user through every life of the server; keeps what came, once. */
export class SteadyReader {
  constructor(lab, user) {
    Object.assign(this, { lab, user, resource: lab.secrets.name('webim_'), metas: new Map(), over: false });
  }

  async run() {
    while (!this.over) {
      this.socket = await session(this.lab, this.user, this.resource, () => this.over);
      if (!this.socket) return;
      this.socket.listeners.add(({ sync }) => {
        for (const meta of sync?.metas ?? []) if (!this.metas.has(dec(meta.id))) this.metas.set(dec(meta.id), meta);
        this.progress?.();
      });
      this.socket.follow();
      await this.socket.closed;
    }
  }

  /** Resolves when all of `wanted` have come. */
  arrived(wanted) {
    return new Promise((resolve) => {
      this.progress = () => wanted.every((id) => this.metas.has(id)) && resolve();
      this.progress();
    });
  }

  async end() {
    this.over = true;
    await this.socket?.dispose();
  }
}
