// What an app hears of a class (classroom contract, section 4.3), and what people are told of it.

import { groupOf, invitationOf } from './groups';
import { announcementOf, hands, mainStream, onStage, phaseOf, sharedScreen } from './store';
import { at, listAt, numberAt, textAt, treeAt } from './tree';
import { teaches, type Frame, type Room, type Tree } from './types';

/** The numbers of the events. */
export const CLASS_EVENTS = {
  Ready: 1,
  Destroyed: 2,
  FailedToJoin: 3,
  KickOut: 101,
  TeacherTurnOnMyMic: 102,
  TeacherTurnOffMyMic: 103,
  UserAcceptToStage: 106,
  UserLeaveStage: 107,
  RewardReceived: 108,
  TeacherTurnOnMyCam: 109,
  TeacherTurnOffMyCam: 110,
  CurrentCamUnplugged: 111,
  CurrentMicUnplugged: 112,
  CurrentSpeakerUnplugged: 113,
  CaptureScreenPermissionDenied: 114,
  BatchRewardReceived: 117,
  InvitedToGroup: 118,
  MoveToOtherGroup: 119,
  JoinSubRoom: 120,
  LeaveSubRoom: 121,
  AcceptedToGroup: 122,
  UserJoinGroup: 123,
  UserLeaveGroup: 124,
  RejectedToGroup: 125,
  RTCStateChanged: 201,
  ClassStateChanged: 202,
  TokenPrivilegeWillExpire: 301,
} as const;

export interface Rewarded {
  readonly userUuid: string;
  readonly userName: string;
}

/** What people are told of in a line. */
export type Notice =
  | { readonly kind: 'started' | 'ended' | 'onStage' | 'offStage' | 'micOn' | 'micOff' | 'camOn' | 'camOff' | 'chatMuted' | 'chatUnmuted' | 'groupOut' | 'announcement' | 'poll' | 'quiz' | 'countdown' }
  | { readonly kind: 'hand' | 'joined' | 'shares' | 'groupIn'; readonly name: string }
  | { readonly kind: 'broadcast' | 'private'; readonly name: string; readonly text: string }
  | { readonly kind: 'reward'; readonly names: readonly string[] };

export interface Told {
  readonly events: readonly (readonly [number, ...unknown[]])[];
  readonly notices: readonly Notice[];
}

/** What the step from one room to the next means for the app and for people. */
export function toldOf(before: Room, after: Room, frame: Pick<Frame, 'cmd' | 'data'> & Partial<Frame>): Told {
  const events: [number, ...unknown[]][] = [];
  const notices: Notice[] = [];
  const me = after.me.id;
  const operator = (frame.operator ?? treeAt(frame.data, 'operator')) as Tree;
  const byOther = textAt(operator, 'userUuid') !== me;

  if (phaseOf(before) !== phaseOf(after)) {
    events.push([CLASS_EVENTS.ClassStateChanged, phaseOf(after)]);
    if (phaseOf(after) === 1) notices.push({ kind: 'started' });
    if (phaseOf(after) === 2) notices.push({ kind: 'ended' });
  }
  const [was, is] = [onStage(before).includes(me), onStage(after).includes(me)];
  if (!was && is) {
    if (byOther) events.push([CLASS_EVENTS.UserAcceptToStage]);
    notices.push({ kind: 'onStage' });
  } else if (was && !is) {
    if (byOther) events.push([CLASS_EVENTS.UserLeaveStage]);
    notices.push({ kind: 'offStage' });
  }
  // What comes and goes with the stage needs no further words.
  if ((frame.cmd === 40 || frame.cmd === 41) && byOther && is && at(frame.data, 'action') !== 1) rights(before, after, events, notices);
  if (frame.cmd === 22) rewards(after, frame, events, notices);
  if (before.properties['muteChat'] !== after.properties['muteChat'] && !teaches(after.me.role)) {
    notices.push({ kind: numberAt(after.properties, 'muteChat') === 1 ? 'chatMuted' : 'chatUnmuted' });
  }
  if (teaches(after.me.role)) {
    const up = new Set(hands(before).map(({ id }) => id));
    for (const { id, name } of hands(after)) if (!up.has(id)) notices.push({ kind: 'hand', name });
  }
  const [sharedBefore, shared] = [sharedScreen(before), sharedScreen(after)];
  if (shared && shared.id !== sharedBefore?.id && shared.owner !== me) {
    notices.push({ kind: 'shares', name: after.users.get(shared.owner)?.name ?? '' });
  }
  if (frame.cmd === 4) {
    groups(before, after, frame.data, events, notices);
    shownToAll(before, after, byOther, notices);
  }
  return { events, notices };
}

/** The tools of the class, as widgets and as they are told. */
const TOOLS = [['poll', 'pollId', 'poll'], ['popupQuiz', 'popupQuizId', 'quiz'], ['countdownTimer', 'countdownTimerId', 'countdown']] as const;

/** What is put up for all: a tool for those who answer, an announcement. */
function shownToAll(before: Room, after: Room, byOther: boolean, notices: Notice[]): void {
  if (!byOther) return;
  const is = (room: Room, path: string): string => textAt(room.properties, path);
  for (const [widget, id, kind] of TOOLS) {
    const path = `widgets.${widget}.extra.${id}`;
    if (is(after, path) && is(before, path) !== is(after, path)) notices.push({ kind });
  }
  if (announcementOf(after) && announcementOf(before) !== announcementOf(after)) notices.push({ kind: 'announcement' });
}

/** Groups: who comes and goes, and who is asked. */
function groups(before: Room, after: Room, data: Tree, events: [number, ...unknown[]][], notices: Notice[]): void {
  const me = after.me.id;
  const cause = treeAt(data, 'cause.data');
  const kind = numberAt(data, 'cause.cmd');
  const action = numberAt(cause, 'actionType');
  if (kind === 11 && action === 4) {
    for (const change of listAt(cause, 'changeGroups') as readonly Tree[]) {
      const groupUuid = textAt(change, 'groupUuid');
      for (const [field, number] of [['removeUsers', CLASS_EVENTS.UserLeaveGroup], ['addUsers', CLASS_EVENTS.UserJoinGroup]] as const) {
        const users = listAt(change, field).map((one) => textAt(one as Tree, 'userUuid'));
        if (users.length > 0) events.push([number, { groupUuid, users }]);
      }
    }
  }
  const process = textAt(cause, 'processUuid');
  if (kind === 501 && process.startsWith('groups-')) {
    const groupUuid = process.slice('groups-'.length);
    const invitation = invitationOf(after, me);
    if (action === 1 && invitation && !invitationOf(before, me)) events.push([CLASS_EVENTS.InvitedToGroup, invitation]);
    if (action === 2) events.push([CLASS_EVENTS.AcceptedToGroup, { groupUuid, accepted: listAt(cause, 'addAccepted') }]);
    if (action === 3) events.push([CLASS_EVENTS.RejectedToGroup, { groupUuid, removeProgress: listAt(cause, 'removeProgress'), inviting: listAt(after.properties, `processes.${process}.progress`).length > 0 }]);
  }
  const [was, is] = [groupOf(before, me), groupOf(after, me)];
  if (was?.id === is?.id) return;
  if (was && is) events.push([CLASS_EVENTS.MoveToOtherGroup, { fromGroupUuid: was.id, toGroupUuid: is.id }]);
  if (after.me.role === 'student') notices.push(is ? { kind: 'groupIn', name: is.name } : { kind: 'groupOut' });
}

function rights(before: Room, after: Room, events: [number, ...unknown[]][], notices: Notice[]): void {
  const [had, has] = [mainStream(before, after.me.id), mainStream(after, after.me.id)];
  if (!had || !has) return;
  if (had.audio !== has.audio) {
    events.push([has.audio ? CLASS_EVENTS.TeacherTurnOnMyMic : CLASS_EVENTS.TeacherTurnOffMyMic]);
    notices.push({ kind: has.audio ? 'micOn' : 'micOff' });
  }
  if (had.video !== has.video) {
    events.push([has.video ? CLASS_EVENTS.TeacherTurnOnMyCam : CLASS_EVENTS.TeacherTurnOffMyCam]);
    notices.push({ kind: has.video ? 'camOn' : 'camOff' });
  }
}

function rewards(after: Room, frame: Pick<Frame, 'data'> & Partial<Frame>, events: [number, ...unknown[]][], notices: Notice[]): void {
  const parts = (frame.list ?? [frame.data]) as readonly Tree[];
  const given = parts.filter((part) => numberAt(part, 'cause.cmd') === 1101);
  const details = given.flatMap((part) => {
    const own = textAt(part, 'fromUser.userUuid');
    return (listAt(part, 'cause.data.rewardDetails') as readonly Tree[]).filter((one) => textAt(one, 'userUuid') === own);
  });
  const names = details
    .filter((one) => numberAt(one, 'changedReward') > 0)
    .map((one): Rewarded => ({ userUuid: textAt(one, 'userUuid'), userName: after.users.get(textAt(one, 'userUuid'))?.name ?? '' }));
  if (names.length === 0) return;
  events.push([frame.list ? CLASS_EVENTS.BatchRewardReceived : CLASS_EVENTS.RewardReceived, names]);
  notices.push({ kind: 'reward', names: names.map(({ userName }) => userName) });
}

