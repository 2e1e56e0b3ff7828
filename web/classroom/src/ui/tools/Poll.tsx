// A poll: asked, answered, and what came of it.

import { useId, useState } from 'react';
import { listAt, numberAt, textAt } from '../../core/tree';
import { teaches } from '../../core/types';
import { useClass, useRoom } from '../context';
import { Button, Dialog, IconButton } from '../parts';
import { Card, type Frame } from './Card';

const MOST_OPTIONS = 5;
const TITLE_CHARS = 200;

export function Poll({ id, frame }: { readonly id: string; readonly frame: Frame }) {
  const { classroom, t } = useClass();
  const { properties, me } = useRoom();
  const [chosen, setChosen] = useState<readonly number[]>([]);
  const [sending, setSending] = useState(false);
  const name = useId();
  const at = (field: string): string => `widgets.poll.extra.${field}`;
  const items = listAt(properties, at('pollItems')).map(String);
  const several = numberAt(properties, at('mode')) === 2;
  const running = numberAt(properties, at('pollState')) === 1;
  const own = textAt(me.properties, 'widgets.poll.pollId') === id ? listAt(me.properties, 'widgets.poll.selectIndex').map(Number) : undefined;
  const teaching = teaches(me.role);
  const answers = me.role === 'student' && running && own === undefined;
  const voices = items.map((_, index) => numberAt(properties, at(`pollDetails.${index}.num`)));
  const total = voices.reduce((sum, one) => sum + one, 0);
  const choose = (index: number): void => {
    if (!several) return setChosen([index]);
    setChosen(chosen.includes(index) ? chosen.filter((one) => one !== index) : [...chosen, index]);
  };
  const answer = async (): Promise<void> => {
    setSending(true);
    await classroom.actForClass((api) => api.answerPoll(id, chosen));
    setSending(false);
  };
  return (
    <Card icon="poll" title={t('tool.poll')} running={running} frame={frame} tool="poll" waits={answers} summary={t('tool.voices', { n: total })}>
      <p className="sc-card__question" id={name}>
        {textAt(properties, at('pollTitle'))}
      </p>
      {answers ? (
        <>
          <div role={several ? 'group' : 'radiogroup'} aria-labelledby={name} className="sc-choices">
            {items.map((item, index) => (
              <label key={item} className="sc-choice">
                <input type={several ? 'checkbox' : 'radio'} name={name} checked={chosen.includes(index)} onChange={() => choose(index)} />
                <span>{item}</span>
              </label>
            ))}
          </div>
          <div className="sc-card__foot">
            <Button kind="primary" disabled={chosen.length === 0 || sending} onClick={() => void answer()}>
              {t('tool.submit')}
            </Button>
          </div>
        </>
      ) : (
        <>
          <ul className="sc-results" aria-label={t('poll.results')}>
            {items.map((item, index) => {
              const share = numberAt(properties, at(`pollDetails.${index}.percentage`));
              return (
                <li key={item} data-own={own?.includes(index)}>
                  <span className="sc-results__label">{item}</span>
                  <span className="sc-results__figure">
                    {t('poll.share', { n: Math.round(share * 100) })} · {voices[index]}
                  </span>
                  <span className="sc-results__bar" aria-hidden="true">
                    <i style={{ width: `${Math.round(share * 100)}%` }} />
                  </span>
                </li>
              );
            })}
          </ul>
          <div className="sc-card__foot">
            <span className="sc-muted" role="status">
              {own ? t('tool.answered') : t('tool.voices', { n: total })}
            </span>
            {teaching && running && (
              <Button kind="primary" onClick={() => void classroom.actForClass((api) => api.stopPoll(id))}>
                {t('tool.stop')}
              </Button>
            )}
            {teaching && !running && <Button onClick={() => void classroom.actForClass((api) => api.removeWidget('poll'))}>{t('tool.remove')}</Button>}
          </div>
        </>
      )}
    </Card>
  );
}

export function PollStart({ onClose }: { readonly onClose: () => void }) {
  const { classroom, t } = useClass();
  const [title, setTitle] = useState('');
  const [items, setItems] = useState<readonly string[]>(['', '']);
  const [several, setSeveral] = useState(false);
  const [tried, setTried] = useState(false);
  const said = items.map((item) => item.trim()).filter(Boolean);
  const fits = title.trim() !== '' && said.length >= 2 && new Set(said).size === said.length;
  const start = async (): Promise<void> => {
    setTried(true);
    if (fits && (await classroom.actForClass((api) => api.startPoll(title.trim(), said, several)))) onClose();
  };
  return (
    <Dialog title={t('poll.title')} onClose={onClose} kind="poll">
      <form
        className="sc-form"
        onSubmit={(event) => {
          event.preventDefault();
          void start();
        }}
      >
        <label className="sc-field">
          <span>{t('poll.question')}</span>
          <input value={title} maxLength={TITLE_CHARS} onChange={(event) => setTitle(event.target.value)} autoFocus />
        </label>
        {items.map((item, index) => (
          <div key={index} className="sc-field sc-field--row">
            <label>
              <span>{t('poll.option', { n: index + 1 })}</span>
              <input value={item} maxLength={TITLE_CHARS} onChange={(event) => setItems(items.map((one, other) => (other === index ? event.target.value : one)))} />
            </label>
            {items.length > 2 && <IconButton icon="close" label={t('poll.removeOption', { n: index + 1 })} onClick={() => setItems(items.filter((_, other) => other !== index))} />}
          </div>
        ))}
        {items.length < MOST_OPTIONS && (
          <Button kind="quiet" icon="plus" onClick={() => setItems([...items, ''])}>
            {t('poll.addOption')}
          </Button>
        )}
        <label className="sc-switch">
          <input type="checkbox" role="switch" checked={several} onChange={() => setSeveral(!several)} />
          <span>{t('poll.several')}</span>
        </label>
        {tried && !fits && (
          <p className="sc-problem" role="alert">
            {t('poll.problem')}
          </p>
        )}
        <div className="sc-dialog__foot">
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button kind="primary" type="submit">
            {t('tool.start')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
