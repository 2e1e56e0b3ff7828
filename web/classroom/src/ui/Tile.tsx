// A person's picture: camera or initials, name, microphone, stars, and what may be done to them.

import { useEffect, useRef, useState } from 'react';
import { groupOf } from '../core/groups';
import { mainStream, onStage, rewardsOf } from '../core/store';
import type { Stream, User } from '../core/types';
import { teaches } from '../core/types';
import { useClass, useMain, useMedia, useRoom } from './context';
import { Icon } from './icons';
import { heightStep } from './layout';
import { Avatar, Menu } from './parts';
import { usePersonActs } from './acts';
import { Video } from './Video';

/** Tells the class how high a stream is shown, as long as it is. */
export function useLook(stream: string | undefined, own: boolean) {
  const { classroom } = useClass();
  const ref = useRef<HTMLElement>(null);
  const [height, setHeight] = useState(0);
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => setHeight(heightStep((entry?.contentRect.height ?? 0) * devicePixelRatio)));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    if (!stream || own || height === 0) return;
    return classroom.look(stream, height);
  }, [classroom, stream, own, height]);
  return ref;
}

export function Tile({ user, size = 'small', speaking = false }: { readonly user: User; readonly size?: 'small' | 'large'; readonly speaking?: boolean }) {
  const { classroom, t } = useClass();
  const room = useRoom();
  const media = useMedia();
  const own = user.id === room.me.id;
  const main = mainStream(room, user.id);
  const ref = useLook(main?.id, own);
  const acts = usePersonActs(user);

  const track = own ? classroom.own('camera') : main && main.video && main.camera === 1 ? classroom.track('video', main.id) : undefined;
  const state = main && !own ? media.states.get(`video ${main.id}`) : undefined;
  const shown = track && (own || state === 'live' || state === undefined);
  const micOn = Boolean(main?.audio) && (own ? classroom.wanted.microphone : main?.microphone === 1);
  const inClass = useMain();
  const stars = rewardsOf(inClass.users.get(user.id) ?? user);
  const away = room === inClass ? groupOf(inClass, user.id) : undefined;
  const name = own ? t('name.you', { name: user.name }) : user.name;
  return (
    <article ref={ref} className={`sc-tile sc-tile--${size} ${speaking ? 'sc-tile--speaking' : ''}`} data-user={user.id} data-video={shown ? 'on' : 'off'} data-mic={micOn ? 'on' : 'off'} aria-label={speaking ? t('tile.speaking', { name }) : name}>
      {track && <Video track={track} mirrored={own} label={name} />}
      {!shown && (
        <div className="sc-tile__blank">
          <Avatar name={user.name} id={user.id} />
          {away && <p className="sc-tile__why">{t('tile.inGroup', { name: away.name })}</p>}
          {state === 'withheld' && <p className="sc-tile__why">{t('tile.weak')}</p>}
        </div>
      )}
      <div className="sc-tile__foot">
        {!micOn && (
          <span className="sc-tile__mic" role="img" aria-label={main && !main.audio ? t('tile.noMic') : t('tile.micOff')} title={main && !main.audio ? t('tile.noMic') : t('tile.micOff')}>
            <Icon name="micOff" size={15} />
          </span>
        )}
        <span className="sc-tile__name">{name}</span>
        {user.role !== 'student' && <span className="sc-tile__role">{t(`role.${user.role}`)}</span>}
      </div>
      {stars > 0 && (
        <span className="sc-tile__stars" role="img" aria-label={t('tile.rewards', { n: stars })}>
          <Icon name="star" size={14} />
          <span aria-hidden="true">{stars}</span>
        </span>
      )}
      {acts.items.length > 0 && (
        <div className="sc-tile__acts">
          <Menu label={t('tile.acts', { name: user.name })} items={acts.items} />
        </div>
      )}
      {acts.dialog}
    </article>
  );
}

/** A shared screen. */
export function ScreenTile({ stream }: { readonly stream: Stream }) {
  const { classroom, t } = useClass();
  const room = useRoom();
  useMedia();
  const own = stream.owner === room.me.id;
  const ref = useLook(stream.id, own);
  const track = own ? classroom.own('screen') : classroom.track('video', stream.id);
  const name = own ? t('tile.yourScreen') : t('tile.screenOf', { name: room.users.get(stream.owner)?.name ?? '' });
  return (
    <article ref={ref} className="sc-tile sc-tile--screen" aria-label={name} data-screen={stream.id}>
      {track ? (
        <Video track={track} contain label={name} />
      ) : (
        <div className="sc-tile__blank">
          <Icon name="screen" size={40} />
        </div>
      )}
      <div className="sc-tile__foot">
        <span className="sc-tile__name">{name}</span>
      </div>
    </article>
  );
}

/** Whether a user can be put on the stage, or is on it. */
export const stageOf = (room: ReturnType<typeof useRoom>, user: User): 'none' | 'on' | 'off' =>
  user.role !== 'student' || teaches(user.role) || (room.type !== 4 && room.type !== 2) ? 'none' : onStage(room).includes(user.id) ? 'on' : 'off';
