// A countdown that all see alike: it goes by the server's clock.

import { useState } from 'react';
import { clockText } from '../../core/schedule';
import { numberAt } from '../../core/tree';
import { teaches, type Tree } from '../../core/types';
import { useClass, useNow, useRoom } from '../context';
import { Button, Dialog } from '../parts';
import { Card, type Frame } from './Card';

const LONGEST_S = 3600;

/** What is left of it at `now`, in milliseconds. */
export function leftOf(extra: Tree, now: number): number {
  const duration = numberAt(extra, 'duration') * 1000;
  if (numberAt(extra, 'state') !== 1) return duration;
  return Math.max(0, duration - Math.max(0, now - numberAt(extra, 'startTime', now)));
}

export function Countdown({ id, frame }: { readonly id: string; readonly frame: Frame }) {
  const { classroom, t } = useClass();
  const { properties, me } = useRoom();
  const now = useNow();
  const extra = (((properties['widgets'] as Tree | undefined)?.['countdownTimer'] as Tree | undefined)?.['extra'] ?? {}) as Tree;
  const left = leftOf(extra, now);
  const goes = numberAt(extra, 'state') === 1 && left > 0;
  const paused = numberAt(extra, 'state') === 0 && left > 0;
  const total = Math.max(1, numberAt(extra, 'totalDuration') * 1000);
  const clock = clockText(Math.ceil(left / 1000) * 1000);
  const act = (what: 'pause' | 'continue' | 'stop'): void => void classroom.actForClass((api) => api.countdown(id, what));
  return (
    <Card icon="timer" title={t('tool.countdown')} running={goes || paused} frame={frame} tool="countdown" summary={clock}>
      <p className={`sc-countdown ${goes && left <= 10_000 ? 'sc-countdown--soon' : ''}`} role="timer" aria-label={t('countdown.left')}>
        {clock}
      </p>
      <div className="sc-countdown__bar" aria-hidden="true">
        <i style={{ width: `${(100 * left) / total}%` }} />
      </div>
      <div className="sc-card__foot">
        <span className="sc-muted" role="status">
          {left === 0 ? t('countdown.up') : paused ? t('countdown.paused') : ''}
        </span>
        {teaches(me.role) && goes && (
          <Button icon="pause" onClick={() => act('pause')}>
            {t('countdown.pause')}
          </Button>
        )}
        {teaches(me.role) && paused && (
          <Button icon="play" onClick={() => act('continue')}>
            {t('countdown.continue')}
          </Button>
        )}
        {teaches(me.role) && <Button onClick={() => void classroom.actForClass((api) => api.removeWidget('countdownTimer'))}>{t('tool.remove')}</Button>}
      </div>
    </Card>
  );
}

export function CountdownStart({ onClose }: { readonly onClose: () => void }) {
  const { classroom, t } = useClass();
  const [minutes, setMinutes] = useState('5');
  const [seconds, setSeconds] = useState('0');
  const [tried, setTried] = useState(false);
  const total = Number(minutes) * 60 + Number(seconds);
  const fits = Number.isInteger(total) && total >= 1 && total <= LONGEST_S;
  const start = async (): Promise<void> => {
    setTried(true);
    if (fits && (await classroom.actForClass((api) => api.startCountdown(total)))) onClose();
  };
  return (
    <Dialog title={t('countdown.title')} onClose={onClose} kind="countdown">
      <form
        className="sc-form"
        onSubmit={(event) => {
          event.preventDefault();
          void start();
        }}
      >
        <div className="sc-row">
          <label className="sc-field">
            <span>{t('countdown.minutes')}</span>
            <input inputMode="numeric" value={minutes} maxLength={2} onChange={(event) => setMinutes(event.target.value.replace(/\D/g, ''))} autoFocus />
          </label>
          <label className="sc-field">
            <span>{t('countdown.seconds')}</span>
            <input inputMode="numeric" value={seconds} maxLength={2} onChange={(event) => setSeconds(event.target.value.replace(/\D/g, ''))} />
          </label>
        </div>
        {tried && !fits && (
          <p className="sc-problem" role="alert">
            {t('countdown.problem')}
          </p>
        )}
        <div className="sc-dialog__foot">
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button kind="primary" type="submit">
            {t('tool.start')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
