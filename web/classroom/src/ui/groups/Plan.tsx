// Groups before they are open: how many, who is in which, and whether people are moved or asked.

import { useState } from 'react';
import { dealt, MOST_GROUPS, MOST_STUDENTS, placed, type GroupPlan } from '../../core/groups';
import type { User } from '../../core/types';
import { useClass, useMain } from '../context';
import { Avatar, Button, Empty, Stepper } from '../parts';

const USUAL = 2;

export function Plan() {
  const { classroom, t } = useClass();
  const main = useMain();
  const students = [...main.users.values()].filter(({ role }) => role === 'student').sort((a, b) => a.name.localeCompare(b.name));
  const named = (count: number): readonly GroupPlan[] => Array.from({ length: count }, (_, at) => ({ name: t('groups.name', { n: at + 1 }), users: [] }));
  // A plan outlives the panel, which may be closed to look at something else.
  const [plans, setPlans] = useKept<readonly GroupPlan[]>(classroom, named(USUAL));
  const [asks, setAsks] = useState(false);
  const [busy, setBusy] = useState(false);
  const resize = (count: number): void => setPlans(named(count).map((plan, at) => ({ ...plan, users: plans[at]?.users ?? [] })));
  const deal = (): void => {
    const dealtOut = dealt(students.map(({ id }) => id), plans.length, Math.random);
    setPlans(plans.map((plan, at) => ({ ...plan, users: dealtOut[at] ?? [] })));
  };
  const there = new Set(students.map(({ id }) => id));
  // Who has left meanwhile is in no group.
  const ready = plans.map(({ name, users }) => ({ name, users: users.filter((user) => there.has(user)) }));
  const placedCount = ready.reduce((sum, { users }) => sum + users.length, 0);
  const tooMany = ready.find(({ users }) => users.length > MOST_STUDENTS);
  const open = async (): Promise<void> => {
    setBusy(true);
    await classroom.actForClass((api) => api.openGroups(ready, asks));
    setBusy(false);
  };
  return (
    <div className="sc-groups" data-groups="plan">
      <div className="sc-groups__scroll" tabIndex={0} role="group" aria-label={t('groups.title')}>
        <p className="sc-muted">{t('groups.lead')}</p>
        <Stepper label={t('groups.count')} value={plans.length} least={2} most={MOST_GROUPS} onChange={resize} />
        <Button icon="shuffle" className="sc-button--small" disabled={students.length === 0} onClick={deal}>
          {t('groups.deal')}
        </Button>
        {students.length === 0 ? (
          <Empty icon="people" title={t('people.none')} text={t('groups.noStudents')} />
        ) : (
          <>
            <ul className="sc-groups__plan">
              {ready.map(({ name, users }) => (
                <li key={name} data-plan={name}>
                  <b>{name}</b>
                  <span className="sc-muted">{users.length === 0 ? t('groups.nobody') : users.map((user) => main.users.get(user)?.name ?? user).join(', ')}</span>
                </li>
              ))}
            </ul>
            <h3 className="sc-subhead">{t('people.students')}</h3>
            <ul className="sc-roster">
              {students.map((user) => (
                <Student key={user.id} user={user} plans={ready} onPlace={(to) => setPlans(placed(plans, user.id, to))} />
              ))}
            </ul>
          </>
        )}
      </div>
      <footer className="sc-groups__foot sc-groups__foot--column">
        <label className="sc-switch">
          <input type="checkbox" role="switch" checked={asks} onChange={() => setAsks(!asks)} />
          <span>{t('groups.asks')}</span>
        </label>
        {tooMany && (
          <p className="sc-problem" role="alert">
            {t('groups.tooMany', { name: tooMany.name, n: MOST_STUDENTS })}
          </p>
        )}
        <Button kind="primary" disabled={busy || placedCount === 0 || tooMany !== undefined} onClick={() => void open()}>
          {t('groups.start')}
        </Button>
      </footer>
    </div>
  );
}

function Student({ user, plans, onPlace }: { readonly user: User; readonly plans: readonly GroupPlan[]; readonly onPlace: (to: number | undefined) => void }) {
  const { t } = useClass();
  const at = plans.findIndex(({ users }) => users.includes(user.id));
  return (
    <li className="sc-person sc-person--small">
      <Avatar name={user.name} id={user.id} small />
      <span className="sc-person__name">{user.name}</span>
      <span className="sc-select sc-select--small">
        <select aria-label={t('groups.of', { name: user.name })} value={at} onChange={(event) => onPlace(Number(event.target.value) < 0 ? undefined : Number(event.target.value))}>
          <option value={-1}>{t('groups.in.none')}</option>
          {plans.map(({ name }, index) => (
            <option key={name} value={index}>
              {name}
            </option>
          ))}
        </select>
      </span>
    </li>
  );
}

const kept = new WeakMap<object, unknown>();

/** A state that stays with the class, not with what is drawn. */
function useKept<T>(key: object, initial: T): [T, (value: T) => void] {
  const [value, setValue] = useState<T>(() => (kept.has(key) ? (kept.get(key) as T) : initial));
  return [
    value,
    (next) => {
      kept.set(key, next);
      setValue(next);
    },
  ];
}
