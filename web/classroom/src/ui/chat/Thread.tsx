// Messages one below the other, and the field in which the next one is written.

import { useEffect, useRef, useState, type ReactNode } from 'react';
import { CHAT_CHARS, type ChatMessage } from '../../core/chat';
import { teaches } from '../../core/types';
import { useClass } from '../context';
import { Icon } from '../icons';
import { Avatar, IconButton } from '../parts';

/** After so long somebody's next message has the name above it again. */
const TOGETHER_MS = 300_000;
/** From so many characters before the end on one is told how many are left. */
const NEARLY = 50;

export interface ShownMessage extends Pick<ChatMessage, 'key' | 'from' | 'name' | 'role' | 'mine' | 'text' | 'at' | 'state'> {
  /** A word about it, beside the name. */
  readonly tag?: string | undefined;
}

interface MessagesProps {
  readonly messages: readonly ShownMessage[];
  readonly label: string;
  readonly empty: ReactNode;
  readonly onAgain: (key: string) => void;
}

export function Messages({ messages, label, empty, onAgain }: MessagesProps) {
  const { language } = useClass();
  const list = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const last = messages.at(-1);
  useEffect(() => {
    const element = list.current;
    if (element && (atEnd.current || last?.mine)) element.scrollTop = element.scrollHeight;
  }, [messages.length, last?.mine]);
  const time = new Intl.DateTimeFormat(language === 'zh' ? 'zh-CN' : 'en', { hour: '2-digit', minute: '2-digit' });
  return (
    <div
      className="sc-chat__list"
      ref={list}
      role="log"
      aria-label={label}
      tabIndex={0}
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        atEnd.current = scrollHeight - scrollTop - clientHeight < 48;
      }}
    >
      {messages.length === 0 && empty}
      {messages.map((message, index) => {
        const before = messages[index - 1];
        const first = before?.from !== message.from || message.at - before.at > TOGETHER_MS || before.tag !== message.tag;
        return <Message key={message.key} message={message} first={first} at={time.format(message.at)} onAgain={onAgain} />;
      })}
    </div>
  );
}

function Message({ message, first, at, onAgain }: { readonly message: ShownMessage; readonly first: boolean; readonly at: string; readonly onAgain: (key: string) => void }) {
  const { t } = useClass();
  const { key, from, name, role, mine, text, state, tag } = message;
  return (
    <article className={`sc-message ${mine ? 'sc-message--mine' : ''} ${first ? 'sc-message--first' : ''}`} data-state={state}>
      {first && (
        <header>
          {!mine && <Avatar name={name} id={from} small />}
          <b>{mine ? t('you') : name}</b>
          {teaches(role) && !mine && <span className="sc-tag">{t(`role.${role}`)}</span>}
          {tag && <span className="sc-tag sc-tag--plain">{tag}</span>}
          <time>{at}</time>
        </header>
      )}
      <p>{text}</p>
      {state === 'failed' && (
        <button type="button" className="sc-message__failed" onClick={() => onAgain(key)}>
          <Icon name="warning" size={14} />
          {t('chat.failed')} · {t('action.again')}
        </button>
      )}
    </article>
  );
}

export function Composer({ label, disabled = false, onSend }: { readonly label: string; readonly disabled?: boolean; readonly onSend: (text: string) => void }) {
  const { t } = useClass();
  const [text, setText] = useState('');
  const send = (): void => {
    const said = text.trim();
    if (!said || disabled) return;
    onSend(said);
    setText('');
  };
  return (
    <form
      className="sc-chat__form"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <textarea
        rows={1}
        value={text}
        maxLength={CHAT_CHARS}
        aria-label={label}
        placeholder={label}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && !event.shiftKey && !event.nativeEvent.isComposing) {
            event.preventDefault();
            send();
          }
        }}
      />
      <IconButton icon="send" label={t('chat.send')} type="submit" className="sc-chat__send" disabled={!text.trim() || disabled} />
      {text.length > CHAT_CHARS - NEARLY && (
        <span className="sc-chat__left" role="status">
          {t('chat.left', { n: CHAT_CHARS - text.length })}
        </span>
      )}
    </form>
  );
}
