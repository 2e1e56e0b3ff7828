// What a student and those who teach say to each other alone.

import { useEffect } from 'react';
import { teaches } from '../../core/types';
import { useClass, useClassroom, useMain } from '../context';
import { Avatar, Button, Empty, IconButton } from '../parts';
import { Composer, Messages } from './Thread';

export function Private() {
  const classroom = useClassroom();
  const { me } = useMain();
  const { open } = classroom.conversationsState();
  if (!teaches(me.role)) return <Conversation student={me.id} name={me.name} />;
  const name = classroom.conversationsState().all.get(open)?.name ?? '';
  return open ? <Conversation key={open} student={open} name={name} /> : <List />;
}

/** For those who teach: who has a conversation, the last one first. */
function List() {
  const { classroom, t, language } = useClass();
  const time = new Intl.DateTimeFormat(language === 'zh' ? 'zh-CN' : 'en', { hour: '2-digit', minute: '2-digit' });
  const { all, failed } = classroom.conversationsState();
  const sorted = [...all.values()].filter(({ last }) => last > 0).sort((a, b) => b.last - a.last);
  useEffect(() => void classroom.conversations?.load(), [classroom]);
  if (failed) return <Failed onAgain={() => void classroom.conversations?.load()} />;
  if (sorted.length === 0) return <Empty icon="lock" title={t('private.none')} text={t('private.none.text')} />;
  return (
    <ul className="sc-talks" aria-label={t('chat.private')}>
      {sorted.map(({ student, name, unread, last, messages }) => (
        <li key={student}>
          <button type="button" onClick={() => void classroom.conversations?.look(student, name)} data-talk={student}>
            <Avatar name={name} id={student} small />
            <span className="sc-talks__who">
              <b>{name}</b>
              {messages && messages.length > 0 && <small>{messages.at(-1)?.text}</small>}
            </span>
            <time>{time.format(last)}</time>
            {unread > 0 && <b className="sc-count">{unread}</b>}
          </button>
        </li>
      ))}
    </ul>
  );
}

function Conversation({ student, name }: { readonly student: string; readonly name: string }) {
  const { classroom, t } = useClass();
  const { me } = useMain();
  const { conversations } = classroom;
  const { all, failed } = classroom.conversationsState();
  const teaching = teaches(me.role);
  const messages = all.get(student)?.messages;
  useEffect(() => {
    void conversations?.look(student, name);
    // Whoever looks elsewhere is told again of what comes.
    return () => void conversations?.look('', '');
  }, [conversations, student]);
  const shown = (messages ?? []).map((message) => ({ ...message, mine: message.from === me.id }));
  return (
    <>
      {teaching && (
        <header className="sc-talk__head">
          <IconButton icon="back" label={t('private.back')} onClick={() => void conversations?.look('', '')} />
          <Avatar name={name} id={student} small />
          <b>{name}</b>
        </header>
      )}
      {failed && !messages ? (
        <Failed onAgain={() => void conversations?.look(student, name)} />
      ) : (
        <Messages
          messages={shown}
          label={t('chat.label')}
          empty={messages && <Empty icon="lock" title={t(teaching ? 'private.empty.teacher' : 'private.empty')} text={t(teaching ? 'private.empty.teacher.text' : 'private.empty.text')} />}
          onAgain={(key) => conversations?.again(student, key)}
        />
      )}
      <Composer label={teaching ? t('private.write', { name }) : t('private.write.teachers')} onSend={(text) => conversations?.say(student, name, text)} />
    </>
  );
}

function Failed({ onAgain }: { readonly onAgain: () => void }) {
  const { t } = useClass();
  return (
    <Empty icon="warning" title={t('private.failed')} text={t('problem.away')}>
      <Button className="sc-button--small" onClick={onAgain}>
        {t('action.again')}
      </Button>
    </Empty>
  );
}
