// What is to be known about the class as a whole, in a line below the header.

import { clockText, timesOf } from '../core/schedule';
import { phaseOf } from '../core/store';
import { useClass, useMain, useNow } from './context';
import { Button, Spinner } from './parts';

export function Banner({ link }: { readonly link: 'connecting' | 'live' | 'lost' }) {
  const { classroom, t } = useClass();
  const room = useMain();
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
          <Button kind="primary" className="sc-button--small" onClick={() => void classroom.actForClass((api) => api.setState(1))}>
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
          <Button className="sc-button--small" onClick={() => void classroom.actForClass((api) => api.setState(3))}>
            {t('room.close')}
          </Button>
        )}
      </div>
    );
  }
  return null;
}
