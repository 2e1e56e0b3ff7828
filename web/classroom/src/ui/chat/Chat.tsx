// The chat of the class: with all, and between a student and those who teach.

import { useEffect, useState } from 'react';
import { GROUP_TYPE } from '../../core/groups';
import { isChatMuted } from '../../core/store';
import { teaches } from '../../core/types';
import { useClass, useClassroom, useEnabled, useMain, useRoom } from '../context';
import { Empty, Segments, Spinner } from '../parts';
import { Announcement } from './Announcement';
import { Private } from './Private';
import { Composer, Messages } from './Thread';

type With = 'all' | 'private';

export function Chat() {
  const { t } = useClass();
  const classroom = useClassroom();
  const room = useRoom();
  const { open, all } = classroom.conversationsState();
  const [chosen, setChosen] = useState<With>('all');
  const mayTalk = classroom.conversations !== undefined;
  const teaching = teaches(room.me.role);
  useEffect(() => {
    if (open) setChosen('private');
  }, [open]);
  // Whoever is to be written to has been chosen elsewhere, in the list of people.
  const shown: With = mayTalk && (open || chosen === 'private') ? 'private' : 'all';
  const choose = (next: With): void => {
    setChosen(next);
    if (next === 'all') void classroom.conversations?.look('', '');
    else if (!teaching) void classroom.conversations?.look(room.me.id, room.me.name);
  };
  let unread = 0;
  for (const conversation of all.values()) unread += conversation.unread;
  return (
    <div className="sc-chat" data-chat={classroom.chatState().link}>
      {mayTalk && (
        <div className="sc-chat__tabs">
          <Segments
            label={t('chat.with')}
            value={shown}
            onChoose={choose}
            choices={[
              { value: 'all', label: t(room.type === GROUP_TYPE ? 'chat.group' : 'chat.all') },
              { value: 'private', label: t(teaching ? 'chat.private' : 'chat.teachers'), badge: unread },
            ]}
          />
        </div>
      )}
      {shown === 'private' ? <Private /> : <WithAll onPrivate={mayTalk && !teaching ? () => choose('private') : undefined} />}
    </div>
  );
}

function WithAll({ onPrivate }: { readonly onPrivate: (() => void) | undefined }) {
  const { t } = useClass();
  const classroom = useClassroom();
  const room = useRoom();
  const main = useMain();
  const enabled = useEnabled();
  const { link, messages } = classroom.chatState();
  const teaching = teaches(room.me.role);
  const muted = isChatMuted(room);
  const reads = room.me.role === 'observer' || room.me.role === 'invisible';
  const silent = reads || (muted && !teaching);
  const shown = messages.map((message) => ({ ...message, ...classroom.author(message), tag: message.toAll ? t('chat.toAll') : undefined }));
  return (
    <>
      <Announcement />
      {teaching && room === main && enabled('extension.agoraChat.muteAll') && (
        <label className="sc-switch sc-chat__mute">
          <input type="checkbox" role="switch" checked={!muted} onChange={() => void classroom.act((api) => api.muteChat(!muted))} />
          <span>{t('chat.muteAll')}</span>
        </label>
      )}
      <Messages
        messages={shown}
        label={t('chat.label')}
        empty={link === 'off' ? <Empty icon="chat" title={t('chat.off')} /> : link === 'online' && <Empty icon="chat" title={t('chat.empty')} {...(silent ? {} : { text: t('chat.empty.text') })} />}
        onAgain={(key) => classroom.chat?.retry(key)}
      />
      {link !== 'online' && link !== 'off' && (
        <p className="sc-chat__link" role="status">
          {(link === 'connecting' || link === 'away') && <Spinner />}
          <span>{t(`chat.${link}`)}</span>
        </p>
      )}
      {silent && link !== 'off' ? (
        <p className="sc-chat__silent">
          <span>{t(reads ? 'chat.observer' : 'chat.muted')}</span>{' '}
          {!reads && onPrivate && (
            <button type="button" className="sc-link" onClick={onPrivate}>
              {t('chat.muted.private')}
            </button>
          )}
        </p>
      ) : link === 'off' ? null : (
        <Composer label={t(room === main ? 'chat.write' : 'chat.write.group')} disabled={link === 'refused'} onSend={(text) => classroom.chat?.send(text)} />
      )}
    </>
  );
}
