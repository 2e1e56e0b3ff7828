// A participant's way through a class: in by REST, along the stream, back in when that is needed, and out.

import { ClassApi, type Place } from './api';
import { joinProblem, type JoinProblem } from './errors';
import { CLASS_EVENTS, toldOf, type Notice } from './events';
import { isOverdue, timeNotices, timesOf, minutesUntil, type TimeNotice } from './schedule';
import { applied, phaseOf, roomFrom } from './store';
import { ClassStream, pause, type EndReason, type Socket } from './stream';
import { numberAt, textAt } from './tree';
import { ROLES, type Frame, type Role, type Room, type Tree } from './types';

export type OverReason = 'left' | 'expired' | EndReason;

export type SessionState =
  | { readonly phase: 'joining'; readonly again: boolean }
  | { readonly phase: 'failed'; readonly problem: JoinProblem; readonly code: number; readonly text: string }
  | { readonly phase: 'in'; readonly link: 'connecting' | 'live' | 'lost'; readonly room: Room }
  | { readonly phase: 'over'; readonly why: OverReason; readonly room: Room | undefined };

/** Who comes into which class. */
export interface Coming {
  readonly role: Role;
  readonly userName: string;
  readonly roomName: string;
  /** Undefined for a group, which the room of its class makes. */
  readonly roomType: number | undefined;
  readonly startTime?: number | undefined;
  readonly duration?: number | undefined;
  readonly flexProps?: Tree | undefined;
  /** What kind of page it is, by the contract's numbers. */
  readonly platform?: number | undefined;
  /** The devices at entry, 1 started. */
  readonly devices: () => { readonly camera: number; readonly microphone: number };
}

export interface SessionEvents {
  /** For the app's listener. */
  event(number: number, ...details: unknown[]): void;
  notice(notice: Notice | TimeNotice): void;
  media(message: Tree): void;
  /** Something is said to this person alone. */
  said(data: Tree): void;
  /** The stream is there, or there again. */
  live(): void;
  lost(): void;
}

export interface Means {
  readonly fetch?: typeof fetch;
  readonly open?: (url: string) => Socket;
  readonly now?: () => number;
  readonly chance?: () => number;
  /** Another token, when the one that there is ends or was refused. */
  readonly freshToken?: (() => Promise<string>) | undefined;
}

/** How often the clock of the class is looked at, in milliseconds. */
const TICK_MS = 500;
/** From which deviation on the server's clock is believed anew. */
const DRIFT_MS = 800;
const PLATFORM_WEB = 1;
/** The message that is said to one person. */
const PRIVATE = 1;

export class ClassSession {
  readonly api: ClassApi;
  readonly #coming: Coming;
  readonly #events: SessionEvents;
  readonly #means: Means;
  readonly #listeners = new Set<() => void>();
  #state: SessionState = { phase: 'joining', again: false };
  #stream: ClassStream | undefined;
  #offset = 0;
  #ticker: ReturnType<typeof setInterval> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #told = 0;
  #attempt = 0;
  #ended = false;

  constructor(place: Place, token: string, coming: Coming, events: SessionEvents, means: Means = {}) {
    this.api = new ClassApi(place, token, means.fetch);
    this.#coming = coming;
    this.#events = events;
    this.#means = means;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly snapshot = (): SessionState => this.#state;

  get room(): Room | undefined {
    return this.#state.phase === 'in' ? this.#state.room : undefined;
  }

  /** The server's time, as far as it is known. */
  readonly now = (): number => this.#clock() + this.#offset;

  readonly #clock = (): number => (this.#means.now ?? Date.now)();

  /** Comes in. Resolves when that is decided. */
  async join(): Promise<void> {
    this.#set({ phase: 'joining', again: false });
    try {
      const { data, ts } = await this.api.checkIn(this.#checkIn());
      this.#believe(ts, true);
      await this.#enter(textAt((data ?? {}) as Tree, 'rteRole'));
    } catch (error) {
      if (this.#ended) return;
      this.#fail(error);
    }
  }

  #checkIn(): Tree {
    const { role, userName, roomName, roomType, startTime, duration, flexProps, platform } = this.#coming;
    return {
      role: ROLES[role],
      roomName,
      ...(roomType === undefined ? {} : { roomType }),
      userName,
      userProperties: { flexProps: flexProps ?? {} },
      ...(startTime === undefined ? {} : { startTime }),
      ...(duration === undefined ? {} : { duration }),
      platform: platform ?? PLATFORM_WEB,
      stream: this.#deviceStates(),
    };
  }

  #deviceStates(): Tree {
    const { camera, microphone } = this.#coming.devices();
    return { videoSourceState: camera, audioSourceState: microphone };
  }

  async #enter(role: string): Promise<void> {
    const { userUuid, roomUuid } = this.api.place;
    const body = { userUuid, roomUuid, userName: this.#coming.userName, role: role || ROLES[this.#coming.role], streamUuid: '0', stream: this.#deviceStates(), sequenceVersion: 2 };
    const { data, ts } = await this.api.enter(body);
    if (this.#ended) return;
    this.#believe(ts, true);
    const entry = (data ?? {}) as Tree;
    const before = this.room;
    const room = { ...roomFrom(entry), ...(before ? { cloudHands: before.cloudHands } : {}) };
    const userToken = textAt(entry, 'localUser.userToken');
    this.api.entered(userToken);
    this.#attempt = 0;
    this.#set({ phase: 'in', link: 'connecting', room });
    if (before === undefined) this.#events.event(CLASS_EVENTS.ClassStateChanged, phaseOf(room));
    const from = { sequence: numberAt(entry, 'room.sequence'), peerSequence: numberAt(entry, 'localUser.sequence') };
    this.#listen(userToken, from);
    this.#tell();
  }

  #listen(userToken: string, from: { sequence: number; peerSequence: number }): void {
    const { base, appId, roomUuid, userUuid } = this.api.place;
    this.#stream?.stop();
    const url = `${base.replace(/^http/, 'ws')}/ws/class`;
    const hello = { appId, roomUuid, userUuid, token: this.api.token, userToken };
    this.#stream = new ClassStream(
      url,
      hello,
      from,
      {
        frame: (frame) => {
          this.#believe(frame.timestamp, false);
          this.#apply(frame);
        },
        told: (cmd, data) => (cmd === PRIVATE ? this.#events.said(data) : this.#apply({ cmd, data })),
        live: () => {
          this.#link('live');
          this.#events.live();
        },
        lost: () => {
          this.#link('lost');
          this.#events.lost();
        },
        stale: (token) => {
          this.#link('lost');
          this.#events.lost();
          void this.#again(token);
        },
        ended: (reason) => this.#over(reason),
        media: (message) => this.#events.media(message),
        tokenEnds: () => void this.#renew(),
      },
      this.#means.open,
      this.#means.chance,
    );
    this.#stream.start();
  }

  /** Enters once more, with what the user has in the room; by another token if the one that there is was refused. */
  async #again(token: boolean): Promise<void> {
    clearTimeout(this.#retry);
    try {
      if (token && !(await this.#freshToken())) return this.#over('expired');
      const { data } = await this.api.checkIn(this.#checkIn());
      await this.#enter(textAt((data ?? {}) as Tree, 'rteRole'));
    } catch (error) {
      if (this.#ended) return;
      const problem = joinProblem(error);
      if (problem === 'away') {
        this.#attempt += 1;
        this.#retry = setTimeout(() => void this.#again(token), pause(this.#attempt, (this.#means.chance ?? Math.random)()));
      } else if (problem === 'token') {
        if (token || !this.#means.freshToken) this.#over('expired');
        else void this.#again(true);
      } else if (problem === 'banned') this.#over('banned');
      else if (problem === 'over' || problem === 'noRoom') this.#over('closed');
      else this.#fail(error);
    }
  }

  /** Asks for another token; false where there is nobody to ask. */
  async #freshToken(): Promise<boolean> {
    if (!this.#means.freshToken) return false;
    this.api.renew(await this.#means.freshToken());
    return true;
  }

  /** The class goes on with another token, which the app has given. */
  renew(token: string): void {
    this.api.renew(token);
    this.#stream?.renew(token);
  }

  async #renew(): Promise<void> {
    this.#events.event(CLASS_EVENTS.TokenPrivilegeWillExpire);
    try {
      if (await this.#freshToken()) this.#stream?.renew(this.api.token);
    } catch {
      // The class goes on until the token ends, and then it is asked for once more.
    }
  }

  #apply(frame: Pick<Frame, 'cmd' | 'data'> & Partial<Frame>): void {
    if (this.#state.phase !== 'in') return;
    const before = this.#state.room;
    const room = applied(before, frame);
    if (room === before) return;
    this.#set({ ...this.#state, room });
    const { events, notices } = toldOf(before, room, frame);
    for (const [number, ...details] of events) this.#events.event(number, ...details);
    for (const notice of notices) this.#events.notice(notice);
    if (phaseOf(room) === 3) this.#over('closed');
  }

  #link(link: 'live' | 'lost'): void {
    if (this.#state.phase === 'in') this.#set({ ...this.#state, link });
  }

  #believe(ts: number, always: boolean): void {
    if (ts <= 0) return;
    const offset = ts - this.#clock();
    // A frame may have been on its way for long; only a clock that is ahead of ours by it is wrong for sure.
    if (always || offset - this.#offset > DRIFT_MS) this.#offset = offset;
  }

  /** The class goes by the clock also when nobody says anything. */
  #tell(): void {
    clearInterval(this.#ticker);
    this.#told = this.now();
    this.#ticker = setInterval(() => {
      const room = this.room;
      if (!room) return;
      const [before, now, times] = [this.#told, this.now(), timesOf(room)];
      this.#told = now;
      for (const notice of timeNotices(times, before, now)) this.#events.notice(notice);
      if (isOverdue(times, now)) this.#over('closed');
    }, TICK_MS);
  }

  /** How many minutes there are until the room closes. */
  minutesLeft(): number {
    const closes = this.room && timesOf(this.room).closes;
    return closes === undefined ? 0 : minutesUntil(closes, this.now());
  }

  /** The network seems to be back. */
  readonly hurry = (): void => this.#stream?.hurry();

  readonly media = (message: Tree): boolean => this.#stream?.media(message) ?? false;

  leave(): void {
    this.#stream?.leave();
    this.#over('left');
  }

  #over(why: OverReason): void {
    if (this.#ended) return;
    const room = this.room;
    this.#end();
    if ((why === 'kicked' || why === 'banned') && room) this.#events.event(CLASS_EVENTS.KickOut, { userUuid: room.me.id, userName: room.me.name });
    if (why === 'closed' && room && phaseOf(room) !== 3) this.#events.event(CLASS_EVENTS.ClassStateChanged, 3);
    this.#set({ phase: 'over', why, room });
  }

  #fail(error: unknown): void {
    this.#end();
    const { code = 0, message = String(error) } = error as { code?: number; message?: string };
    this.#set({ phase: 'failed', problem: joinProblem(error), code, text: message });
    this.#events.event(CLASS_EVENTS.FailedToJoin, error);
  }

  #end(): void {
    this.#ended = true;
    clearInterval(this.#ticker);
    clearTimeout(this.#retry);
    this.#stream?.stop();
  }

  #set(state: SessionState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}

