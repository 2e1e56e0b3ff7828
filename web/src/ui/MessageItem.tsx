// One message, how far it has come, and the way to what lies on disk of it.

import type { Message, Progress } from '../logic/messages';

const WORDS: Record<Progress, string> = { sending: 'Sending…', failed: 'Not sent', sent: 'Sent', delivered: 'Delivered', read: 'Read' };
const TICKS: Record<Progress, string> = { sending: '○', failed: '!', sent: '✓', delivered: '✓✓', read: '✓✓' };

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });

interface Props {
  readonly message: Message;
  readonly from: string;
  readonly chosen: boolean;
  readonly onChoose: (id: string) => void;
  readonly onRetry: () => void;
}

export function MessageItem({ message, from, chosen, onChoose, onRetry }: Props) {
  const { id, mine, text, time, progress } = message;
  return (
    <li className={`message ${mine ? 'mine' : 'theirs'} ${chosen ? 'chosen' : ''}`} data-id={id} data-progress={mine ? progress : undefined}>
      <p className="bubble">
        <span className="hidden-text">{from}: </span>
        {text}
      </p>
      <p className="meta">
        <time dateTime={new Date(time).toISOString()}>{clock.format(time)}</time>
        {mine && (
          <span className="progress">
            <span aria-hidden="true">{TICKS[progress]} </span>
            {WORDS[progress]}
          </span>
        )}
        {progress === 'failed' && (
          <button type="button" className="linklike" onClick={onRetry}>
            Try again
          </button>
        )}
        {id !== undefined && (
          <button type="button" className="linklike" aria-pressed={chosen} onClick={() => onChoose(id)}>
            On disk<span className="hidden-text">: “{text}”</span>
          </button>
        )}
      </p>
    </li>
  );
}
