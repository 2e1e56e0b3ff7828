// The controls at the foot of the room.

import { hands, hasStage, mainStream, onStage } from '../core/store';
import { treeAt } from '../core/tree';
import { teaches } from '../core/types';
import { useClass, useDevices, useEnabled, useMain, useRoom } from './context';
import { Icon, type IconName } from './icons';
import { Menu, type MenuItem } from './parts';
import type { ToolName } from './tools/Tools';

export type Panel = 'people' | 'chat' | 'groups';

interface DockProps {
  readonly panel: Panel | undefined;
  readonly unread: number;
  readonly onPanel: (panel: Panel) => void;
  readonly onTool: (tool: ToolName) => void;
  readonly onSettings: () => void;
  readonly onLeave: () => void;
}

export function Dock({ panel, unread, onPanel, onTool, onSettings, onLeave }: DockProps) {
  const { classroom, t } = useClass();
  const room = useRoom();
  const inClass = useMain();
  const enabled = useEnabled();
  const { problems } = useDevices();
  const { me } = room;
  const teaching = teaches(me.role);
  const student = me.role === 'student';
  const main = mainStream(room, me.id);
  const seatless = student && hasStage(room) && !onStage(room).includes(me.id);
  const { camera, microphone } = classroom.wanted;
  const up = hands(room);
  const myHand = up.some(({ id }) => id === me.id);
  const mayShare = (teaching || room.type === 10 || treeAt(room.properties, 'flexProps.screenGrants')[me.id] === true) && enabled('engagement.screenShare') && 'getDisplayMedia' in (navigator.mediaDevices ?? {});
  const tools: MenuItem[] = teaching
    ? ([
        ['poll', 'poll', 'engagement.poll'],
        ['quiz', 'quiz', 'engagement.popupQuiz'],
        ['countdown', 'timer', 'engagement.counter'],
      ] as const)
        .filter(([, , path]) => enabled(path))
        .map(([tool, icon]) => ({ label: t(`tool.${tool}`), icon, act: () => onTool(tool) }))
    : [];
  if (teaching && hasStage(inClass)) tools.push({ label: t('tool.carousel'), icon: 'carousel', act: () => onTool('carousel') });
  if (teaching && (inClass.type === 4 || inClass.type === 10) && enabled('engagement.breakoutRoom')) tools.push({ label: t('tool.groups'), icon: 'groups', act: () => onPanel('groups') });
  const device = (kind: 'camera' | 'microphone'): void => {
    if (problems[kind]) void classroom.devices.open(kind);
    classroom.want(kind, problems[kind] ? true : !classroom.wanted[kind]);
  };
  const micOn = microphone && !problems.microphone && (main?.audio ?? false);
  const camOn = camera && !problems.camera && (main?.video ?? false);
  const hand = (): void => {
    if (room.type === 10) void classroom.act((api) => api.message('handsUp', { userUuid: me.id, state: myHand ? 0 : 1 }));
    else void classroom.act((api) => (myHand ? api.lowerHand() : api.raiseHand(me.name)));
  };
  return (
    <nav className="sc-dock" aria-label={t('dock.label')}>
      <div className="sc-dock__group">
        {classroom.mayPublish && !seatless && me.role !== 'assistant' && (
          <>
            <DockButton icon={micOn ? 'mic' : 'micOff'} label={t(micOn ? 'dock.mute' : 'dock.unmute')} off={!micOn} onClick={() => device('microphone')} disabled={main?.audio === false} title={main?.audio === false ? t('dock.micByTeacher') : undefined} />
            <DockButton icon={camOn ? 'camera' : 'cameraOff'} label={t(camOn ? 'dock.cameraOff' : 'dock.cameraOn')} off={!camOn} onClick={() => device('camera')} disabled={main?.video === false} />
          </>
        )}
        {mayShare && <DockButton icon={classroom.isSharing ? 'screenOff' : 'screen'} label={t(classroom.isSharing ? 'dock.stopShare' : 'dock.share')} active={classroom.isSharing} onClick={() => void (classroom.isSharing ? classroom.stopScreen() : classroom.shareScreen())} />}
        {student && room.type !== 0 && (seatless || room.type === 10) && enabled('engagement.raiseHand') && <DockButton icon="hand" label={t(myHand ? 'dock.lower' : 'dock.raise')} active={myHand} pressed={myHand} onClick={hand} />}
        {student && hasStage(room) && !seatless && <DockButton icon="stageDown" label={t('dock.offStage')} onClick={() => void classroom.act((api) => api.takeOffStage())} />}
        {tools.length > 0 && (
          <Menu label={t('dock.tools')} items={tools} up>
            <Icon name="tools" size={22} />
            <span>{t('dock.tools')}</span>
          </Menu>
        )}
      </div>
      <div className="sc-dock__group">
        {room.type !== 0 && enabled('engagement.roster') && <DockButton icon="people" label={t('dock.people')} badge={teaching ? up.length : 0} opens="people" expanded={panel === 'people'} onClick={() => onPanel('people')} />}
        <DockButton icon="chat" label={t('dock.chat')} badge={unread} opens="chat" expanded={panel === 'chat'} onClick={() => onPanel('chat')} />
        <DockButton icon="settings" label={t('dock.settings')} onClick={onSettings} />
        <DockButton icon="leave" label={t('dock.leave')} danger onClick={onLeave} />
      </div>
    </nav>
  );
}

interface DockButtonProps {
  readonly icon: IconName;
  readonly label: string;
  readonly onClick: () => void;
  readonly off?: boolean;
  readonly active?: boolean;
  readonly danger?: boolean;
  readonly disabled?: boolean;
  readonly badge?: number;
  readonly expanded?: boolean | undefined;
  /** The panel that it opens. */
  readonly opens?: Panel;
  readonly pressed?: boolean | undefined;
  readonly title?: string | undefined;
}

function DockButton({ icon, label, onClick, off, active, danger, disabled, badge = 0, expanded, opens, pressed, title }: DockButtonProps) {
  const kind = danger ? 'sc-dockbutton--danger' : off ? 'sc-dockbutton--off' : active || expanded ? 'sc-dockbutton--active' : '';
  return (
    <button type="button" className={`sc-dockbutton ${kind}`} onClick={onClick} disabled={disabled} title={title ?? label} data-opens={opens} aria-expanded={expanded} aria-pressed={pressed}>
      <Icon name={icon} size={22} />
      <span>{label}</span>
      {badge > 0 && <b className="sc-badge">{badge > 99 ? '99+' : badge}</b>}
    </button>
  );
}
