// The class as it goes: header, stage, panel, controls, and what comes over them.

import { useEffect, useRef, useState } from 'react';
import { clockText, timesOf } from '../core/schedule';
import { invited, phaseOf } from '../core/store';
import type { Room } from '../core/types';
import { Chat } from './Chat';
import { PHONE, RoomProvider, useClass, useClassroom, useDevices, useMatches, useMedia, useNow, useRoom } from './context';
import { Dock, type Panel } from './Dock';
import { Header } from './Header';
import type { Layout } from './layout';
import { Button, Dialog, IconButton, Spinner } from './parts';
import { People } from './People';
import { Settings } from './Settings';
import { Stage } from './Stage';
import { Toasts } from './Toasts';
import { ToolStart, Tools, type ToolName } from './tools/Tools';
import { Sound } from './Video';

export function RoomView({ room, link }: { readonly room: Room; readonly link: 'connecting' | 'live' | 'lost' }) {
  const { t } = useClass();
  const classroom = useClassroom();
  const phone = useMatches(PHONE);
  const [layout, setLayout] = useState<Layout>(room.type === 2 ? 'stage' : 'grid');
  const [panel, setPanel] = useState<Panel | undefined>(phone ? undefined : room.me.role === 'teacher' && room.type !== 0 ? 'people' : 'chat');
  const [tool, setTool] = useState<ToolName>();
  const [dialog, setDialog] = useState<'settings' | 'leave'>();
  const unread = useUnread(panel === 'chat');
  const isInvited = room.me.role === 'student' && invited(room).some(({ id }) => id === room.me.id);
  return (
    <RoomProvider value={room}>
      <div className={`sc-room ${panel ? 'sc-room--panel' : ''}`} data-page="room" data-link={link} data-role={room.me.role}>
        <Header layout={layout} onLayout={setLayout} lost={link === 'lost'} />
        <Banner link={link} />
        <main className="sc-main" aria-label={t('room.label', { name: room.name })}>
          <Stage layout={layout} />
          <Tools />
        </main>
        {panel && (
          <aside className="sc-panel" aria-label={t(panel === 'people' ? 'people.title' : 'chat.title')} data-panel={panel}>
            <header className="sc-panel__head">
              <h2>{t(panel === 'people' ? 'people.title' : 'chat.title')}</h2>
              {panel === 'people' && <span className="sc-muted">{t('people.here', { n: room.total })}</span>}
              <IconButton icon="close" label={t('panel.close')} onClick={() => setPanel(undefined)} />
            </header>
            {panel === 'people' ? <People /> : <Chat />}
          </aside>
        )}
        <Dock panel={panel} unread={unread} onPanel={(next) => setPanel(panel === next ? undefined : next)} onTool={setTool} onSettings={() => setDialog('settings')} onLeave={() => setDialog('leave')} />
        <Toasts />
        <Sounds />
        {isInvited && <Invitation />}
        {tool && <ToolStart tool={tool} onClose={() => setTool(undefined)} />}
        {dialog === 'settings' && <Settings onClose={() => setDialog(undefined)} />}
        {dialog === 'leave' && <Leave onClose={() => setDialog(undefined)} onLeave={() => classroom.leave()} />}
      </div>
    </RoomProvider>
  );
}

/** What is to be known about the class as a whole, in a line below the header. */
function Banner({ link }: { readonly link: 'connecting' | 'live' | 'lost' }) {
  const { classroom, t } = useClass();
  const room = useRoom();
  const now = useNow();
  const phase = phaseOf(room);
  const teacher = room.me.role === 'teacher';
  if (link === 'lost') {
    return (
      <div className="sc-banner sc-banner--warn" role="status" data-banner="lost">
        <Spinner />
        <span>{t('room.reconnecting')}</span>
      </div>
    );
  }
  if (phase === 0) {
    return (
      <div className="sc-banner" role="status" data-banner="waiting">
        <span>{t(teacher ? 'room.wait.teacher' : 'room.wait.student')}</span>
        {teacher && (
          <Button kind="primary" className="sc-button--small" onClick={() => void classroom.act((api) => api.setState(1))}>
            {t('room.start')}
          </Button>
        )}
      </div>
    );
  }
  if (phase === 2) {
    const { closes } = timesOf(room);
    return (
      <div className="sc-banner sc-banner--bad" role="status" data-banner="overtime">
        <span>{t('room.over.text')}</span>
        {closes !== undefined && <time aria-live="off">{t('room.closesIn', { time: clockText(closes - now) })}</time>}
        {teacher && (
          <Button className="sc-button--small" onClick={() => void classroom.act((api) => api.setState(3))}>
            {t('room.close')}
          </Button>
        )}
      </div>
    );
  }
  return null;
}

function Invitation() {
  const { classroom, t } = useClass();
  const decline = (): void => void classroom.act((api) => api.declineInvitation());
  return (
    <Dialog title={t('invite.title')} onClose={decline} kind="invitation">
      <p>{t('invite.text')}</p>
      <div className="sc-dialog__foot">
        <Button onClick={decline}>{t('invite.decline')}</Button>
        <Button kind="primary" onClick={() => void classroom.act((api) => api.acceptInvitation())}>
          {t('invite.accept')}
        </Button>
      </div>
    </Dialog>
  );
}

function Leave({ onClose, onLeave }: { readonly onClose: () => void; readonly onLeave: () => void }) {
  const { classroom, t } = useClass();
  const room = useRoom();
  const ends = room.me.role === 'teacher' && phaseOf(room) === 1;
  const end = async (): Promise<void> => {
    onClose();
    await classroom.act((api) => api.setState(2));
  };
  return (
    <Dialog title={t('leave.title')} onClose={onClose} kind="leave">
      <p>{t(ends ? 'leave.teacher' : 'leave.text')}</p>
      <div className="sc-dialog__foot">
        <Button onClick={onClose}>{t('leave.stay')}</Button>
        {ends && (
          <Button kind="danger" onClick={() => void end()}>
            {t('leave.end')}
          </Button>
        )}
        <Button kind={ends ? 'plain' : 'danger'} onClick={onLeave}>
          {t('leave.leave')}
        </Button>
      </div>
    </Dialog>
  );
}

/** The sound of all others; where the browser wants a click first, a button for it. */
function Sounds() {
  const { t } = useClass();
  const { tracks } = useMedia();
  const { chosen } = useDevices();
  const [blocked, setBlocked] = useState<readonly HTMLAudioElement[]>([]);
  return (
    <>
      {[...tracks].map(([key, track]) => key.startsWith('audio ') && <Sound key={key} track={track} speaker={chosen.speaker} onBlocked={(audio) => setBlocked((before) => [...before, audio])} />)}
      {blocked.length > 0 && (
        <div className="sc-banner sc-banner--float" role="alert">
          <span>{t('room.soundBlocked')}</span>
          <Button
            kind="primary"
            icon="sound"
            className="sc-button--small"
            onClick={() => {
              for (const audio of blocked) void audio.play().catch(() => {});
              setBlocked([]);
            }}
          >
            {t('room.soundOn')}
          </Button>
        </div>
      )}
    </>
  );
}

/** Messages of others since the chat was looked at. */
function useUnread(looking: boolean): number {
  const { classroom } = useClass();
  const { messages } = classroom.chatState();
  const seen = useRef<number>(0);
  const others = messages.filter(({ mine }) => !mine);
  useEffect(() => {
    if (looking) seen.current = others.length;
  }, [looking, others.length]);
  return looking ? 0 : Math.max(0, others.length - seen.current);
}
