// One person's side: who it is and how the connection is, the conversation, and the field to write in.

import { useEffect, useId, useRef, useState, type FormEvent } from 'react';
import { describe } from '../logic/link';
import { unread } from '../logic/messages';
import type { Person } from '../person';
import { useNow, usePerson } from './hooks';
import { MessageItem } from './MessageItem';
import { Unread } from './Unread';

interface Props {
  readonly person: Person;
  readonly peer: Person;
  /** Whether the page is looked at through this person's eyes. */
  readonly active: boolean;
  readonly chosen: string | undefined;
  readonly onActivate: () => void;
  readonly onChoose: (id: string) => void;
}

export function Pane({ person, peer, active, chosen, onActivate, onChoose }: Props) {
  const { link, view, acknowledged, loaded } = usePerson(person);
  const now = useNow(link.state === 'away');
  const heading = useId();
  const waiting = unread(view, acknowledged).length;
  const online = link.state === 'online';
  return (
    <section className={`pane ${active ? 'active' : ''}`} aria-labelledby={heading} data-person={person.username} onFocus={onActivate} onPointerDown={onActivate}>
      <header className="pane-head">
        <span className="avatar" aria-hidden="true">
          {person.name.charAt(0)}
        </span>
        <div className="who">
          <h2 id={heading}>
            {person.name}
            <Unread count={waiting} />
          </h2>
          <p className="link" role="status" data-state={link.state}>
            <span className="dot" aria-hidden="true" />
            {describe(link, now)}
          </p>
        </div>
        <Presence person={person} />
      </header>
      <Conversation person={person} peer={peer} loaded={loaded} chosen={chosen} onChoose={onChoose} />
      <Composer person={person} peer={peer} online={online} />
    </section>
  );
}

/** The way out and back in. */
function Presence({ person }: { readonly person: Person }) {
  const { state } = usePerson(person).link;
  const away = state === 'offline' || state === 'replaced' || state === 'refused';
  const label = state === 'replaced' ? 'Use here' : state === 'refused' ? 'Try again' : away ? 'Go online' : 'Go offline';
  return (
    <button type="button" className="quiet" onClick={() => (away ? void person.come() : person.leave())}>
      {label}
      <span className="hidden-text"> as {person.name}</span>
    </button>
  );
}

interface ConversationProps {
  readonly person: Person;
  readonly peer: Person;
  readonly loaded: boolean;
  readonly chosen: string | undefined;
  readonly onChoose: (id: string) => void;
}

function Conversation({ person, peer, loaded, chosen, onChoose }: ConversationProps) {
  const { messages } = usePerson(person).view;
  const list = useRef<HTMLDivElement>(null);
  /** Whether the newest message was in view: whoever reads further up is left there. */
  const atEnd = useRef(true);
  const last = messages.at(-1);
  useEffect(() => {
    if (list.current && (atEnd.current || last?.progress === 'sending')) list.current.scrollTop = list.current.scrollHeight;
  }, [last, loaded]);
  const scrolled = () => {
    if (list.current) atEnd.current = list.current.scrollHeight - list.current.scrollTop - list.current.clientHeight < 40;
  };
  return (
    // It can be scrolled, so it can be reached by keyboard.
    <div className="messages" role="log" aria-label={`Conversation as ${person.name} sees it`} tabIndex={0} ref={list} onScroll={scrolled}>
      {messages.length === 0 && (
        <p className="empty">{loaded ? `Nothing yet. Write something to ${peer.name}.` : 'Reading what was written before…'}</p>
      )}
      {messages.length > 0 && (
        <ol>
          {messages.map((message) => (
            <MessageItem
              key={message.key}
              message={message}
              from={message.mine ? 'You' : peer.name}
              chosen={message.id !== undefined && message.id === chosen}
              onChoose={onChoose}
              onRetry={() => person.retry(message.key)}
            />
          ))}
        </ol>
      )}
    </div>
  );
}

function Composer({ person, peer, online }: { readonly person: Person; readonly peer: Person; readonly online: boolean }) {
  const [draft, setDraft] = useState('');
  const field = useId();
  const send = (event: FormEvent) => {
    event.preventDefault();
    const text = draft.trim();
    if (!text || !online) return;
    person.send(text);
    setDraft('');
  };
  return (
    <form className="composer" onSubmit={send}>
      <label htmlFor={field} className="hidden-text">
        Message to {peer.name} as {person.name}
      </label>
      <input
        id={field}
        value={draft}
        autoComplete="off"
        maxLength={2000}
        placeholder={online ? `Write to ${peer.name}` : `${person.name} is not online`}
        onChange={(event) => setDraft(event.target.value)}
      />
      <button type="submit" className="primary" aria-disabled={!online || !draft.trim()}>
        Send<span className="hidden-text"> as {person.name}</span>
      </button>
    </form>
  );
}
