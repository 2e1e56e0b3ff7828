// What those who teach have put up for all, above the chat.

import { useEffect, useRef, useState } from 'react';
import { announcementOf } from '../../core/store';
import { teaches } from '../../core/types';
import { useClass, useMain } from '../context';
import { Icon } from '../icons';
import { Button, IconButton } from '../parts';

const MOST_CHARS = 500;

export function Announcement() {
  const { classroom, t } = useClass();
  const room = useMain();
  const text = announcementOf(room);
  const teaching = teaches(room.me.role);
  const [editing, setEditing] = useState(false);
  if (editing) return <Edit text={text} onClose={() => setEditing(false)} />;
  if (!text) {
    return teaching ? (
      <div className="sc-announce sc-announce--none">
        <Button kind="quiet" icon="megaphone" className="sc-button--small" onClick={() => setEditing(true)}>
          {t('announce.write')}
        </Button>
      </div>
    ) : null;
  }
  return (
    <section className="sc-announce" aria-label={t('announce.title')} data-announcement>
      <Icon name="megaphone" size={18} />
      <p tabIndex={0}>{text}</p>
      {teaching && (
        <span className="sc-announce__acts">
          <IconButton icon="edit" label={t('announce.edit')} onClick={() => setEditing(true)} />
          <IconButton icon="close" label={t('announce.remove')} onClick={() => void classroom.actForClass((api) => api.announce(''))} />
        </span>
      )}
    </section>
  );
}

function Edit({ text: before, onClose }: { readonly text: string; readonly onClose: () => void }) {
  const { classroom, t } = useClass();
  const [text, setText] = useState(before);
  const [busy, setBusy] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => field.current?.focus(), []);
  const save = async (): Promise<void> => {
    setBusy(true);
    if (await classroom.actForClass((api) => api.announce(text.trim()))) onClose();
    else setBusy(false);
  };
  return (
    <form
      className="sc-announce sc-announce--edit"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
      onKeyDown={(event) => event.key === 'Escape' && onClose()}
    >
      <label>
        <span>{t('announce.title')}</span>
        <textarea ref={field} rows={3} maxLength={MOST_CHARS} value={text} placeholder={t('announce.placeholder')} onChange={(event) => setText(event.target.value)} />
      </label>
      <span className="sc-announce__foot">
        <Button className="sc-button--small" onClick={onClose}>
          {t('action.cancel')}
        </Button>
        <Button kind="primary" type="submit" className="sc-button--small" disabled={busy || (!text.trim() && !before)}>
          {t('announce.show')}
        </Button>
      </span>
    </form>
  );
}
