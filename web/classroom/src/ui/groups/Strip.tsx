// In which group one is, in a line below the header, and the way to help or back.

import { groupOf, groupsOf } from '../../core/groups';
import { teaches } from '../../core/types';
import { useClass, useClassroom, useMain, useRoom } from '../context';
import { Icon } from '../icons';
import { Button, Spinner } from '../parts';

export function GroupStrip({ onManage, managing }: { readonly onManage: () => void; readonly managing: boolean }) {
  const { t } = useClass();
  const classroom = useClassroom();
  const main = useMain();
  const room = useRoom();
  const group = classroom.group();
  const teaching = teaches(main.me.role);
  const groups = groupsOf(main);
  if (!group) {
    if (!teaching || groups.length === 0) return null;
    return (
      <div className="sc-banner sc-banner--quiet" role="status" data-banner="groups">
        <span className="sc-banner__text">
          <Icon name="groups" size={18} />
          {t('groups.open', { n: groups.length })}
        </span>
        {!managing && (
          <Button className="sc-button--small" onClick={onManage}>
            {t('groups.manage')}
          </Button>
        )}
      </div>
    );
  }
  if (group.phase !== 'in') {
    return (
      <div className={`sc-banner ${group.phase === 'failed' ? 'sc-banner--bad' : 'sc-banner--quiet'}`} role="status" data-banner="group-way">
        <span className="sc-banner__text">
          {group.phase === 'joining' && <Spinner />}
          {t(group.phase === 'joining' ? 'groups.going' : 'groups.failed', { name: group.name })}
        </span>
        {group.phase === 'failed' && (
          <Button className="sc-button--small" onClick={classroom.groupAgain}>
            {t('action.again')}
          </Button>
        )}
      </div>
    );
  }
  const others = [...room.users.values()].filter(({ id, role }) => id !== room.me.id && role === 'student').map(({ name }) => name);
  return (
    <div className="sc-banner sc-banner--group" role="status" data-banner="group">
      <span className="sc-banner__text">
        <Icon name="groups" size={18} />
        <span>
          <b>{group.name}</b> {t(others.length === 0 ? (teaching ? 'groups.empty' : 'groups.alone') : teaching ? 'groups.lookInto' : 'groups.with', { names: others.join(', ') })}
        </span>
      </span>
      {teaching ? (
        <Button kind="primary" className="sc-button--small" onClick={() => void back(classroom)}>
          {t('groups.back')}
        </Button>
      ) : (
        main.me.role === 'student' && <Help group={group.id} />
      )}
    </div>
  );
}

/** Comes back from a group; who had been asked in is not in it any more. */
async function back(classroom: ReturnType<typeof useClassroom>): Promise<void> {
  const { userUuid } = classroom.place;
  const state = classroom.state();
  const own = state.phase === 'in' ? groupOf(state.room, userUuid) : undefined;
  classroom.visit('');
  if (own) await classroom.actForClass((api) => api.changeGroup(own.id, [], [userUuid]));
}

/** A student asks those who teach to come. */
function Help({ group }: { readonly group: string }) {
  const { classroom, t } = useClass();
  const main = useMain();
  const teachers = [...main.users.values()].filter(({ role }) => teaches(role));
  const here = groupsOf(main).find(({ id }) => id === group);
  const asked = teachers.some(({ id }) => here?.invited.includes(id));
  const there = teachers.some(({ id }) => here?.members.includes(id));
  if (there) return null;
  // Without anybody who could come there is nobody to ask, and the button says so.
  return (
    <Button icon="help" className="sc-button--small" disabled={asked || teachers.length === 0} onClick={() => void classroom.actForClass((api) => api.changeGroup(group, teachers.map(({ id }) => id), [], true))}>
      {t(teachers.length === 0 ? 'groups.noTeacher' : asked ? 'groups.asked' : 'groups.help')}
    </Button>
  );
}
