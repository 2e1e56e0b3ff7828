// The class as it goes: header, stage, panel, controls, and what comes over them.

import { useEffect, useRef, useState } from 'react';
import { invited, phaseOf } from '../core/store';
import type { Room } from '../core/types';
import { Banner } from './Banner';
import { Chat } from './chat/Chat';
import { MainProvider, PHONE, RoomProvider, SMALL, useClass, useClassroom, useDevices, useMatches, useMedia, useRoom } from './context';
import { Dock, type Panel } from './Dock';
import { GroupInvitation } from './groups/Invitation';
import { GroupsPanel } from './groups/GroupsPanel';
import { GroupStrip } from './groups/Strip';
import { Header } from './Header';
import type { Layout } from './layout';
import { Button, Dialog, IconButton } from './parts';
import { People } from './People';
import { Settings } from './Settings';
import { Stage } from './Stage';
import { Toasts } from './Toasts';
import { CarouselStrip } from './tools/Carousel';
import { ToolStart, Tools, type ToolName } from './tools/Tools';
import { Sound } from './Video';

interface RoomViewProps {
  /** The room of the class. */
  readonly main: Room;
  /** The one that is shown: of the class, or of a group. */
  readonly room: Room;
  readonly link: 'connecting' | 'live' | 'lost';
}

const TITLES = { people: 'people.title', chat: 'chat.title', groups: 'groups.title' } as const;

export function RoomView({ main, room, link }: RoomViewProps) {
  const { t } = useClass();
  const classroom = useClassroom();
  const phone = useMatches(PHONE);
  const small = useMatches(SMALL);
  const [layout, setLayout] = useState<Layout>(room.type === 2 ? 'stage' : 'grid');
  const [panel, setPanel] = useState<Panel | undefined>(phone ? undefined : room.me.role === 'teacher' && room.type !== 0 ? 'people' : 'chat');
  const [tool, setTool] = useState<ToolName>();
  const [dialog, setDialog] = useState<'settings' | 'leave'>();
  const unread = useUnread(room.id, panel === 'chat');
  const isInvited = room.me.role === 'student' && invited(room).some(({ id }) => id === room.me.id);
  const root = useRef<HTMLDivElement>(null);
  /** Who closes the panel from within goes on at the button that opens it. */
  const closePanel = (): void => {
    root.current?.querySelector<HTMLElement>(panel === 'groups' ? '.sc-dock .sc-menu button' : `.sc-dock [data-opens="${panel}"]`)?.focus();
    setPanel(undefined);
  };
  const talk = (student: string, name: string): void => {
    setPanel('chat');
    void classroom.conversations?.look(student, name);
  };
  return (
    <MainProvider value={main}>
      <RoomProvider value={room}>
        <div ref={root} className={`sc-room ${panel ? 'sc-room--panel' : ''}`} data-page="room" data-link={link} data-role={room.me.role} data-room={room === main ? 'class' : 'group'}>
          <Header layout={layout} onLayout={setLayout} lost={link === 'lost'} />
          <div className="sc-strips">
            <Banner link={link} />
            <GroupStrip onManage={() => setPanel('groups')} managing={panel === 'groups'} />
            {room === main && <CarouselStrip />}
          </div>
          <main className="sc-main" aria-label={t('room.label', { name: room.name })}>
            <Stage layout={layout} />
          </main>
          <RoomProvider value={main}>
            <Tools sheet={small} panel={panel !== undefined} onTakeRoom={() => setPanel(undefined)} />
          </RoomProvider>
          {panel && (
            <aside className="sc-panel" aria-label={t(TITLES[panel])} data-panel={panel}>
              <header className="sc-panel__head">
                <h2>{t(TITLES[panel])}</h2>
                {panel === 'people' && <span className="sc-muted">{t('people.here', { n: room.total })}</span>}
                <IconButton icon="close" label={t('panel.close')} onClick={closePanel} />
              </header>
              {panel === 'people' ? <People onTalk={talk} /> : panel === 'chat' ? <Chat /> : <GroupsPanel />}
            </aside>
          )}
          <Dock panel={panel} unread={unread} onPanel={(next) => setPanel(panel === next ? undefined : next)} onTool={setTool} onSettings={() => setDialog('settings')} onLeave={() => setDialog('leave')} />
          <Toasts />
          <Sounds />
          {isInvited && <Invitation />}
          <GroupInvitation />
          {tool && (
            <RoomProvider value={main}>
              <ToolStart tool={tool} onClose={() => setTool(undefined)} />
            </RoomProvider>
          )}
          {dialog === 'settings' && <Settings layout={layout} onLayout={setLayout} onClose={() => setDialog(undefined)} />}
          {dialog === 'leave' && <Leave onClose={() => setDialog(undefined)} onLeave={() => classroom.leave()} />}
        </div>
      </RoomProvider>
    </MainProvider>
  );
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
  const state = classroom.state();
  const ends = room.me.role === 'teacher' && state.phase === 'in' && phaseOf(state.room) === 1;
  const end = async (): Promise<void> => {
    onClose();
    await classroom.actForClass((api) => api.setState(2));
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

/** Messages of others since the chat was looked at, and those to this person alone. */
function useUnread(id: string, looking: boolean): number {
  const { classroom } = useClass();
  const { messages } = classroom.chatState();
  const seen = useRef(new Map<string, number>());
  const others = messages.filter(({ mine }) => !mine).length;
  useEffect(() => {
    if (looking) seen.current.set(id, others);
  }, [looking, others, id]);
  let privately = 0;
  for (const { unread } of classroom.conversationsState().all.values()) privately += unread;
  const fresh = looking ? 0 : Math.max(0, others - (seen.current.get(id) ?? 0));
  return fresh + privately;
}
