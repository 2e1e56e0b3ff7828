// What has happened, in a line that goes by itself; screen readers hear it.

import { useEffect, useRef, useState } from 'react';
import type { ClassNotice } from '../core/classroom';
import type { Translate } from '../locales';
import { useClass } from './context';
import { IconButton } from './parts';

const SHOWN_MS = 5000;
/** What somebody has written is read longer. */
const WORDS_MS = 12_000;
const MOST = 3;

export function textOf(notice: ClassNotice, t: Translate, minutesLeft: number): string {
  switch (notice.kind) {
    case 'hand':
    case 'joined':
    case 'shares':
    case 'groupIn':
      return t(`notice.${notice.kind}`, { name: notice.name });
    case 'broadcast':
    case 'private':
      return t(`notice.${notice.kind}`, { name: notice.name, text: notice.text });
    case 'reward': {
      const names = notice.names.slice(0, 3).join(', ');
      return t(notice.names.length > 3 ? 'notice.rewardMany' : 'notice.reward', { names });
    }
    case 'endsIn':
    case 'closesIn':
      return t(`notice.${notice.kind}`, { n: notice.minutes });
    case 'ended':
      return minutesLeft > 0 ? t('notice.endedClose', { n: minutesLeft }) : t('notice.ended');
    case 'act':
      return t(`problem.${notice.problem}`);
    case 'unplugged':
      return t('device.unplugged', { kind: t(`device.${notice.device}`) });
    default:
      return t(`notice.${notice.kind}`);
  }
}

interface Toast {
  readonly id: number;
  readonly text: string;
  readonly bad: boolean;
  readonly reward: boolean;
}

export function Toasts() {
  const { classroom, t } = useClass();
  const [toasts, setToasts] = useState<readonly Toast[]>([]);
  const next = useRef(0);
  const translate = useRef(t);
  translate.current = t;
  useEffect(
    () =>
      classroom.onNotice((notice) => {
        const id = (next.current += 1);
        const text = textOf(notice, translate.current, classroom.minutesLeft());
        const toast = { id, text, bad: notice.kind === 'act' || notice.kind === 'unplugged' || notice.kind === 'screenDenied', reward: notice.kind === 'reward' };
        setToasts((before) => [...before.filter((one) => one.text !== text), toast].slice(-MOST));
        setTimeout(() => setToasts((before) => before.filter((one) => one.id !== id)), notice.kind === 'broadcast' || notice.kind === 'private' ? WORDS_MS : SHOWN_MS);
      }),
    [classroom],
  );
  return (
    <div className="sc-toasts" role="status" aria-live="polite">
      {toasts.map(({ id, text, bad, reward }) => (
        <div key={id} className={`sc-toast ${bad ? 'sc-toast--bad' : ''} ${reward ? 'sc-toast--reward' : ''}`}>
          {reward && <span className="sc-toast__star" aria-hidden="true">★</span>}
          <span className="sc-toast__text">{text}</span>
          <IconButton icon="close" label={t('notice.dismiss')} onClick={() => setToasts(toasts.filter((one) => one.id !== id))} />
        </div>
      ))}
    </div>
  );
}
