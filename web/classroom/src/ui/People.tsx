// Who is there, whose hand is up, and what those who teach do about it.

import { useEffect, useState } from 'react';
import { GROUP_TYPE, groupOf } from '../core/groups';
import { hands, hasStage, invited, isSeated, mainStream, onStage, rewardsOf } from '../core/store';
import { at, listAt, textAt } from '../core/tree';
import { listed, roleOf, teaches, type Tree, type User } from '../core/types';
import { bring, usePersonActs } from './acts';
import { useClass, useMain, useRoom } from './context';
import { Icon } from './icons';
import { Avatar, Button, Empty, IconButton, Menu } from './parts';

export function People({ onTalk }: { readonly onTalk: (student: string, name: string) => void }) {
  const { classroom, t } = useClass();
  const room = useRoom();
  const [search, setSearch] = useState('');
  const teaching = teaches(room.me.role);
  const lecture = useLectureRoster(search);
  const all = [...room.users.values(), ...lecture.users.filter(({ id }) => !room.users.has(id))].filter(({ role }) => listed(role));
  const found = all.filter(({ name }) => name.toLowerCase().includes(search.trim().toLowerCase()));
  const order = (user: User): number => (user.role === 'teacher' ? 0 : user.role === 'assistant' ? 1 : onStage(room).includes(user.id) ? 2 : 3);
  const sorted = [...found].sort((a, b) => order(a) - order(b) || a.name.localeCompare(b.name));
  const team = sorted.filter(({ role }) => role !== 'student');
  const students = sorted.filter(({ role }) => role === 'student');
  return (
    <div className="sc-people">
      {teaching && room.type !== 0 && room.type !== GROUP_TYPE && <Hands />}
      <label className="sc-search">
        <span className="sc-hidden">{t('people.search')}</span>
        <input type="search" value={search} placeholder={t('people.search')} onChange={(event) => setSearch(event.target.value)} />
      </label>
      <div className="sc-people__scroll" tabIndex={0} role="group" aria-label={t('people.title')}>
        {search && sorted.length === 0 && <p className="sc-muted sc-pad">{t('people.nobody')}</p>}
        {team.length > 0 && <Roster title={t('people.team')} users={team} onTalk={onTalk} />}
        {students.length > 0 && <Roster title={`${t('people.students')} · ${students.length}`} users={students} onTalk={onTalk} />}
        {!search && students.length === 0 && <Empty icon="people" title={t('people.none')} text={t('people.none.text')} />}
        {lecture.more && (
          <Button kind="quiet" onClick={lecture.more}>
            {t('people.more')}
          </Button>
        )}
      </div>
      {teaching && <ForAll classroom={classroom} />}
    </div>
  );
}

type OnTalk = (student: string, name: string) => void;

function Roster({ title, users, onTalk }: { readonly title: string; readonly users: readonly User[]; readonly onTalk: OnTalk }) {
  return (
    <section>
      <h3 className="sc-subhead">{title}</h3>
      <ul className="sc-roster">
        {users.map((user) => (
          <Person key={user.id} user={user} onTalk={onTalk} />
        ))}
      </ul>
    </section>
  );
}

function Person({ user, onTalk }: { readonly user: User; readonly onTalk: OnTalk }) {
  const { t } = useClass();
  const room = useRoom();
  const inClass = useMain();
  const acts = usePersonActs(user, onTalk);
  const main = mainStream(room, user.id);
  const group = room === inClass ? groupOf(inClass, user.id) : undefined;
  const staged = onStage(room).includes(user.id);
  const stars = rewardsOf(inClass.users.get(user.id) ?? user);
  const sends = isSeated(room, user) && main;
  return (
    <li className="sc-person" data-person={user.id}>
      <Avatar name={user.name} id={user.id} small />
      <span className="sc-person__name">
        {user.id === room.me.id ? t('name.you', { name: user.name }) : user.name}
        <small>{user.role !== 'student' ? t(`role.${user.role}`) : group ? group.name : staged ? t('people.onStage') : invited(room).some(({ id }) => id === user.id) ? t('people.invited') : ''}</small>
      </span>
      {stars > 0 && (
        <span className="sc-person__stars" role="img" aria-label={t('tile.rewards', { n: stars })}>
          <Icon name="star" size={14} />
          <span aria-hidden="true">{stars}</span>
        </span>
      )}
      {sends && (
        <span className="sc-person__devices">
          {(!sends.audio || sends.microphone !== 1) && (
            <span role="img" aria-label={t('tile.micOff')}>
              <Icon name="micOff" size={16} />
            </span>
          )}
          {(!sends.video || sends.camera !== 1) && (
            <span role="img" aria-label={t('tile.cameraOff')}>
              <Icon name="cameraOff" size={16} />
            </span>
          )}
        </span>
      )}
      {acts.items.length > 0 && <Menu label={t('tile.acts', { name: user.name })} items={acts.items} />}
      {acts.dialog}
    </li>
  );
}

function Hands() {
  const { classroom, t } = useClass();
  const room = useRoom();
  const up = hands(room);
  const lower = (user: string): void => {
    if (room.type === 10) void classroom.act((api) => api.message('handsUp', { userUuid: user, state: 0 }));
    else void classroom.act((api) => api.lowerHand(user));
  };
  return (
    <section className="sc-hands" aria-label={t('people.hands')} data-hands={up.length}>
      <h3 className="sc-subhead">
        {t('people.hands')}
        {up.length > 0 && <b className="sc-count">{up.length}</b>}
      </h3>
      {up.length === 0 ? (
        <p className="sc-muted">{t('people.handsNone')}</p>
      ) : (
        <ul className="sc-roster">
          {up.map(({ id, name }) => (
            <li key={id} className="sc-person" data-hand={id}>
              <Avatar name={name} id={id} small />
              <span className="sc-person__name">{name}</span>
              {hasStage(room) && (
                <Button kind="primary" className="sc-button--small" aria-label={t('people.accept', { name })} onClick={() => void bring(classroom, id, true)}>
                  {t('people.acceptShort')}
                </Button>
              )}
              <IconButton icon="close" label={t('people.lower', { name })} onClick={() => lower(id)} />
            </li>
          ))}
        </ul>
      )}
      {up.length > 1 && (
        <Button kind="quiet" className="sc-button--small" onClick={() => (room.type === 10 ? void classroom.act((api) => api.message('handsUpAll', { operation: 0 })) : up.forEach(({ id }) => lower(id)))}>
          {t('people.lowerAll')}
        </Button>
      )}
    </section>
  );
}

function ForAll({ classroom }: { readonly classroom: ReturnType<typeof useClass>['classroom'] }) {
  const { t } = useClass();
  const room = useRoom();
  const mains = [...room.streams.values()].filter(({ owner, kind }) => kind === 'main' && owner !== room.me.id && room.users.get(owner)?.role === 'student');
  const loud = mains.filter(({ audio }) => audio);
  const staged = onStage(room);
  const setAll = (on: boolean): void => {
    const changing = mains.filter(({ audio }) => audio !== on);
    void classroom.act((api) => api.setRights(changing.map(({ id, owner }) => ({ userUuid: owner, streamUuid: id, audioState: on ? 1 : 0 }))));
  };
  const auto = at(room.properties, 'processes.handsUp.defaultAcceptRole') === 'audience';
  return (
    <footer className="sc-people__foot">
      <Button icon={loud.length > 0 || mains.length === 0 ? 'micOff' : 'mic'} disabled={mains.length === 0} className="sc-button--small" onClick={() => setAll(loud.length === 0)}>
        {t(loud.length > 0 || mains.length === 0 ? 'people.muteAll' : 'people.unmuteAll')}
      </Button>
      {hasStage(room) && (
        <>
          <Button icon="stageDown" disabled={staged.length === 0} className="sc-button--small" onClick={() => void classroom.act((api) => api.clearStage())}>
            {t('people.clearStage')}
          </Button>
          <Button icon="star" disabled={staged.length === 0} className="sc-button--small" onClick={() => void classroom.act((api) => api.reward(staged, 1))}>
            {t('people.rewardAll')}
          </Button>
          <label className="sc-switch">
            <input type="checkbox" role="switch" checked={auto} onChange={() => void classroom.act((api) => api.setAutoStage(!auto))} />
            <span>{t('people.autoStage')}</span>
          </label>
        </>
      )}
    </footer>
  );
}

/** In a lecture students are many, and are asked for by page. */
function useLectureRoster(search: string): { readonly users: readonly User[]; readonly more: (() => void) | undefined } {
  const { classroom } = useClass();
  const room = useRoom();
  const isLecture = room.type === 2;
  const [users, setUsers] = useState<readonly User[]>([]);
  const [next, setNext] = useState<string>('');
  const ask = async (from: string): Promise<void> => {
    const query = { role: '2', count: '20', ...(search.trim() ? { userName: search.trim() } : {}), ...(from ? { nextId: from } : {}) };
    const page = await classroom.api.users(query).catch((): Tree => ({}));
    const list = (listAt(page, 'list') as readonly Tree[]).filter((one) => one['state'] !== 0);
    const found = list.map((one): User => ({ id: textAt(one, 'userUuid'), name: textAt(one, 'userName'), role: roleOf(one['role']), properties: (one['userProperties'] ?? {}) as Tree }));
    setUsers((before) => (from ? [...before, ...found] : found));
    setNext(textAt(page, 'nextId'));
  };
  useEffect(() => {
    if (!isLecture) return;
    const first = setTimeout(() => void ask(''), 250);
    const timer = setInterval(() => void ask(''), 15_000);
    return () => {
      clearTimeout(first);
      clearInterval(timer);
    };
  }, [isLecture, search]);
  return { users: isLecture ? users : [], more: isLecture && next ? () => void ask(next) : undefined };
}
