// The top of the room: its name, where the class stands, the network, the layout.

import { useState } from 'react';
import { clockText, timesOf } from '../core/schedule';
import { useClass, useMedia, useNow, useRoom } from './context';
import { Bars } from './icons';
import type { Layout } from './layout';
import { Network } from './Network';
import { Segments } from './parts';

export function Header({ layout, onLayout, lost }: { readonly layout: Layout; readonly onLayout: (layout: Layout) => void; readonly lost: boolean }) {
  const { t } = useClass();
  const room = useRoom();
  return (
    <header className="sc-header">
      <h1 className="sc-header__name" title={room.name}>
        {room.name}
      </h1>
      <ClassState />
      <span className="sc-header__gap" />
      <NetworkBadge lost={lost} />
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
function ClassState() {
  const { t } = useClass();
  const times = timesOf(useRoom());
  const now = useNow();
  if (times.phase === 0) {
    const soon = times.starts !== undefined && times.starts > now;
    return (
      <p className="sc-state sc-state--0" data-phase="0">
        <span>{t('room.notStarted')}</span>
        {soon && <time>{t('room.startsIn', { time: clockText((times.starts ?? now) - now) })}</time>}
      </p>
    );
  }
  const elapsed = clockText(now - (times.starts ?? now));
  return (
    <p className={`sc-state sc-state--${times.phase}`} data-phase={times.phase}>
      <span className="sc-state__dot" aria-hidden="true" />
      <span>{t(times.phase === 1 ? 'room.live' : 'room.overtime')}</span>
      <time aria-label={t('room.elapsed', { time: elapsed })} role="timer">
        {elapsed}
      </time>
    </p>
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
