// One group that is open: who is in it, who goes where, and the way into it.

import { useState } from 'react';
import type { Group } from '../../core/groups';
import { useClass, useClassroom, useMain } from '../context';
import { Avatar, Button, IconButton, Menu, type MenuItem } from '../parts';

export function GroupCard({ group, groups }: { readonly group: Group; readonly groups: readonly Group[] }) {
  const { t } = useClass();
  const classroom = useClassroom();
  const main = useMain();
  const [naming, setNaming] = useState(false);
  const here = classroom.group()?.id === group.id;
  const help = group.invited.includes(main.me.id);
  const rename = async (name: string): Promise<void> => {
    if (!name.trim() || name === group.name || (await classroom.actForClass((api) => api.renameGroup(group.id, name.trim())))) setNaming(false);
  };
  const acts: MenuItem[] = [{ label: t('groups.rename'), icon: 'edit', act: () => setNaming(true) }];
  if (main.me.role === 'teacher') acts.push({ label: t('groups.close'), icon: 'close', danger: true, act: () => void classroom.actForClass((api) => api.removeGroup(group.id)) });
  return (
    <section className={`sc-group ${here ? 'sc-group--here' : ''}`} aria-label={group.name} data-group={group.name}>
      <header className="sc-group__head">
        {naming ? (
          <Name name={group.name} onDone={(name) => void rename(name)} />
        ) : (
          <h3>
            {group.name} <span className="sc-muted">{group.members.length}</span>
          </h3>
        )}
        {help && <span className="sc-tag">{t('groups.calls')}</span>}
        <Button icon="enter" className="sc-button--small" disabled={here} onClick={() => classroom.visit(group.id)}>
          {t(here ? 'groups.here' : 'groups.enter')} <span className="sc-hidden">{group.name}</span>
        </Button>
        <Menu label={t('groups.acts', { name: group.name })} items={acts} />
      </header>
      {group.members.length + group.invited.length === 0 ? (
        <p className="sc-muted">{t('groups.nobody')}</p>
      ) : (
        <ul className="sc-roster">
          {group.members.map((user) => (
            <Member key={user} user={user} group={group} groups={groups} />
          ))}
          {group.invited
            .filter((user) => user !== main.me.id)
            .map((user) => (
              <li key={user} className="sc-person sc-person--small">
                <Avatar name={main.users.get(user)?.name ?? user} id={user} small />
                <span className="sc-person__name">
                  {main.users.get(user)?.name ?? user}
                  <small>{t('people.invited')}</small>
                </span>
              </li>
            ))}
        </ul>
      )}
    </section>
  );
}

function Name({ name: before, onDone }: { readonly name: string; readonly onDone: (name: string) => void }) {
  const { t } = useClass();
  const [name, setName] = useState(before);
  return (
    <form
      className="sc-group__name"
      onSubmit={(event) => {
        event.preventDefault();
        onDone(name);
      }}
    >
      <input value={name} maxLength={20} aria-label={t('groups.rename')} autoFocus onChange={(event) => setName(event.target.value)} onKeyDown={(event) => event.key === 'Escape' && onDone(before)} />
      <IconButton icon="check" label={t('groups.rename.done')} type="submit" />
    </form>
  );
}

/** Where somebody can be moved to. */
function useMoves(user: string, from: Group | undefined, groups: readonly Group[]): readonly MenuItem[] {
  const { classroom, t } = useClass();
  const moves: MenuItem[] = groups
    .filter((group) => group !== from)
    .map((group) => ({ label: t('groups.moveTo', { name: group.name }), icon: 'enter', act: () => void classroom.actForClass((api) => api.changeGroup(group.id, [user], [])) }));
  if (from) moves.push({ label: t('groups.moveOut'), icon: 'back', act: () => void classroom.actForClass((api) => api.changeGroup(from.id, [], [user])) });
  return moves;
}

function Member({ user, group, groups }: { readonly user: string; readonly group: Group; readonly groups: readonly Group[] }) {
  const { t } = useClass();
  const main = useMain();
  const known = main.users.get(user);
  const name = known?.name ?? user;
  const moves = useMoves(user, group, groups);
  return (
    <li className="sc-person sc-person--small" data-member={user}>
      <Avatar name={name} id={user} small />
      <span className="sc-person__name">
        {user === main.me.id ? t('name.you', { name }) : name}
        {!known && <small>{t('groups.away')}</small>}
      </span>
      <Menu label={t('groups.move', { name })} items={moves} />
    </li>
  );
}

/** Students who are in no group. */
export function Loose({ groups }: { readonly groups: readonly Group[] }) {
  const { t } = useClass();
  const main = useMain();
  const placed = new Set(groups.flatMap(({ members }) => members));
  const loose = [...main.users.values()].filter(({ id, role }) => role === 'student' && !placed.has(id));
  if (loose.length === 0) return null;
  return (
    <section className="sc-group sc-group--loose" aria-label={t('groups.loose')}>
      <h3 className="sc-subhead">
        {t('groups.loose')} <span>{loose.length}</span>
      </h3>
      <ul className="sc-roster">
        {loose.map(({ id, name }) => (
          <LooseOne key={id} user={id} name={name} groups={groups} />
        ))}
      </ul>
    </section>
  );
}

function LooseOne({ user, name, groups }: { readonly user: string; readonly name: string; readonly groups: readonly Group[] }) {
  const { t } = useClass();
  const moves = useMoves(user, undefined, groups);
  return (
    <li className="sc-person sc-person--small" data-member={user}>
      <Avatar name={name} id={user} small />
      <span className="sc-person__name">{name}</span>
      <Menu label={t('groups.move', { name })} items={moves} />
    </li>
  );
}
