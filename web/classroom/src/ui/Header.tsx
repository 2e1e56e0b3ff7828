// The top of the room: its name, where the class stands, the network, the layout.

import { useEffect, useState } from 'react';
import { clockText, timesOf } from '../core/schedule';
import { useClass, useEnabled, useMain, useMedia, useNow } from './context';
import { Bars, Icon } from './icons';
import type { Layout } from './layout';
import { Network } from './Network';
import { Segments } from './parts';

export function Header({ layout, onLayout, lost }: { readonly layout: Layout; readonly onLayout: (layout: Layout) => void; readonly lost: boolean }) {
  const { t } = useClass();
  const room = useMain();
  const enabled = useEnabled();
  const bar = (part: string): boolean => enabled(`header.stateBar.${part}`);
  return (
    <header className="sc-header">
      <h1 className={bar('roomName') ? 'sc-header__name' : 'sc-hidden'} title={room.name}>
        {room.name}
      </h1>
      {bar('classState') && <ClassState clock={bar('scheduleTime')} />}
      <span className="sc-header__gap" />
      <ShareLink />
      {bar('networkState') && <NetworkBadge lost={lost} />}
      <Segments
        label={t('layout.label')}
        value={layout}
        onChoose={onLayout}
        choices={[
          { value: 'grid', label: t('layout.grid'), icon: 'grid' },
          { value: 'speaker', label: t('layout.speaker'), icon: 'speaker' },
          { value: 'stage', label: t('layout.stage'), icon: 'stage' },
        ]}
      />
    </header>
  );
}

/** In which state the class is, and its clock. */
function ClassState({ clock }: { readonly clock: boolean }) {
  const { t } = useClass();
  const times = timesOf(useMain());
  const now = useNow();
  if (times.phase === 0) {
    const soon = times.starts !== undefined && times.starts > now;
    return (
      <p className="sc-state sc-state--0" data-phase="0">
        <span>{t('room.notStarted')}</span>
        {soon && clock && <time>{t('room.startsIn', { time: clockText((times.starts ?? now) - now) })}</time>}
      </p>
    );
  }
  const elapsed = clockText(now - (times.starts ?? now));
  return (
    <p className={`sc-state sc-state--${times.phase}`} data-phase={times.phase}>
      <span className="sc-state__dot" aria-hidden="true" />
      <span>{t(times.phase === 1 ? 'room.live' : 'room.overtime')}</span>
      {clock && (
        <time aria-label={t('room.elapsed', { time: elapsed })} role="timer">
          {elapsed}
        </time>
      )}
    </p>
  );
}

/** Copies the link that the app has given. */
function ShareLink() {
  const { classroom, t } = useClass();
  const [copied, setCopied] = useState(false);
  const { shareUrl } = classroom.options;
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 2000);
    return () => clearTimeout(timer);
  }, [copied]);
  if (!shareUrl) return null;
  const label = t(copied ? 'room.copied' : 'room.share');
  return (
    <button type="button" className="sc-net" title={label} aria-label={label} aria-live="polite" onClick={() => void navigator.clipboard?.writeText(shareUrl).then(() => setCopied(true))}>
      <Icon name={copied ? 'check' : 'link'} size={18} />
    </button>
  );
}

function NetworkBadge({ lost }: { readonly lost: boolean }) {
  const { t } = useClass();
  const { link, quality } = useMedia();
  const [open, setOpen] = useState(false);
  const grade = lost ? 'lost' : link === 'connected' ? quality.grade : link === 'none' ? 'unknown' : 'none';
  const level = { good: 3, weak: 2, bad: 1, unknown: 3, none: 0, lost: 0 } as const;
  const label = t(`net.${grade}`);
  return (
    <>
      <button type="button" className={`sc-net sc-net--${grade}`} onClick={() => setOpen(true)} title={label} aria-label={label} data-grade={grade}>
        <Bars level={level[grade]} />
        {(grade === 'weak' || grade === 'bad' || grade === 'lost') && <span>{label}</span>}
      </button>
      {open && <Network onClose={() => setOpen(false)} />}
    </>
  );
}
