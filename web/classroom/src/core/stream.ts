// The stream of a class (docs/classroom-stream.md): every frame once, in order, over lost connections.

import type { Frame, Tree } from './types';

/** What is used of a WebSocket. */
export interface Socket {
  send(text: string): void;
  close(code?: number): void;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number }) => void) | null;
}

/** What the client shows to be let in. */
export interface Hello {
  readonly appId: string;
  readonly roomUuid: string;
  readonly userUuid: string;
  readonly token: string;
  readonly userToken: string;
}

/** Why the server ended it for good. */
export type EndReason = 'displaced' | 'kicked' | 'banned' | 'closed' | 'outside' | 'flood';

export interface StreamEvents {
  /** A frame in its turn. */
  frame(frame: Frame, peer: boolean): void;
  /** A message that is neither numbered nor kept. */
  told(cmd: number, data: Tree): void;
  /** Everything that was missed has come. */
  live(): void;
  /** The connection is gone, and another one is sought. */
  lost(): void;
  /** What is known leads nowhere: the class is to be entered again. With `token`, by another token. */
  stale(token: boolean): void;
  ended(reason: EndReason): void;
  /** A message about media. */
  media(message: Tree): void;
  /** The token ends soon. */
  tokenEnds(): void;
}

const ENDS: readonly string[] = ['displaced', 'kicked', 'banned', 'closed', 'outside', 'flood'] satisfies EndReason[];
/** How long a connection may take to let us in, and how long an answer to a ping. */
const PATIENCE_MS = 10_000;
/** After so long without a word the client asks whether the server is there. */
const QUIET_MS = 12_000;

/** How long to wait before the next of several attempts, in ms, `chance` from 0 to 1. */
export function pause(attempt: number, chance: number): number {
  const most = Math.min(8000, 500 * 2 ** Math.min(attempt, 5));
  return Math.round(most * (0.5 + chance / 2));
}

export class ClassStream {
  readonly #url: string;
  readonly #events: StreamEvents;
  readonly #open: (url: string) => Socket;
  readonly #chance: () => number;
  #hello: Hello;
  #sequence: number;
  #peerSequence: number;
  #socket: Socket | undefined;
  #live = false;
  #attempt = 0;
  #stopped = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #watch: ReturnType<typeof setTimeout> | undefined;

  constructor(
    url: string,
    hello: Hello,
    from: { readonly sequence: number; readonly peerSequence: number },
    events: StreamEvents,
    open: (url: string) => Socket = (address) => new WebSocket(address) as unknown as Socket,
    chance: () => number = Math.random,
  ) {
    this.#url = url;
    this.#hello = hello;
    this.#sequence = from.sequence;
    this.#peerSequence = from.peerSequence;
    this.#events = events;
    this.#open = open;
    this.#chance = chance;
  }

  /** The number of the last frame that is known. */
  get sequence(): number {
    return this.#sequence;
  }

  get isLive(): boolean {
    return this.#live;
  }

  /** Connects, and stays connected until `stop`. */
  start(): void {
    this.#stopped = false;
    this.#connect();
  }

  /** Ends the connection; nothing is told any more. */
  stop(): void {
    this.#stopped = true;
    this.#live = false;
    clearTimeout(this.#timer);
    clearTimeout(this.#watch);
    this.#drop();
  }

  /** Says that the user leaves, and stops: nobody waits for what would come back then. */
  leave(): void {
    if (this.#live) this.#send({ type: 'leave' });
    this.stop();
  }

  /** The network seems to be back: no further waiting. */
  hurry(): void {
    if (this.#stopped || this.#socket) return;
    this.#attempt = 0;
    this.#connect();
  }

  /** Sends another token, also for the next connection. */
  renew(token: string): void {
    this.#hello = { ...this.#hello, token };
    if (this.#live) this.#send({ type: 'renew', token });
  }

  /** Sends a message about media; false when there is no connection. */
  media(message: Tree): boolean {
    if (!this.#live) return false;
    this.#send({ type: 'media', ...message });
    return true;
  }

  #send(message: Tree): void {
    this.#socket?.send(JSON.stringify(message));
  }

  #connect(): void {
    clearTimeout(this.#timer);
    this.#drop();
    const socket = this.#open(this.#url);
    this.#socket = socket;
    this.#expect(PATIENCE_MS);
    socket.onopen = () => {
      this.#send({ type: 'hello', ...this.#hello, sequence: this.#sequence, peerSequence: this.#peerSequence });
    };
    socket.onmessage = ({ data }) => {
      if (this.#socket === socket && typeof data === 'string') this.#heard(data);
    };
    socket.onclose = () => {
      if (this.#socket === socket) this.#lose();
    };
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  /** Gives the connection up when nothing is heard for so long. */
  #expect(ms: number): void {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => {
      if (!this.#live) return this.#lose();
      this.#watch = setTimeout(() => this.#lose(), PATIENCE_MS);
      this.#send({ type: 'ping' });
    }, ms);
  }

  #lose(wait = pause(this.#attempt, this.#chance())): void {
    clearTimeout(this.#watch);
    this.#drop();
    if (this.#stopped) return;
    const was = this.#live;
    this.#live = false;
    // The first attempt after a loss comes quickly: mostly it is a hiccup.
    const after = was ? Math.min(wait, 300) : wait;
    this.#attempt += 1;
    this.#timer = setTimeout(() => this.#connect(), after);
    this.#events.lost();
  }

  /** Stops, and tells why. */
  #finish(tell: () => void): void {
    this.stop();
    tell();
  }

  #heard(text: string): void {
    let message: Tree;
    try {
      message = JSON.parse(text) as Tree;
    } catch {
      return;
    }
    this.#expect(this.#live ? QUIET_MS : PATIENCE_MS);
    if (Array.isArray(message['list'])) return this.#frames(message['list'] as Frame[], message['peer'] === true);
    switch (message['type']) {
      case 'welcome':
        return;
      case 'live':
        this.#live = true;
        this.#attempt = 0;
        this.#expect(QUIET_MS);
        return this.#events.live();
      case 'refused':
        return this.#finish(() => this.#events.stale(message['code'] === 401));
      case 'resync':
        return this.#finish(() => this.#events.stale(false));
      case 'end':
        return this.#ended(String(message['reason']));
      case 'media':
        return this.#events.media(message);
      case undefined:
        if (message['cmd'] === 'tokenWillExpire') return this.#events.tokenEnds();
        if (typeof message['cmd'] === 'number') this.#events.told(message['cmd'], (message['data'] ?? {}) as Tree);
        return;
      default:
        return;
    }
  }

  #frames(frames: readonly Frame[], peer: boolean): void {
    for (const frame of frames) {
      if (this.#stopped) return;
      const known = peer ? this.#peerSequence : this.#sequence;
      if (frame.sequence <= known) continue;
      if (frame.sequence > known + 1) return this.#finish(() => this.#events.stale(false));
      if (peer) this.#peerSequence = frame.sequence;
      else this.#sequence = frame.sequence;
      this.#events.frame(frame, peer);
    }
  }

  #ended(reason: string): void {
    if (ENDS.includes(reason)) return this.#finish(() => this.#events.ended(reason as EndReason));
    if (reason === 'expired' || reason === 'revoked') return this.#finish(() => this.#events.stale(true));
    // It restarts, or something failed there: again after a moment of our own, so that not all come at once.
    this.#lose(reason === 'restart' ? 200 + this.#chance() * 800 : 2000 + this.#chance() * 3000);
  }
}
