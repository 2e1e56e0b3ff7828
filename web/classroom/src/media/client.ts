// The way of sound and pictures between this participant and the server: offers, slots, what is sent, and coming back.

import { Peer, USUAL, type Encodings } from './peer';
import { countsOf, qualityOf, UNKNOWN, type Counts, type Quality } from './quality';
import { assigned, type Slot } from './slots';
import type { FromServer, Kind, SlotState, Source, StreamStats, ToServer, Watch } from './messages';

export interface MediaState {
  /** `none`: not wanted or not served here. */
  readonly link: 'none' | 'connecting' | 'connected' | 'reconnecting';
  /** Tracks of others, by `kind stream`, and how their slots are. */
  readonly tracks: ReadonlyMap<string, MediaStreamTrack>;
  readonly states: ReadonlyMap<string, SlotState>;
  /** The stream of who speaks. */
  readonly speaker: string;
  readonly quality: Quality;
  readonly stats: Readonly<Record<string, StreamStats>>;
}

export interface MediaMeans {
  /** False when there is no connection to say it over. */
  readonly send: (message: ToServer) => boolean;
  readonly peer?: () => RTCPeerConnection;
  readonly now?: () => number;
  readonly encodings?: Encodings;
  /** What this participant may ever send; m-lines for it are there from the first offer on. */
  readonly sources: readonly Source[];
}

const ANSWER_MS = 10_000;
/** After so many offers in a row that ended the connection instead of an answer there is no further one. */
const FATAL = 2;
/** How long a broken path may take to heal by itself. */
const HEAL_MS = 2500;
/** Not more than one `watch` in so long, after the first. */
const WATCH_MS = 400;
const STATS_MS = 3000;

export const trackKey = (kind: Kind, stream: string): string => `${kind} ${stream}`;

export class MediaClient {
  readonly #means: MediaMeans;
  readonly #listeners = new Set<() => void>();
  readonly #local = new Map<Source, MediaStreamTrack | null>();
  #state: MediaState = { link: 'none', tracks: new Map(), states: new Map(), speaker: '', quality: UNKNOWN, stats: {} };
  #peer: Peer | undefined;
  #slots: readonly Slot[] = [];
  #slotStates = new Map<string, { stream: string; state: SlotState }>();
  #wanted: readonly Watch[] = [];
  #id = 0;
  #pending: { id: number; settle: (message: Extract<FromServer, { op: 'answer' | 'refused' }> | undefined) => void } | undefined;
  #busy = false;
  #again = false;
  #restart = false;
  #attempt = 0;
  #fatal = 0;
  #delayMs = 0;
  #on = false;
  #streamLive = false;
  #watchAt = 0;
  #counts: Counts | undefined;
  #watchTimer: ReturnType<typeof setTimeout> | undefined;
  #healTimer: ReturnType<typeof setTimeout> | undefined;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #statsTimer: ReturnType<typeof setInterval> | undefined;

  constructor(means: MediaMeans) {
    this.#means = means;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly snapshot = (): MediaState => this.#state;

  /** The stream of the class is there: begins, or makes sure that the server still knows this connection. */
  live(): void {
    this.#streamLive = true;
    this.#on = true;
    clearTimeout(this.#retryTimer);
    this.#statsTimer ??= setInterval(() => void this.#measure(), STATS_MS);
    if (this.#fatal >= FATAL) return this.#set({ link: 'none' });
    if (this.#fatal > 0) return this.#freshLater();
    if (!this.#peer) return this.#fresh();
    // It may have started again meanwhile; then it refuses, and a fresh connection is made.
    this.#restart = true;
    void this.#negotiate();
  }

  lost(): void {
    this.#streamLive = false;
    // A server that takes no offers must not cost the class its stream again and again.
    if (this.#pending) this.#fatal += 1;
    this.#settle(undefined);
  }

  /** Sends a track from now on, or nothing. */
  async setLocal(source: Source, track: MediaStreamTrack | null): Promise<void> {
    if ((this.#local.get(source) ?? null) === track) return;
    this.#local.set(source, track);
    if (this.#peer && (await this.#peer.send(source, track))) await this.#negotiate();
  }

  /** What is to be seen and heard, the most important first. */
  want(wanted: readonly Watch[]): void {
    this.#wanted = wanted;
    this.#assign();
  }

  /** Asks for what the server measures. */
  askStats(): void {
    if (this.#streamLive) this.#means.send({ op: 'stats' });
  }

  /** The level of each stream that is heard, 0 to 1. */
  levels(): ReadonlyMap<string, number> {
    const levels = new Map<string, number>();
    const receivers = new Map(this.#peer?.slots().map(({ mid, receiver }) => [mid, receiver]) ?? []);
    for (const { mid, kind, watch } of this.#slots) {
      if (kind !== 'audio' || !watch) continue;
      const sources = receivers.get(mid)?.getSynchronizationSources?.() ?? [];
      levels.set(watch.stream, Math.max(0, ...sources.map(({ audioLevel }) => audioLevel ?? 0)));
    }
    return levels;
  }

  /** What comes is held back for so many milliseconds, so that it is steady; 0: as soon as it is there. */
  delay(ms: number): void {
    if (ms === this.#delayMs) return;
    this.#delayMs = ms;
    this.#peer?.delay(ms);
  }

  close(): void {
    if (!this.#on) return;
    this.#on = false;
    if (this.#streamLive) this.#means.send({ op: 'close' });
    for (const timer of [this.#watchTimer, this.#healTimer, this.#retryTimer]) clearTimeout(timer);
    clearInterval(this.#statsTimer);
    this.#statsTimer = undefined;
    this.#busy = false;
    this.#settle(undefined);
    this.#peer?.close();
    this.#peer = undefined;
    this.#set({ link: 'none', tracks: new Map(), states: new Map(), speaker: '' });
  }

  heard(message: FromServer): void {
    switch (message.op) {
      case 'answer':
        return this.#settle(message);
      case 'refused':
        // Without our number it is about a `watch`, of which the next one says all anew.
        if (message.id !== undefined && message.id === this.#pending?.id) this.#settle(message);
        return;
      case 'slots':
        for (const [mid, slot] of Object.entries(message.slots)) {
          if (slot) this.#slotStates.set(mid, { stream: slot.stream, state: slot.state });
          else this.#slotStates.delete(mid);
        }
        return this.#show();
      case 'speaker':
        return this.#set({ speaker: message.stream });
      case 'stats':
        return this.#set({ stats: message.streams });
      case 'closed':
        if (message.reason !== 'left') this.#freshLater();
        return;
      case 'sending':
        return;
    }
  }

  #settle(message: Extract<FromServer, { op: 'answer' | 'refused' }> | undefined): void {
    if (message && message.id !== this.#pending?.id) return;
    this.#pending?.settle(message);
  }

  /** A new connection in place of the one that there is. */
  #fresh(): void {
    clearTimeout(this.#healTimer);
    this.#peer?.close();
    this.#slots = [];
    this.#slotStates.clear();
    this.#counts = undefined;
    this.#restart = false;
    const connection = this.#means.peer?.() ?? new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
    const peer = new Peer(connection, this.#means.encodings ?? USUAL, this.#means.sources);
    peer.delay(this.#delayMs);
    this.#peer = peer;
    connection.onconnectionstatechange = () => {
      if (this.#peer === peer) this.#connectionIs(connection.connectionState);
    };
    this.#set({ link: this.#state.link === 'none' ? 'connecting' : 'reconnecting', tracks: new Map(), states: new Map() });
    void (async () => {
      for (const [source, track] of this.#local) if (track) await peer.send(source, track);
      await this.#negotiate(true);
    })();
  }

  #freshLater(): void {
    if (!this.#on) return;
    clearTimeout(this.#retryTimer);
    const wait = Math.min(30_000, 500 * 2 ** Math.min(this.#attempt, 6));
    this.#attempt += 1;
    if (this.#state.link === 'connected') this.#set({ link: 'reconnecting' });
    this.#retryTimer = setTimeout(() => {
      if (this.#streamLive && this.#on) this.#fresh();
    }, wait);
  }

  #connectionIs(state: RTCPeerConnectionState): void {
    clearTimeout(this.#healTimer);
    if (state === 'connected') {
      this.#attempt = 0;
      this.#set({ link: 'connected' });
    } else if (state === 'disconnected') {
      this.#set({ link: 'reconnecting' });
      this.#healTimer = setTimeout(() => this.#heal(), HEAL_MS);
    } else if (state === 'failed') {
      this.#set({ link: 'reconnecting' });
      // A path that could not be found anew is given up together with its connection.
      if (this.#attempt > 0) this.#freshLater();
      else this.#heal();
    }
  }

  /** Seeks another path for the same connection. */
  #heal(): void {
    if (!this.#streamLive) return;
    this.#attempt += 1;
    this.#restart = true;
    void this.#negotiate();
    this.#healTimer = setTimeout(() => {
      if (this.#peer?.connection.connectionState !== 'connected') this.#freshLater();
    }, ANSWER_MS);
  }

  /** Offers what there is now. One offer at a time: what changes meanwhile is in the next. */
  async #negotiate(fresh = false): Promise<void> {
    if (this.#busy && !fresh) {
      this.#again = true;
      return;
    }
    const peer = this.#peer;
    if (!peer || !this.#streamLive) return;
    this.#settle(undefined);
    this.#busy = true;
    this.#again = false;
    const outcome = await this.#offer(peer, fresh).catch((): 'refused' => 'refused');
    if (this.#peer !== peer) return;
    this.#busy = false;
    if (outcome === 'refused') return this.#streamLive ? this.#freshLater() : undefined;
    this.#assign();
    if (this.#again) void this.#negotiate();
  }

  async #offer(peer: Peer, fresh: boolean): Promise<'done' | 'refused'> {
    const { connection } = peer;
    const iceRestart = this.#restart && !fresh;
    this.#restart = false;
    await connection.setLocalDescription(await connection.createOffer({ iceRestart }));
    const id = (this.#id += 1);
    const answer = await new Promise<Extract<FromServer, { op: 'answer' | 'refused' }> | undefined>((resolve) => {
      const timer = setTimeout(() => settle(undefined), ANSWER_MS);
      const settle = (message: Extract<FromServer, { op: 'answer' | 'refused' }> | undefined): void => {
        clearTimeout(timer);
        if (this.#pending?.id === id) this.#pending = undefined;
        resolve(message);
      };
      this.#pending = { id, settle };
      const sdp = connection.localDescription?.sdp ?? '';
      if (!this.#means.send({ op: 'offer', id, fresh, sdp, tracks: peer.tracks() })) settle(undefined);
    });
    if (answer) this.#fatal = 0;
    if (answer?.op !== 'answer') return 'refused';
    await connection.setRemoteDescription({ type: 'answer', sdp: answer.sdp });
    return 'done';
  }

  /** Puts what is wanted into slots, says so to the server, and asks for more slots where there are too few. */
  #assign(): void {
    const peer = this.#peer;
    if (!peer || this.#busy || peer.connection.signalingState !== 'stable') return;
    const known = new Map(this.#slots.map((slot) => [slot.mid, slot]));
    const slots = peer.slots().map(({ mid, kind }) => known.get(mid) ?? { mid, kind, watch: null });
    if (slots.length === 0) return;
    const { missing } = assigned(slots, this.#wanted);
    const wait = this.#watchAt + WATCH_MS - this.#now();
    clearTimeout(this.#watchTimer);
    if (wait > 0) {
      this.#watchTimer = setTimeout(() => this.#assign(), wait);
    } else {
      const { slots: after, changes } = assigned(slots, this.#wanted);
      if (Object.keys(changes).length > 0 && this.#means.send({ op: 'watch', slots: changes })) {
        this.#watchAt = this.#now();
        this.#slots = after;
        for (const mid of Object.keys(changes)) if (changes[mid]?.stream !== this.#slotStates.get(mid)?.stream) this.#slotStates.delete(mid);
        this.#show();
      }
    }
    let more = false;
    for (const kind of ['audio', 'video'] as const) {
      if (missing[kind] > 0) {
        peer.grow(kind);
        more = true;
      }
    }
    if (more) void this.#negotiate();
  }

  #show(): void {
    const receivers = new Map(this.#peer?.slots().map(({ mid, receiver }) => [mid, receiver]) ?? []);
    const tracks = new Map<string, MediaStreamTrack>();
    const states = new Map<string, SlotState>();
    for (const { mid, kind, watch } of this.#slots) {
      const receiver = receivers.get(mid);
      if (!watch || !receiver) continue;
      tracks.set(trackKey(kind, watch.stream), receiver.track);
      const told = this.#slotStates.get(mid);
      states.set(trackKey(kind, watch.stream), told?.stream === watch.stream ? told.state : 'waiting');
    }
    this.#set({ tracks, states });
  }

  async #measure(): Promise<void> {
    const peer = this.#peer;
    if (!peer || peer.connection.connectionState !== 'connected') return;
    const report = await peer.connection.getStats();
    if (this.#peer !== peer) return;
    const list: Readonly<Record<string, unknown>>[] = [];
    report.forEach((stat: Readonly<Record<string, unknown>>) => list.push(stat));
    const counts = countsOf(list, this.#now());
    this.#set({ quality: qualityOf(this.#counts, counts) });
    this.#counts = counts;
  }

  readonly #now = (): number => (this.#means.now ?? Date.now)();

  #set(change: Partial<MediaState>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener();
  }
}
