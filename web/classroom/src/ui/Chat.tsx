// The chat of the class.

import { useEffect, useRef, useState } from 'react';
import { CHAT_CHARS, type ChatMessage } from '../core/chat';
import { isChatMuted } from '../core/store';
import { teaches } from '../core/types';
import { useClass, useClassroom, useEnabled, useRoom } from './context';
import { Avatar, Empty, IconButton, Spinner } from './parts';
import { Icon } from './icons';

export function Chat() {
  const { t, language } = useClass();
  const classroom = useClassroom();
  const room = useRoom();
  const enabled = useEnabled();
  const { link, messages } = classroom.chatState();
  const [text, setText] = useState('');
  const list = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const teaching = teaches(room.me.role);
  const muted = isChatMuted(room);
  const reads = room.me.role === 'observer' || room.me.role === 'invisible';
  const silent = reads || (muted && !teaching);
  useEffect(() => {
    const element = list.current;
    if (element && atEnd.current) element.scrollTop = element.scrollHeight;
  }, [messages.length]);
  const send = (): void => {
    if (!text.trim()) return;
    atEnd.current = true;
    classroom.chat?.send(text);
    setText('');
  };
  const time = new Intl.DateTimeFormat(language === 'zh' ? 'zh-CN' : 'en', { hour: '2-digit', minute: '2-digit' });
  return (
    <div className="sc-chat" data-chat={link}>
      {teaching && enabled('extension.agoraChat.muteAll') && (
        <label className="sc-switch sc-chat__mute">
          <input type="checkbox" role="switch" checked={!muted} onChange={() => void classroom.act((api) => api.muteChat(!muted))} />
          <span>{t('chat.muteAll')}</span>
        </label>
      )}
      <div
        className="sc-chat__list"
        ref={list}
        role="log"
        aria-label={t('chat.label')}
        tabIndex={0}
        onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
          atEnd.current = scrollHeight - scrollTop - clientHeight < 48;
        }}
      >
        {messages.length === 0 && link === 'online' && <Empty icon="chat" title={t('chat.empty')} {...(silent ? {} : { text: t('chat.empty.text') })} />}
        {messages.map((message, index) => (
          <Message key={message.key} message={message} first={messages[index - 1]?.from !== message.from || message.at - (messages[index - 1]?.at ?? 0) > 300_000} at={time.format(message.at)} />
        ))}
      </div>
      {link !== 'online' && (
        <p className="sc-chat__link" role="status">
          {(link === 'connecting' || link === 'away') && <Spinner />}
          <span>{t(`chat.${link}`)}</span>
        </p>
      )}
      {silent ? (
        <p className="sc-chat__silent">{t(reads ? 'chat.observer' : 'chat.muted')}</p>
      ) : (
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
            aria-label={t('chat.write')}
            placeholder={t('chat.write')}
            onChange={(event) => setText(event.target.value)}
            onKeyDown={(event) => {
              if (event.key === 'Enter' && !event.shiftKey && !event.nativeEvent.isComposing) {
                event.preventDefault();
                send();
              }
            }}
          />
          <IconButton icon="send" label={t('chat.send')} type="submit" className="sc-chat__send" disabled={!text.trim() || link === 'off' || link === 'refused'} />
          {text.length > CHAT_CHARS - 50 && (
            <span className="sc-chat__left" role="status">
              {t('chat.left', { n: CHAT_CHARS - text.length })}
            </span>
          )}
        </form>
      )}
    </div>
  );
}

function Message({ message, first, at }: { readonly message: ChatMessage; readonly first: boolean; readonly at: string }) {
  const { classroom, t } = useClass();
  const { key, from, name, role, mine, text, state } = message;
  return (
    <article className={`sc-message ${mine ? 'sc-message--mine' : ''} ${first ? 'sc-message--first' : ''}`} data-state={state}>
      {first && (
        <header>
          {!mine && <Avatar name={name} id={from} small />}
          <b>{mine ? t('you') : name}</b>
          {teaches(role) && <span className="sc-tag">{t(`role.${role}`)}</span>}
          <time>{at}</time>
        </header>
      )}
      <p>{text}</p>
      {state === 'failed' && (
        <button type="button" className="sc-message__failed" onClick={() => classroom.chat?.retry(key)}>
          <Icon name="warning" size={14} />
          {t('chat.failed')} · {t('action.again')}
        </button>
      )}
    </article>
  );
}
