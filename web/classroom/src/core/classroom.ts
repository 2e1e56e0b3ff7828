// A class as the page shows it: the way in, devices, media and chat in step with the state of the room.

import { trackKey, MediaClient, type MediaState } from '../media/client';
import { captureScreen, Devices, problemOf, type DeviceKind, type DeviceState } from '../media/devices';
import type { FromServer, Source, Watch } from '../media/messages';
import type { ClassApi, Place } from './api';
import { ClassChat, type ChatMessage, type ChatState } from './chat';
import { Conversations, type ConversationsState } from './conversations';
import { actProblem, type ActProblem } from './errors';
import { CLASS_EVENTS, type Notice } from './events';
import { groupOf, groupsOf } from './groups';
import type { Options } from './options';
import type { TimeNotice } from './schedule';
import { ClassSession, type Means, type SessionState } from './session';
import { isSeated, mainStream } from './store';
import { textAt } from './tree';
import { teaches, type Role, type Room, type Tree } from './types';
import { GroupVisit, type VisitState } from './visit';

export type ClassNotice = Notice | TimeNotice | { readonly kind: 'act'; readonly problem: ActProblem } | { readonly kind: 'unplugged'; readonly device: DeviceKind } | { readonly kind: 'screenDenied' };

/** Events about media for the app: 0 idle, 1 connecting, 2 connected, 3 reconnecting. */
const RTC_STATES: Record<MediaState['link'], number> = { none: 0, connecting: 1, connected: 2, reconnecting: 3 };
const NO_CHAT: ChatState = { link: 'off', messages: [] };
const NO_CONVERSATIONS: ConversationsState = { all: new Map(), open: '', failed: false };
const STAGED: readonly Source[] = ['microphone', 'camera'];
/** What an app hears of the room of a group; the class's own way is told by the room of the class. */
const OF_GROUPS: readonly number[] = [CLASS_EVENTS.TeacherTurnOnMyMic, CLASS_EVENTS.TeacherTurnOffMyMic, CLASS_EVENTS.TeacherTurnOnMyCam, CLASS_EVENTS.TeacherTurnOffMyCam];
/** What people are told of it. */
const SAID_OF_GROUPS: readonly string[] = ['micOn', 'micOff', 'camOn', 'camOff', 'shares'];

export class Classroom {
  readonly options: Options;
  readonly uiConfig: Tree | undefined;
  readonly place: Place;
  readonly media: MediaClient;
  readonly devices: Devices;
  /** In the room of the class. */
  #session: ClassSession;
  /** In the room of a group, beside it. */
  readonly #visit: GroupVisit;
  /** The one whose room is shown, and with whom devices and media go. */
  #here: ClassSession;
  /** The group that one who teaches looks into. */
  #visiting = '';
  #chat: ClassChat | undefined;
  #conversations: Conversations | undefined;
  /** Who is who in chat, by the name there: what a message says of its sender proves nothing. */
  readonly #authors = new Map<string, { readonly name: string; readonly role: Role }>();
  readonly #means: Means;
  readonly #listeners = new Set<() => void>();
  readonly #noticed = new Set<(notice: ClassNotice) => void>();
  /** Which streams are in view, and how high. */
  readonly #looks = new Map<symbol, Watch>();
  /** Whether the own devices are to be on, as the person has said. */
  #wanted: { readonly camera: boolean; readonly microphone: boolean };
  #screen: MediaStream | undefined;
  #ready = false;
  #rtc = 0;
  #told = '';

  constructor(place: Place, options: Options, uiConfig: Tree | undefined, means: Means = {}) {
    this.place = place;
    this.options = options;
    this.uiConfig = uiConfig;
    const { freshToken } = options;
    this.#means = { ...means, ...(freshToken ? { freshToken: () => this.#freshToken(freshToken) } : {}) };
    this.#wanted = { camera: this.mayPublish, microphone: this.mayPublish };
    this.devices = new Devices(options.encodings.camera, (kind) => this.#unplugged(kind));
    this.media = new MediaClient({ send: (message) => this.#here.media({ ...message }), encodings: options.encodings, sources: this.mayPublish ? STAGED : [] });
    this.#session = this.#newSession(options.token);
    this.#here = this.#session;
    this.#visit = new GroupVisit((group) => this.#groupSession(group), () => this.#step());
    this.media.subscribe(() => this.#rtcChanged());
    this.devices.subscribe(() => this.#step());
  }

  /** Chat goes on with the class's token. */
  async #freshToken(ask: () => Promise<string>): Promise<string> {
    const token = await ask();
    setTimeout(() => this.#chat?.renew());
    return token;
  }

  #newSession(token: string): ClassSession {
    const { role, userName, roomName, roomType, startTime, duration, flexProps, platform } = this.options;
    const session: ClassSession = new ClassSession(
      this.place,
      token,
      { role, userName, roomName, roomType, startTime, duration, flexProps, platform, devices: this.#entryDevices },
      {
        event: (number, ...details) => this.options.listener(number, ...details),
        notice: (notice) => this.#notice(notice),
        media: (message) => this.#heardMedia(session, message),
        said: (data) => this.#conversations?.heard(data),
        live: () => {
          if (this.#here === session) this.media.live();
          this.#beReady();
          void this.#conversations?.load();
        },
        lost: () => this.#here === session && this.media.lost(),
      },
      this.#means,
    );
    session.subscribe(() => this.#step());
    return session;
  }

  /** The devices at entry, of which the server then knows. */
  readonly #entryDevices = (): { readonly camera: number; readonly microphone: number } => {
    const states = { camera: this.#wanted.camera ? 1 : 0, microphone: this.#wanted.microphone ? 1 : 0 };
    this.#told = `${states.camera} ${states.microphone}`;
    return states;
  };

  #heardMedia(session: ClassSession, message: Tree): void {
    if (this.#here === session) this.media.heard(message as unknown as FromServer);
  }

  /** Into the room of a group, by the token of the class. */
  #groupSession(group: { readonly id: string; readonly name: string }): ClassSession {
    const { role, userName, platform } = this.options;
    const session: ClassSession = new ClassSession(
      { ...this.place, roomUuid: group.id },
      this.#session.api.token,
      { role, userName, roomName: group.name, roomType: undefined, platform, devices: this.#entryDevices },
      {
        event: (number, ...details) => OF_GROUPS.includes(number) && this.options.listener(number, ...details),
        notice: (notice) => SAID_OF_GROUPS.includes(notice.kind) && this.#notice(notice),
        media: (message) => this.#heardMedia(session, message),
        said: () => {},
        live: () => this.#here === session && this.media.live(),
        lost: () => this.#here === session && this.media.lost(),
      },
      this.#means,
    );
    return session;
  }

  /** Whether the role may ever publish. */
  get mayPublish(): boolean {
    return this.options.role === 'student' || teaches(this.options.role);
  }

  /** Calls for the room that is shown. */
  get api(): ClassApi {
    return this.#here.api;
  }

  /** Calls for the room of the class, also while a group is shown. */
  get classApi(): ClassApi {
    return this.#session.api;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly state = (): SessionState => this.#session.snapshot();

  /** The room that is shown and how its stream is: of the group that one is in, else of the class. */
  here(): { readonly room: Room; readonly link: 'connecting' | 'live' | 'lost' } | undefined {
    const [here, main] = [this.#here.snapshot(), this.#session.snapshot()];
    if (main.phase !== 'in') return undefined;
    return here.phase === 'in' ? here : main;
  }

  /** The group that one is in, or on the way into. */
  group(): VisitState | undefined {
    return this.#visit.state;
  }

  /** For those who teach: looks into a group, or with '' comes back. */
  visit(group: string): void {
    this.#visiting = group;
    this.#step();
  }

  /** Tries once more to come into the group. */
  readonly groupAgain = (): void => this.#visit.again();

  /** The app gives another token. */
  renewToken(token: string): void {
    for (const session of [this.#session, this.#visit.session]) session?.renew(token);
    this.#chat?.renew();
  }

  readonly now = (): number => this.#session.now();
  readonly minutesLeft = (): number => this.#session.minutesLeft();

  readonly chatSubscribe = (listener: () => void): (() => void) => this.#chat?.subscribe(listener) ?? (() => {});
  readonly chatState = (): ChatState => this.#chat?.snapshot() ?? NO_CHAT;
  get chat(): ClassChat | undefined {
    return this.#chat;
  }

  /** Who has said something: as the class knows the sender, and only for who is not known as the message says. */
  author({ from, name }: ChatMessage): { readonly name: string; readonly role: Role } {
    return this.#authors.get(from) ?? { name, role: 'student' };
  }

  readonly conversationsState = (): ConversationsState => this.#conversations?.snapshot() ?? NO_CONVERSATIONS;
  get conversations(): Conversations | undefined {
    return this.#conversations;
  }

  readonly onNotice = (tell: (notice: ClassNotice) => void): (() => void) => {
    this.#noticed.add(tell);
    return () => this.#noticed.delete(tell);
  };

  #notice(notice: ClassNotice): void {
    for (const tell of this.#noticed) tell(notice);
  }

  /** Comes into the class. */
  async join(): Promise<void> {
    const { phase } = this.#session.snapshot();
    if (phase === 'failed' || phase === 'over') {
      this.#chat = undefined;
      this.#conversations = undefined;
      const token = await this.options.freshToken?.().catch(() => undefined);
      this.#session = this.#newSession(token ?? this.classApi.token);
      this.#here = this.#session;
    }
    globalThis.addEventListener?.('online', this.#session.hurry);
    this.#changed();
    await this.#session.join();
  }

  leave(): void {
    this.#visit.go(undefined);
    this.#session.leave();
  }

  /** Frees everything. */
  dispose(): void {
    globalThis.removeEventListener?.('online', this.#session.hurry);
    this.media.close();
    this.#visit.go(undefined);
    this.#session.leave();
    this.#chat?.stop();
    this.devices.dispose();
    this.#stopScreenTracks();
  }

  /** Carries out an act; what is refused is told in a notice. True when it was done. */
  act(act: (api: ClassApi) => Promise<unknown>): Promise<boolean> {
    return this.#act(act, this.api);
  }

  /** As `act`, for the class as a whole: also while a group is shown. */
  actForClass(act: (api: ClassApi) => Promise<unknown>): Promise<boolean> {
    return this.#act(act, this.classApi);
  }

  async #act(act: (api: ClassApi) => Promise<unknown>, api: ClassApi): Promise<boolean> {
    try {
      await act(api);
      return true;
    } catch (error) {
      this.#notice({ kind: 'act', problem: actProblem(error) });
      return false;
    }
  }

  // Devices.

  get wanted(): { readonly camera: boolean; readonly microphone: boolean } {
    return this.#wanted;
  }

  want(kind: 'camera' | 'microphone', on: boolean): void {
    this.#wanted = { ...this.#wanted, [kind]: on };
    if (!on) this.devices.close(kind);
    this.#step();
  }

  /** Brings devices, what is sent and what is told of it in step with the room. */
  #step(): void {
    const state = this.#session.snapshot();
    if (state.phase === 'in') this.#stepWith(state.room);
    else if (state.phase === 'over' || state.phase === 'failed') this.#out();
    this.#changed();
  }

  /** The class goes on; `main` is its room. */
  #stepWith(main: Room): void {
    this.#know(main);
    this.#startChat(main);
    const own = this.#visiting ? groupsOf(main).find(({ id }) => id === this.#visiting) : teaches(main.me.role) ? undefined : groupOf(main, main.me.id);
    if (!own) this.#visiting = '';
    this.#visit.go(own);
    const session = this.#visit.session ?? this.#session;
    if (session !== this.#here) this.#moved(session, main);
    const here = session.snapshot();
    this.#inStep(here.phase === 'in' ? here.room : main);
  }

  /** Another room is shown: media, devices and chat go with it. */
  #moved(to: ClassSession, main: Room): void {
    this.media.close();
    if (this.#screen) void this.stopScreen();
    const stream = mainStream(main, main.me.id);
    // In the class nobody waits for a picture of who is in a group.
    if (this.#here === this.#session && stream && this.mayPublish) this.classApi.setDevices(stream.id, { videoSourceState: 0, audioSourceState: 0 }).catch(() => {});
    this.#here = to;
    const state = to.snapshot();
    const inGroup = to !== this.#session;
    if (!inGroup) this.#told = '';
    if (inGroup && state.phase === 'in') {
      this.#know(state.room);
      const roomId = textAt(state.room.properties, 'widgets.easemobIM.extra.chatRoomId');
      if (roomId) this.#chat?.visit({ roomId, roomUuid: state.room.id });
    } else this.#chat?.visit();
    this.options.listener(inGroup ? CLASS_EVENTS.JoinSubRoom : CLASS_EVENTS.LeaveSubRoom);
    if (state.phase === 'in' && state.link === 'live') this.media.live();
  }

  /** Remembers who is who in chat. */
  #know(room: Room): void {
    for (const { name, role, properties } of room.users.values()) {
      const chatName = textAt(properties, 'widgets.easemobIM.userId');
      if (chatName) this.#authors.set(chatName, { name, role });
    }
  }

  #inStep(room: Room): void {
    const main = mainStream(room, room.me.id);
    const { tracks, problems } = this.devices.snapshot();
    const states: { camera: number; microphone: number } = { camera: 0, microphone: 0 };
    for (const kind of ['camera', 'microphone'] as const) {
      const allowed = Boolean(kind === 'camera' ? main?.video : main?.audio);
      const [wanted, track, problem] = [this.#wanted[kind], tracks[kind], problems[kind]];
      if (allowed && wanted && !track && !problem) void this.devices.open(kind);
      // Nobody's camera is on who is not seen.
      if (track && !(allowed && wanted)) this.devices.close(kind);
      void this.media.setLocal(kind, allowed && wanted ? track : null);
      states[kind] = problem && wanted ? -1 : wanted ? 1 : 0;
    }
    if (main) this.#report(main.id, states);
    // Who talks with others must not hear them late.
    this.media.delay(isSeated(room, room.me) ? 0 : this.options.delayMs);
    this.#screenInStep(room);
    this.#wantMedia(room);
  }

  #report(stream: string, { camera, microphone }: { camera: number; microphone: number }): void {
    // The server does not say how the devices of those are who are not seen: what it was told last counts.
    const told = `${camera} ${microphone}`;
    if (told === this.#told) return;
    this.#told = told;
    this.api.setDevices(stream, { videoSourceState: camera, audioSourceState: microphone }).catch(() => {
      // It is told again with the next change.
      if (this.#told === told) this.#told = '';
    });
  }

  #unplugged(kind: DeviceKind): void {
    const events = { camera: CLASS_EVENTS.CurrentCamUnplugged, microphone: CLASS_EVENTS.CurrentMicUnplugged, speaker: CLASS_EVENTS.CurrentSpeakerUnplugged };
    this.options.listener(events[kind]);
    this.#notice({ kind: 'unplugged', device: kind });
  }

  // The screen.

  get isSharing(): boolean {
    return this.#screen !== undefined;
  }

  async shareScreen(): Promise<void> {
    let screen: MediaStream | null;
    try {
      screen = await captureScreen(this.options.encodings.screen);
    } catch (error) {
      if (problemOf(error) === 'denied') this.options.listener(CLASS_EVENTS.CaptureScreenPermissionDenied);
      this.#notice({ kind: 'screenDenied' });
      return;
    }
    const [picture] = screen?.getVideoTracks() ?? [];
    if (!screen || !picture) return;
    this.#screen = screen;
    picture.onended = () => void this.stopScreen();
    const sound = screen.getAudioTracks()[0] ?? null;
    if (!(await this.act((api) => api.startScreen(sound !== null)))) return this.#stopScreenTracks();
    await this.media.setLocal('screen', picture);
    await this.media.setLocal('screenAudio', sound);
    this.#changed();
  }

  async stopScreen(): Promise<void> {
    this.#stopScreenTracks();
    const { userUuid } = this.place;
    await this.api.stopScreen(userUuid).catch(() => {});
    this.#changed();
  }

  #stopScreenTracks(): void {
    const screen = this.#screen;
    this.#screen = undefined;
    for (const track of screen?.getTracks() ?? []) {
      track.onended = null;
      track.stop();
    }
    void this.media.setLocal('screen', null);
    void this.media.setLocal('screenAudio', null);
  }

  /** The teacher may have ended the share. */
  #screenInStep(room: Room): void {
    const shares = [...room.streams.values()].some(({ owner, kind }) => owner === room.me.id && kind === 'screen');
    if (shares) this.#shared = true;
    else if (this.#shared) {
      this.#shared = false;
      this.#stopScreenTracks();
    }
  }
  #shared = false;

  /** The own picture: camera or screen. */
  own(kind: 'camera' | 'screen'): MediaStreamTrack | null {
    return kind === 'camera' ? this.devices.snapshot().tracks.camera : (this.#screen?.getVideoTracks()[0] ?? null);
  }

  deviceState = (): DeviceState => this.devices.snapshot();

  // What others send.

  /** A picture is in view, `height` device pixels high, until the returned function is called. */
  look(stream: string, height: number): () => void {
    const key = Symbol(stream);
    this.#looks.set(key, { stream, kind: 'video', height });
    this.#wantSoon();
    return () => {
      this.#looks.delete(key);
      this.#wantSoon();
    };
  }

  #wantTimer: ReturnType<typeof setTimeout> | undefined;
  #wantSoon(): void {
    this.#wantTimer ??= setTimeout(() => {
      this.#wantTimer = undefined;
      const here = this.here();
      if (here) this.#wantMedia(here.room);
    }, 50);
  }

  #wantMedia(room: Room): void {
    const others = [...room.streams.values()].filter(({ owner }) => owner !== room.me.id);
    const sounds: Watch[] = others.filter(({ audio, microphone, kind }) => audio && (microphone === 1 || kind === 'screen')).map(({ id }) => ({ stream: id, kind: 'audio' }));
    const highest = new Map<string, Watch>();
    for (const look of this.#looks.values()) {
      const before = highest.get(look.stream);
      if ((before?.height ?? -1) < (look.height ?? 0)) highest.set(look.stream, look);
    }
    const seen = others.filter(({ id, video, camera }) => video && camera === 1 && highest.has(id));
    this.media.want([...sounds, ...seen.map(({ id }) => highest.get(id) as Watch)]);
  }

  track(kind: 'audio' | 'video', stream: string): MediaStreamTrack | undefined {
    return this.media.snapshot().tracks.get(trackKey(kind, stream));
  }

  #rtcChanged(): void {
    const rtc = RTC_STATES[this.media.snapshot().link];
    if (rtc === this.#rtc) return;
    this.#rtc = rtc;
    this.options.listener(CLASS_EVENTS.RTCStateChanged, rtc);
  }

  #beReady(): void {
    if (this.#ready) return;
    this.#ready = true;
    this.options.listener(CLASS_EVENTS.Ready);
  }

  // Chat.

  #startChat(room: Room): void {
    if (!this.#conversations && (room.me.role === 'student' || teaches(room.me.role))) {
      const { id, name, role } = room.me;
      this.#conversations = new Conversations({ api: () => this.classApi, me: { id, name, role }, now: this.now, told: (from, text) => this.#notice({ kind: 'private', name: from, text }) });
      this.#conversations.subscribe(() => this.#changed());
    }
    const sdk = (globalThis as { websdk?: { default?: unknown } }).websdk;
    if (this.#chat || !sdk) return;
    const extra = (name: string): string => textAt(room.properties, `widgets.easemobIM.extra.${name}`);
    const user = textAt(room.me.properties, 'widgets.easemobIM.userId');
    const [appKey, roomId] = [extra('appKey'), extra('chatRoomId')];
    if (!appKey || !roomId || !user || room.me.role === 'invisible') return;
    const static_ = (sdk.default ?? sdk) as ConstructorParameters<typeof ClassChat>[0];
    const heard = (message: ChatMessage): void => {
      const { name, role } = this.author(message);
      if (message.toAll && teaches(role)) this.#notice({ kind: 'broadcast', name, text: message.text });
    };
    const chat = new ClassChat(static_, { appKey, user, base: this.place.base }, { roomId, roomUuid: room.id }, { name: room.me.name, role: room.me.role, id: room.me.id }, () => this.classApi.token, heard);
    this.#chat = chat;
    chat.subscribe(() => this.#changed());
    chat.start();
  }

  #out(): void {
    this.media.close();
    this.#here = this.#session;
    this.#visiting = '';
    this.#visit.go(undefined);
    this.#chat?.stop();
    this.devices.close('camera');
    this.devices.close('microphone');
    this.#stopScreenTracks();
  }

  #version = 0;
  /** A number that rises with every change, for those who draw. */
  readonly version = (): number => this.#version;

  #changed(): void {
    this.#version += 1;
    for (const listener of this.#listeners) listener();
  }
}
