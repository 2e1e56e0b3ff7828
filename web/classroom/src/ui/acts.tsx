// What those who teach may do to somebody else.

import { useState, type ReactNode } from 'react';
import { hands, hasStage, invited, mainStream, onStage } from '../core/store';
import { teaches, type User } from '../core/types';
import { useClass, useEnabled, useMain, useRoom } from './context';
import { Button, Dialog, type MenuItem } from './parts';

/** Seconds that the answer to an invitation is awaited. */
const INVITATION_S = 60;

export interface PersonActs {
  readonly items: readonly MenuItem[];
  readonly dialog: ReactNode;
}

export function usePersonActs(user: User, onTalk?: (student: string, name: string) => void): PersonActs {
  const { classroom, t } = useClass();
  const room = useRoom();
  const inClass = useMain();
  const enabled = useEnabled();
  const [kicking, setKicking] = useState(false);
  const { me } = room;
  const items: MenuItem[] = [];
  const main = mainStream(room, user.id);
  const staged = onStage(room).includes(user.id);
  if (teaches(me.role) && user.id !== me.id) {
    const isStudent = user.role === 'student';
    const right = (field: 'audioState' | 'videoState', on: boolean): void => {
      if (main) void classroom.act((api) => api.setRights([{ userUuid: user.id, streamUuid: main.id, [field]: on ? 1 : 0 }]));
    };
    const published = main && (isStudent || user.role === 'assistant') && (!hasStage(room) || staged || main.audio || main.video);
    if (published && enabled('stage.studentVideo.microphone')) {
      // Who has switched the own microphone off cannot be heard, whatever the teacher allows.
      items.push({ label: t(main.audio ? 'act.micOff' : 'act.micOn'), icon: main.audio ? 'micOff' : 'mic', act: () => right('audioState', !main.audio), disabled: main.microphone !== 1 });
    }
    if (published && enabled('stage.studentVideo.camera')) {
      items.push({ label: t(main.video ? 'act.camOff' : 'act.camOn'), icon: main.video ? 'cameraOff' : 'camera', act: () => right('videoState', !main.video), disabled: main.camera !== 1 });
    }
    if (isStudent && hasStage(room)) {
      if (staged && enabled('stage.studentVideo.offStage')) {
        items.push({ label: t('act.stageOff'), icon: 'stageDown', act: () => void classroom.act((api) => api.takeOffStage(user.id)) });
      } else if (!staged) {
        items.push({ label: t('act.stageOn'), icon: 'stageUp', act: () => void bring(classroom, user.id, hands(room).some(({ id }) => id === user.id)) });
        const asked = invited(room).some(({ id }) => id === user.id);
        items.push({ label: t(asked ? 'people.invited' : 'act.stageInvite'), icon: 'hand', disabled: asked, act: () => void classroom.act((api) => api.invite(user.id, INVITATION_S, { userName: me.name })) });
      }
    }
    if (isStudent && enabled('stage.studentVideo.reward')) items.push({ label: t('act.reward'), icon: 'star', act: () => void classroom.actForClass((api) => api.reward([user.id], 1)) });
    if (isStudent && onTalk && inClass.type !== 0) items.push({ label: t('act.talk'), icon: 'lock', act: () => onTalk(user.id, user.name) });
    if (isStudent || (user.role === 'assistant' && me.role === 'teacher')) items.push({ label: t('act.kick'), icon: 'kick', danger: true, act: () => setKicking(true) });
  }
  const kick = (ban: boolean): void => {
    setKicking(false);
    void classroom.actForClass((api) => api.kick(user.id, ban));
  };
  const dialog = kicking ? (
    <Dialog title={t('kick.title', { name: user.name })} onClose={() => setKicking(false)} kind="kick">
      <p>{t('kick.text', { name: user.name })}</p>
      <div className="sc-dialog__foot">
        <Button onClick={() => setKicking(false)}>{t('action.cancel')}</Button>
        <Button kind="danger" onClick={() => kick(true)}>
          {t('kick.ban')}
        </Button>
        <Button kind="danger" onClick={() => kick(false)}>
          {t('kick.once')}
        </Button>
      </div>
    </Dialog>
  ) : null;
  return { items, dialog };
}

/** Puts a student on the stage, whose hand then need not be up any more. */
export async function bring(classroom: ReturnType<typeof useClass>['classroom'], user: string, handUp: boolean): Promise<void> {
  if ((await classroom.act((api) => api.putOnStage(user))) && handUp) await classroom.api.lowerHand(user).catch(() => {});
}
