// The stage: everybody alike, or one large and the others in a strip.

import { useEffect, useRef, useState } from 'react';
import { mainStream, seated, sharedScreen } from '../core/store';
import type { User } from '../core/types';
import { useClass, useMedia, useRoom } from './context';
import { gridFor, type Layout } from './layout';
import { Button, Empty } from './parts';
import { ScreenTile, Tile } from './Tile';

const GAP = 10;

export function Stage({ layout }: { readonly layout: Layout }) {
  const { t } = useClass();
  const room = useRoom();
  const { speaker } = useMedia();
  const people = seated(room);
  const screen = sharedScreen(room);
  const speaks = (user: User): boolean => {
    const main = mainStream(room, user.id);
    return main !== undefined && main.audio && main.id === speaker;
  };
  const alone = people.length === 1 && people[0]?.id === room.me.id && room.total <= 1;
  let large: User | undefined;
  if (!screen && layout !== 'grid') {
    const other = people.find((user) => user.id !== room.me.id) ?? people[0];
    const teacher = people.find((user) => user.role === 'teacher') ?? other;
    large = layout === 'speaker' ? (people.find(speaks) ?? (teacher?.id === room.me.id ? other : teacher)) : teacher;
  }
  const strip = people.filter((user) => user !== large);
  return (
    <section className="sc-stage" aria-label={t('room.main')} data-layout={screen ? 'stage' : layout}>
      {people.length === 0 && !screen ? (
        <Empty icon="people" title={t('room.noTeacher')} text={t('room.noTeacher.text')} />
      ) : screen || large ? (
        <div className={`sc-focus sc-focus--${screen ? 'stage' : layout}`}>
          <div className="sc-focus__large">{screen ? <ScreenTile stream={screen} /> : large && <Tile user={large} size="large" speaking={speaks(large)} />}</div>
          {strip.length > 0 && (
            <div className="sc-strip" tabIndex={0} role="group" aria-label={t('people.onStage')}>
              {strip.map((user) => (
                <Tile key={user.id} user={user} speaking={speaks(user)} />
              ))}
            </div>
          )}
        </div>
      ) : (
        <Grid people={people} speaks={speaks} />
      )}
      {alone && !screen && <Alone />}
    </section>
  );
}

function Grid({ people, speaks }: { readonly people: readonly User[]; readonly speaks: (user: User) => boolean }) {
  const ref = useRef<HTMLDivElement>(null);
  const [box, setBox] = useState({ width: 0, height: 0 });
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => {
      if (entry) setBox({ width: Math.floor(entry.contentRect.width), height: Math.floor(entry.contentRect.height) });
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const { width, height } = gridFor(people.length, box.width, box.height, GAP);
  return (
    <div className="sc-grid" ref={ref} style={{ '--tile-width': `${width}px`, '--tile-height': `${height}px` } as React.CSSProperties}>
      {box.width > 0 && people.map((user) => <Tile key={user.id} user={user} speaking={speaks(user)} size={people.length <= 4 ? 'large' : 'small'} />)}
    </div>
  );
}

function Alone() {
  const { classroom, t } = useClass();
  const [copied, setCopied] = useState(false);
  const { shareUrl } = classroom.options;
  return (
    <div className="sc-alone">
      <p>
        <strong>{t('room.alone')}</strong> {t('room.alone.text')}
      </p>
      {shareUrl && (
        <Button icon="link" kind="quiet" onClick={() => void navigator.clipboard?.writeText(shareUrl).then(() => setCopied(true))}>
          {t(copied ? 'room.copied' : 'room.share')}
        </Button>
      )}
    </div>
  );
}
