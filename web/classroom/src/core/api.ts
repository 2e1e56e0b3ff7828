// The calls of a participant (classroom contract, sections 2.2 and 2.3).

import { ClassError } from './errors';
import type { GroupPlan } from './groups';
import type { Tree } from './types';

/** Where the server is, who calls, and for which class. */
export interface Place {
  /** Scheme and host, without a slash at the end. */
  readonly base: string;
  /** A segment of the path, as `eu`; empty: the data centre that answers. */
  readonly region: string;
  readonly appId: string;
  readonly roomUuid: string;
  readonly userUuid: string;
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
type Plane = 'edu' | 'scene';

const listed = (users: readonly string[]): readonly Tree[] => users.map((userUuid) => ({ userUuid }));

/** The longest that an answer is awaited, in milliseconds. */
const PATIENCE_MS = 10_000;

export class ClassApi {
  readonly place: Place;
  #token: string;
  #userToken = '';
  readonly #fetch: typeof fetch;

  constructor(place: Place, token: string, fetcher: typeof fetch = (...arguments_) => fetch(...arguments_)) {
    this.place = place;
    this.#token = token;
    this.#fetch = fetcher;
  }

  get token(): string {
    return this.#token;
  }

  renew(token: string): void {
    this.#token = token;
  }

  /** What the last entry gave, which later calls show. */
  entered(userToken: string): void {
    this.#userToken = userToken;
  }

  /** The path of the class's calls: `rooms/…` of a version. */
  #url(plane: Plane, version: number, path: string): string {
    const { base, region, appId, roomUuid } = this.place;
    return `${base}${region ? `/${region}` : ''}/${plane}/apps/${encodeURIComponent(appId)}/v${version}/rooms/${encodeURIComponent(roomUuid)}${path}`;
  }

  /** Calls, and resolves with `data` and the server's time. */
  async call(method: Method, plane: Plane, version: number, path: string, body?: unknown): Promise<{ data: unknown; ts: number }> {
    const headers: Record<string, string> = {
      Authorization: `agora token="${this.#token}"`,
      'x-agora-token': this.#token,
      'x-agora-uid': this.place.userUuid,
    };
    if (this.#userToken) headers['token'] = this.#userToken;
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    const ends = new AbortController();
    const timer = setTimeout(() => ends.abort(), PATIENCE_MS);
    let answer: Response;
    let said: { code?: unknown; msg?: unknown; ts?: unknown; data?: unknown };
    try {
      answer = await this.#fetch(this.#url(plane, version, path), {
        method,
        headers,
        cache: 'no-store',
        credentials: 'omit',
        signal: ends.signal,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      said = (await answer.json().catch(() => ({}))) as typeof said;
    } catch {
      throw new ClassError(undefined, 0, 'the server does not answer');
    } finally {
      clearTimeout(timer);
    }
    if (!answer.ok || said.code !== 0) {
      const code = typeof said.code === 'number' ? said.code : answer.status;
      throw new ClassError(answer.status, code, typeof said.msg === 'string' ? said.msg : `HTTP ${answer.status}`);
    }
    return { data: said.data, ts: Number(said.ts) || 0 };
  }

  async #act(method: Method, plane: Plane, version: number, path: string, body?: unknown): Promise<Tree> {
    const { data } = await this.call(method, plane, version, path, body);
    return (data ?? {}) as Tree;
  }

  readonly #own = (): string => `/users/${encodeURIComponent(this.place.userUuid)}`;

  checkIn = (body: Tree) => this.call('PUT', 'edu', 3, this.#own(), body);
  enter = (body: Tree) => this.call('POST', 'scene', 2, `${this.#own()}/entry`, body);
  setState = (state: 0 | 1 | 2 | 3) => this.#act('PUT', 'edu', 2, `/states/${state}`);

  /** The roster, by page. */
  users = (query: Readonly<Record<string, string>>) => this.#act('GET', 'edu', 2, `/users?${new URLSearchParams(query)}`);
  kick = (user: string, ban: boolean) => this.#act('POST', 'edu', 2, `/users/${encodeURIComponent(user)}/exit`, ban ? { dirty: { state: 1, duration: -1 } } : {});

  invite = (user: string, seconds: number, payload: Tree) =>
    this.#act('POST', 'edu', 2, '/processes/handsUp/progress', { toUserUuid: user, timeout: seconds, retry: true, payload });
  declineInvitation = () => this.#act('DELETE', 'edu', 2, '/processes/handsUp/progress');
  acceptInvitation = () => this.#act('POST', 'edu', 2, '/processes/handsUp/acceptance');
  putOnStage = (user: string) => this.#act('POST', 'edu', 2, '/processes/handsUp/acceptance', { toUserUuid: user });
  takeOffStage = (user?: string) => this.#act('DELETE', 'edu', 2, '/processes/handsUp/acceptance', user === undefined ? undefined : { toUserUuid: user });
  clearStage = () => this.#act('DELETE', 'edu', 2, '/processes/handsUp/acceptance/all');
  setAutoStage = (on: boolean) => this.#act('PUT', 'edu', 2, '/processes/handsUp/1', { defaultAcceptRole: on ? 'audience' : '' });
  startCarousel = ({ count, interval, random, withDevice }: { readonly count: number; readonly interval: number; readonly random: boolean; readonly withDevice: boolean }) =>
    this.#act('PUT', 'edu', 2, '/carousels/states/1', { range: withDevice ? 2 : 1, type: random ? 2 : 1, interval, count });
  stopCarousel = () => this.#act('PUT', 'edu', 2, '/carousels/states/0');

  /** A hand that stays up until it is lowered. */
  raiseHand = (userName: string) => this.#act('POST', 'edu', 2, '/processes/waveArm/progress', { timeout: -1, retry: true, payload: { userName } });
  lowerHand = (user?: string) => this.#act('DELETE', 'edu', 2, '/processes/waveArm/progress', user === undefined ? undefined : { toUserUuid: user });

  reward = (users: readonly string[], by: number) =>
    this.#act('POST', 'edu', users.length > 1 ? 4 : 3, '/rewards', { rewardDetails: users.map((userUuid) => ({ userUuid, changeReward: by })) });

  setRoomProperties = (properties: Tree) => this.#act('PUT', 'edu', 2, '/properties', { properties });
  /** A text for all, above the chat; an empty one takes it away. */
  announce = (text: string) => this.#act('PUT', 'edu', 2, '/properties', { properties: { announcement: { text, userUuid: this.place.userUuid } } });
  /** Says something to all groups, in their chat rooms, and in the room of the class with `everybody`. */
  broadcast = (text: string, everybody: boolean, ext: Tree) => this.#act('POST', 'edu', 2, '/widgets/easemobIM/messages', { range: everybody ? 3 : 2, type: 'txt', msg: text, ext });
  /** The students who have a conversation with those who teach. */
  conversations = (next = '') => this.#act('GET', 'edu', 2, `/conversation/students${next ? `?${new URLSearchParams({ nextId: next })}` : ''}`);
  /** The end of a student's conversation, the last message first. */
  conversation = (student: string) => this.#act('GET', 'edu', 2, `/conversation/students/${encodeURIComponent(student)}/messages?sort=1`);
  sayPrivately = (student: string, message: string) => this.#act('POST', 'edu', 2, `/conversation/students/${encodeURIComponent(student)}/messages`, { message, type: 1 });
  openGroups = (groups: readonly GroupPlan[], invite: boolean) =>
    this.#act('PUT', 'edu', 2, '/groups/states/1', { groups: groups.map(({ name, users }) => ({ groupName: name, users: listed(users) })), inProgress: invite });
  closeGroups = () => this.#act('PUT', 'edu', 2, '/groups/states/0', { groups: [] });
  addGroup = (name: string) => this.#act('POST', 'edu', 2, '/groups/states/1', { groups: [{ groupName: name, users: [] }], inProgress: false });
  removeGroup = (group: string) => this.#act('DELETE', 'edu', 2, '/groups/states/1', { removeGroupUuids: [group] });
  renameGroup = (group: string, name: string) => this.#act('PATCH', 'edu', 2, '/groups/info', { groups: [{ groupUuid: group, groupName: name }] });
  /** Moves people into a group and out of it, or asks them to come (`invite`). */
  changeGroup = (group: string, add: readonly string[], remove: readonly string[], invite = false) =>
    this.#act('PATCH', 'edu', 2, '/groups/users', { groups: [{ groupUuid: group, addUsers: listed(add), removeUsers: listed(remove) }], inProgress: invite });
  acceptGroup = (group: string, leave: readonly string[]) => this.#act('POST', 'edu', 2, `/groups/${encodeURIComponent(group)}/acceptance`, { leaveGroupUuids: leave });
  declineGroup = (group: string) => this.#act('DELETE', 'edu', 2, `/groups/${encodeURIComponent(group)}/progress`);
  muteChat = (muted: boolean) => this.#act('PUT', 'edu', 2, '/mute', { muteChat: muted ? 1 : 0 });

  /** What may be published of streams, by the teacher's side. */
  setRights = (streams: readonly Tree[]) => this.#act('PUT', 'scene', 1, '/streams', { streams });
  /** How the own devices are. */
  setDevices = (stream: string, devices: Tree) => this.#act('PATCH', 'scene', 1, `${this.#own()}/streams/${stream}`, devices);

  startScreen = (sound: boolean) => this.#act('PUT', 'edu', 2, `${this.#own()}/screen/1`, sound ? { audioState: 1, audioSourceState: 1, audioSourceType: 2 } : { audioState: 0 });
  stopScreen = (user: string) => this.#act('PUT', 'edu', 2, `/users/${encodeURIComponent(user)}/screen/0`);

  startPoll = (title: string, items: readonly string[], several: boolean) =>
    this.#act('POST', 'edu', 2, '/widgets/polls/start', { mode: several ? 2 : 1, pollItems: items, pollTitle: title });
  answerPoll = (id: string, chosen: readonly number[]) => this.#act('POST', 'edu', 2, `/widgets/polls/${id}${this.#own()}`, { selectIndex: chosen });
  stopPoll = (id: string) => this.#act('POST', 'edu', 2, `/widgets/polls/${id}/stop`);

  startQuiz = (items: readonly string[], correct: readonly string[]) => this.#act('POST', 'edu', 2, '/widgets/popupQuizs/start', { items, correctItems: correct });
  answerQuiz = (id: string, chosen: readonly string[]) => this.#act('PUT', 'edu', 2, `/widgets/popupQuizs/${id}${this.#own()}`, { selectedItems: chosen });
  stopQuiz = (id: string) => this.#act('POST', 'edu', 2, `/widgets/popupQuizs/${id}/stop`);
  quizAnswers = (id: string) => this.#act('GET', 'edu', 2, `/widgets/popupQuizs/${id}/users?count=100`);

  startCountdown = (seconds: number) => this.#act('POST', 'edu', 2, '/widgets/countdownTimer/start', { duration: seconds });
  countdown = (id: string, act: 'pause' | 'continue' | 'stop') => this.#act('PUT', 'edu', 2, `/widgets/countdownTimer/${id}/${act}`);
  removeWidget = (id: string) => this.#act('DELETE', 'edu', 2, `/widgets/${id}`, {});

  /** A message to all that the server hands on unread. */
  message = (cmd: string, data: Tree) => this.#act('POST', 'scene', 1, '/message/channel', { payload: { cmd, data }, sync: false });

  recordReady = () => this.#act('PUT', 'edu', 2, '/records/ready');
}
