// Groups, for those who teach: planned before they are open, and looked after while they are.

import { useState } from 'react';
import { groupsOf } from '../../core/groups';
import { useClassroom, useMain, useClass } from '../context';
import { Button, Dialog, Empty } from '../parts';
import { Composer } from '../chat/Thread';
import { GroupCard, Loose } from './GroupCard';
import { Plan } from './Plan';

export function GroupsPanel() {
  const main = useMain();
  const { t } = useClass();
  const open = groupsOf(main).length > 0;
  if (open) return <Open />;
  if (main.me.role !== 'teacher') return <Empty icon="groups" title={t('groups.none')} text={t('groups.none.assistant')} />;
  return <Plan />;
}

/** The groups that are open. */
function Open() {
  const { t } = useClass();
  const classroom = useClassroom();
  const main = useMain();
  const groups = groupsOf(main);
  const teacher = main.me.role === 'teacher';
  const [ending, setEnding] = useState(false);
  const [said, setSaid] = useState(false);
  const { name, role, id } = main.me;
  const broadcast = async (text: string): Promise<void> => {
    setSaid(false);
    const ext = { msgtype: 0, roomUuid: main.id, nickName: name, role: role === 'teacher' ? 'host' : 'assistant', userUuid: id, range: 3 };
    setSaid(await classroom.actForClass((api) => api.broadcast(text, true, ext)));
  };
  return (
    <div className="sc-groups">
      <div className="sc-groups__scroll" tabIndex={0} role="group" aria-label={t('groups.title')}>
        <Loose groups={groups} />
        {groups.map((group) => (
          <GroupCard key={group.id} group={group} groups={groups} />
        ))}
      </div>
      <div className="sc-groups__say">
        <Composer label={t('groups.broadcast')} onSend={(text) => void broadcast(text)} />
        {said && (
          <p className="sc-muted" role="status">
            {t('groups.broadcast.sent')}
          </p>
        )}
      </div>
      {teacher && (
        <footer className="sc-groups__foot">
          <Button icon="plus" className="sc-button--small" disabled={groups.length >= 20} onClick={() => void classroom.actForClass((api) => api.addGroup(t('groups.name', { n: groups.length + 1 })))}>
            {t('groups.add')}
          </Button>
          <Button kind="danger" className="sc-button--small" onClick={() => setEnding(true)}>
            {t('groups.end')}
          </Button>
        </footer>
      )}
      {ending && (
        <Dialog title={t('groups.end.title')} onClose={() => setEnding(false)} kind="groups-end">
          <p>{t('groups.end.text')}</p>
          <div className="sc-dialog__foot">
            <Button onClick={() => setEnding(false)}>{t('action.cancel')}</Button>
            <Button
              kind="danger"
              onClick={() => {
                setEnding(false);
                classroom.visit('');
                void classroom.actForClass((api) => api.closeGroups());
              }}
            >
              {t('groups.end')}
            </Button>
          </div>
        </Dialog>
      )}
    </div>
  );
}
