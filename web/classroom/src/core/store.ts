// The room, from the snapshot at entry and the frames that follow it (classroom contract, sections 2.3.1 and 2.4).
// Pure: a frame makes another room and leaves the one before as it was.

import { changed, listAt, numberAt, textAt, treeAt } from './tree';
import { roleOf, teaches, type ClassPhase, type Frame, type Room, type RoomType, type Stream, type Tree, type User, type Waiting } from './types';

const tree = (value: unknown): Tree => (typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Tree) : {});

/** The room as the answer to an entry says. */
export function roomFrom(entry: Tree): Room {
  const room = tree(entry['room']);
  const properties = treeAt(room, 'roomProperties');
  const me = userFrom(tree(entry['localUser']));
  const users = new Map([[me.id, me]]);
  const streams = new Map<string, Stream>();
  addStreams(streams, me.id, listAt(tree(entry['localUser']), 'streams'));
  for (const one of listAt(entry, 'remoteUsers').map(tree)) {
    const user = userFrom(one);
    users.set(user.id, user);
    addStreams(streams, user.id, listAt(one, 'streams'));
  }
  return {
    id: textAt(room, 'roomInfo.roomUuid'),
    name: textAt(room, 'roomInfo.roomName'),
    type: numberAt(properties, 'roomType') as RoomType,
    properties,
    me,
    users,
    streams,
    total: numberAt(room, 'roomState.total'),
    cloudHands: new Map(),
  };
}

function userFrom(one: Tree): User {
  return { id: textAt(one, 'userUuid'), name: textAt(one, 'userName'), role: roleOf(one['role']), properties: tree(one['userProperties']) };
}

function streamFrom(owner: string, one: Tree): Stream {
  return {
    id: textAt(one, 'streamUuid'),
    owner,
    kind: one['videoSourceType'] === 2 ? 'screen' : 'main',
    video: one['videoState'] === 1,
    audio: one['audioState'] === 1,
    camera: numberAt(one, 'videoSourceState'),
    microphone: numberAt(one, 'audioSourceState'),
  };
}

function addStreams(streams: Map<string, Stream>, owner: string, list: readonly unknown[]): void {
  for (const one of list.map(tree)) {
    const stream = streamFrom(owner, one);
    if (stream.id) streams.set(stream.id, stream);
  }
}

/** The room after a frame, numbered or not. */
export function applied(room: Room, { cmd, data, list, timestamp }: Pick<Frame, 'cmd' | 'data'> & Partial<Frame>): Room {
  switch (cmd) {
    case 4:
    case 5:
      return { ...room, properties: changed(room.properties, treeAt(data, 'changeProperties')) };
    case 20:
      return peopleCameAndWent(room, data);
    case 21:
      return withUser(room, textAt(data, 'userUuid'), (user) => ({ ...user, name: textAt(data, 'userName'), role: roleOf(data['role']) }));
    case 22:
    case 23:
      return (list ?? [data]).reduce<Room>((before, one) => userProperties(before, tree(one)), room);
    case 24:
      return subscribed(room, data);
    case 40:
      return streamChanged(room, textAt(data, 'fromUser.userUuid'), data);
    case 41:
      return listAt(data, 'streams')
        .map(tree)
        .reduce<Room>((before, one) => streamChanged(before, textAt(one, 'fromUser.userUuid'), one), room);
    case 99:
      return messaged(room, data, timestamp ?? Date.now());
    default:
      return room;
  }
}

function peopleCameAndWent(room: Room, data: Tree): Room {
  const users = new Map(room.users);
  const streams = new Map(room.streams);
  const cloudHands = new Map(room.cloudHands);
  for (const one of listAt(data, 'onlineUsers').map(tree)) {
    const user = userFrom(one);
    users.set(user.id, user);
    addStreams(streams, user.id, listAt(one, 'streams'));
  }
  for (const { id } of listAt(data, 'offlineUsers').map(tree).map(userFrom)) {
    cloudHands.delete(id);
    if (id === room.me.id) continue;
    users.delete(id);
    for (const stream of [...streams.values()]) if (stream.owner === id) streams.delete(stream.id);
  }
  return { ...room, users, streams, cloudHands, me: users.get(room.me.id) ?? room.me, total: numberAt(data, 'total', room.total) };
}

function withUser(room: Room, id: string, change: (user: User) => User): Room {
  const before = room.users.get(id);
  if (!before) return room;
  const after = change(before);
  return { ...room, users: new Map(room.users).set(id, after), me: id === room.me.id ? after : room.me };
}

function userProperties(room: Room, one: Tree): Room {
  const changes = treeAt(one, 'changeProperties');
  return withUser(room, textAt(one, 'fromUser.userUuid'), (user) => ({ ...user, properties: changed(user.properties, changes) }));
}

/** In a lecture: who is known to all from now on, and who is no longer. */
function subscribed(room: Room, data: Tree): Room {
  const users = new Map(room.users);
  const streams = new Map(room.streams);
  for (const one of listAt(data, 'users').map(tree)) {
    const user = userFrom(one);
    if (user.id === room.me.id) continue;
    if (one['subscribe'] === 1) {
      users.set(user.id, user);
      addStreams(streams, user.id, listAt(one, 'streams'));
    } else {
      users.delete(user.id);
      for (const stream of [...streams.values()]) if (stream.owner === user.id) streams.delete(stream.id);
    }
  }
  return { ...room, users, streams };
}

function streamChanged(room: Room, owner: string, one: Tree): Room {
  const stream = streamFrom(owner, one);
  const streams = new Map(room.streams);
  // The own camera and microphone stay known when nobody else sees them any more.
  if (one['action'] !== 3) streams.set(stream.id, stream);
  else if (owner === room.me.id && stream.kind === 'main') streams.set(stream.id, { ...stream, video: false, audio: false });
  else streams.delete(stream.id);
  return { ...room, streams };
}

function messaged(room: Room, data: Tree, at: number): Room {
  const payload = treeAt(data, 'payload');
  const about = treeAt(payload, 'data');
  const fromTeaching = teaches(roleOf(textAt(data, 'fromUser.role')));
  const cloudHands = new Map(room.cloudHands);
  if (payload['cmd'] === 'handsUpAll' && fromTeaching) {
    cloudHands.clear();
  } else if (payload['cmd'] === 'handsUp') {
    // A hand is its owner's; those who teach may lower any.
    const id = textAt(about, 'userUuid');
    const own = textAt(data, 'fromUser.userUuid') === id;
    if (numberAt(about, 'state') === 0 && (own || fromTeaching)) cloudHands.delete(id);
    else if (numberAt(about, 'state') === 1 && own) cloudHands.set(id, { id, name: room.users.get(id)?.name ?? textAt(data, 'fromUser.userName'), since: at });
  } else {
    return room;
  }
  return { ...room, cloudHands };
}

// What is read from a room.

export const phaseOf = (room: Room): ClassPhase => numberAt(room.properties, 'state') as ClassPhase;

/** Who is on the stage, in the order of coming. */
export function onStage(room: Room): readonly string[] {
  return listAt(room.properties, 'processes.handsUp.accepted').map((one) => textAt(tree(one), 'userUuid'));
}

const waiting = (list: readonly unknown[]): readonly Waiting[] =>
  list.map(tree).map((one) => ({ id: textAt(one, 'userUuid'), name: textAt(one, 'userName'), since: numberAt(one, 'ts') }));

/** Raised hands, the first one first. */
export function hands(room: Room): readonly Waiting[] {
  return room.type === 10 ? [...room.cloudHands.values()] : waiting(listAt(room.properties, 'processes.waveArm.progress'));
}

/** Who is invited to the stage and has not answered. */
export const invited = (room: Room): readonly Waiting[] => waiting(listAt(room.properties, 'processes.handsUp.progress'));

/** The main stream of a user, and the screen that is shared. */
export function mainStream(room: Room, user: string): Stream | undefined {
  return [...room.streams.values()].find((stream) => stream.owner === user && stream.kind === 'main');
}

export function sharedScreen(room: Room): Stream | undefined {
  if (numberAt(room.properties, 'screen.state') !== 1) return undefined;
  return room.streams.get(textAt(room.properties, 'screen.streamUuid'));
}

/** The students who take turns on the stage. */
export interface Carousel {
  /** How many at once, and for how many seconds. */
  readonly count: number;
  readonly interval: number;
  /** By chance, and only those with a device that runs. */
  readonly random: boolean;
  readonly withDevice: boolean;
}

/** Seconds that they may stay. */
export const CAROUSEL_S = { least: 10, most: 99 } as const;

/** The carousel, while it goes. */
export function carouselOf(room: Room): Carousel | undefined {
  const said = treeAt(room.properties, 'carousel');
  if (numberAt(said, 'state') !== 1) return undefined;
  return { count: numberAt(said, 'count', 6), interval: numberAt(said, 'interval', CAROUSEL_S.least), random: numberAt(said, 'type') === 2, withDevice: numberAt(said, 'range') === 2 };
}

/** How many students the stage takes. */
export const seatsOf = (room: Room): number => Math.max(1, numberAt(room.properties, 'processes.handsUp.maxAccept', 6));

export const rewardsOf = (user: User): number => numberAt(user.properties, 'reward.count');
/** What those who teach have put up for all. */
export const announcementOf = (room: Room): string => textAt(room.properties, 'flexProps.announcement.text');
export const isChatMuted = (room: Room): boolean => numberAt(room.properties, 'muteChat') === 1;

/** Whether there is a stage on which not everybody is. */
export const hasStage = (room: Room): boolean => room.type === 4 || room.type === 2;

/** Whether a user has a place in the picture: those who teach and publish, and the students whom the room lets publish. */
export function isSeated(room: Room, user: User): boolean {
  if (user.role === 'teacher') return true;
  if (user.role === 'assistant') {
    const main = mainStream(room, user.id);
    return Boolean(main && (main.video || main.audio));
  }
  if (user.role !== 'student') return false;
  return hasStage(room) ? onStage(room).includes(user.id) : true;
}

/** Those who are seen, teacher first, then in the order of the stage or of coming. */
export function seated(room: Room): readonly User[] {
  const order = onStage(room);
  const rank = (user: User): number => {
    if (user.role === 'teacher') return -2;
    if (user.role === 'assistant') return -1;
    const at = order.indexOf(user.id);
    return at < 0 ? order.length : at;
  };
  return [...room.users.values()].filter((user) => isSeated(room, user)).sort((a, b) => rank(a) - rank(b));
}
