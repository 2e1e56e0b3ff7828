// What is shown in place of the class: on the way in, why there is no way in, and afterwards.

import { SHOWN_CODES } from '../core/errors';
import type { SessionState } from '../core/session';
import type { Key } from '../locales';
import { useClass } from './context';
import { Icon, type IconName } from './icons';
import { Button, Spinner } from './parts';

const ICONS: Partial<Record<string, IconName>> = { left: 'leave', closed: 'check', kicked: 'kick', banned: 'kick', displaced: 'screen', expired: 'timer', roleFull: 'people', roomFull: 'people', away: 'warning' };

export function Gate({ state, onAgain }: { readonly state: Exclude<SessionState, { phase: 'in' }>; readonly onAgain: () => void }) {
  const { classroom, t } = useClass();
  const name = classroom.options.roomName;
  if (state.phase === 'joining') {
    return (
      <main className="sc-gate" data-page="joining">
        <Spinner />
        <h1>{t('join.joining')}</h1>
        <p className="sc-muted" role="status">
          {name}
        </p>
      </main>
    );
  }
  const isOver = state.phase === 'over';
  const word = isOver ? state.why : state.problem;
  const title: Key = isOver ? `over.${state.why}` : state.problem === 'failed' ? 'join.failed' : `join.${state.problem}`;
  const text: Key = isOver ? `over.${state.why}.text` : `join.${state.problem}.text`;
  const again: Key | undefined = isOver
    ? state.why === 'left' || state.why === 'kicked'
      ? 'over.back'
      : state.why === 'displaced'
        ? 'over.here'
        : undefined
    : state.problem === 'away' || state.problem === 'roomFull' || state.problem === 'failed' || state.problem === 'roleFull'
      ? 'action.again'
      : undefined;
  return (
    <main className="sc-gate" data-page={isOver ? `over-${word}` : `failed-${word}`}>
      <span className={`sc-gate__icon ${isOver && state.why === 'closed' ? 'sc-gate__icon--calm' : ''}`}>
        <Icon name={ICONS[word] ?? 'warning'} size={30} />
      </span>
      <p className="sc-eyebrow">{name}</p>
      <h1>{t(title)}</h1>
      <p className="sc-lead" role="status">
        {t(text)}
      </p>
      {again && (
        <Button kind="primary" className="sc-button--large" onClick={onAgain}>
          {t(again)}
        </Button>
      )}
      {!isOver && <p className="sc-code">{t('join.code', { code: state.code > 999 ? `${SHOWN_CODES[state.problem]} · ${state.code}` : SHOWN_CODES[state.problem] })}</p>}
    </main>
  );
}
