// The carousel: the students of the class come on the stage in turns.

import { useState } from 'react';
import { actProblem } from '../../core/errors';
import { CAROUSEL_S, carouselOf, seatsOf } from '../../core/store';
import { teaches } from '../../core/types';
import { useClass, useRoom } from '../context';
import { Icon } from '../icons';
import { Button, Dialog, Segments, Stepper } from '../parts';

const USUAL = { count: 3, interval: 30 };

/** For those who teach: that it goes, and the way to stop it. */
export function CarouselStrip() {
  const { classroom, t } = useClass();
  const room = useRoom();
  const carousel = carouselOf(room);
  if (!carousel || !teaches(room.me.role)) return null;
  return (
    <div className="sc-banner sc-banner--quiet" role="status" data-banner="carousel">
      <span className="sc-banner__text">
        <Icon name="carousel" size={18} />
        {t('carousel.goes', { n: carousel.count, s: carousel.interval })}
      </span>
      <Button className="sc-button--small" onClick={() => void classroom.actForClass((api) => api.stopCarousel())}>
        {t('carousel.stop')}
      </Button>
    </div>
  );
}

export function CarouselStart({ onClose }: { readonly onClose: () => void }) {
  const { classroom, t } = useClass();
  const room = useRoom();
  const going = carouselOf(room);
  const seats = seatsOf(room);
  const [count, setCount] = useState(Math.min(going?.count ?? USUAL.count, seats));
  const [interval, setInterval] = useState(String(going?.interval ?? USUAL.interval));
  const [order, setOrder] = useState<'names' | 'chance'>(going?.random ? 'chance' : 'names');
  const [device, setDevice] = useState(going?.withDevice ?? false);
  const [problem, setProblem] = useState<string>();
  const seconds = Number(interval);
  const fits = Number.isInteger(seconds) && seconds >= CAROUSEL_S.least && seconds <= CAROUSEL_S.most;
  const start = async (): Promise<void> => {
    if (!fits) return setProblem(t('carousel.problem', { least: CAROUSEL_S.least, most: CAROUSEL_S.most }));
    try {
      await classroom.classApi.startCarousel({ count, interval: seconds, random: order === 'chance', withDevice: device });
      onClose();
    } catch (error) {
      const why = actProblem(error);
      // While groups are open or the stage is hidden nobody comes on it.
      setProblem(t(why === 'already' ? 'carousel.conflict' : `problem.${why}`));
    }
  };
  return (
    <Dialog title={t('carousel.title')} onClose={onClose} kind="carousel">
      <p className="sc-muted">{t('carousel.lead')}</p>
      <form
        className="sc-form"
        onSubmit={(event) => {
          event.preventDefault();
          void start();
        }}
      >
        <Stepper label={t('carousel.count')} value={count} least={1} most={seats} onChange={setCount} />
        <label className="sc-field">
          <span>{t('carousel.interval')}</span>
          <input inputMode="numeric" value={interval} maxLength={2} onChange={(event) => setInterval(event.target.value.replace(/\D/g, ''))} />
        </label>
        <div className="sc-row sc-row--between">
          <span>{t('carousel.order')}</span>
          <Segments
            label={t('carousel.order')}
            value={order}
            onChoose={setOrder}
            choices={[
              { value: 'names', label: t('carousel.names') },
              { value: 'chance', label: t('carousel.chance') },
            ]}
          />
        </div>
        <label className="sc-switch">
          <input type="checkbox" role="switch" checked={device} onChange={() => setDevice(!device)} />
          <span>{t('carousel.device')}</span>
        </label>
        {problem && (
          <p className="sc-problem" role="alert">
            {problem}
          </p>
        )}
        <div className="sc-dialog__foot">
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button kind="primary" type="submit">
            {t(going ? 'carousel.change' : 'tool.start')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
