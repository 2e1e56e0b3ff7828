// A quiz: letters to choose from, of which some are right.

import { useEffect, useState } from 'react';
import { listAt, numberAt, textAt, at as valueAt } from '../../core/tree';
import { teaches, type Tree } from '../../core/types';
import { useClass, useRoom } from '../context';
import { Button, Dialog, IconButton } from '../parts';
import { Card, type Frame } from './Card';

const LETTERS = ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H'];
const ASK_MS = 3000;

export function Quiz({ id, frame }: { readonly id: string; readonly frame: Frame }) {
  const { classroom, t } = useClass();
  const room = useRoom();
  const { properties, me } = room;
  const at = (field: string): string => `widgets.popupQuiz.extra.${field}`;
  const items = listAt(properties, at('items')).map(String);
  const running = numberAt(properties, at('answerState')) === 1;
  const right = listAt(properties, at('correctItems')).map(String);
  const mine = textAt(me.properties, 'widgets.popupQuiz.popupQuizId') === id ? listAt(me.properties, 'widgets.popupQuiz.selectedItems').map(String) : undefined;
  const [chosen, setChosen] = useState<readonly string[]>(mine ?? []);
  const [changing, setChanging] = useState(false);
  const [sending, setSending] = useState(false);
  const watches = teaches(me.role) || me.role === 'observer';
  const answers = me.role === 'student' && running && (mine === undefined || changing);
  const answer = async (): Promise<void> => {
    setSending(true);
    if (await classroom.actForClass((api) => api.answerQuiz(id, [...chosen].sort()))) setChanging(false);
    setSending(false);
  };
  const progress = t('quiz.progress', { n: numberAt(properties, at('selectedCount')), total: numberAt(properties, at('totalCount')) });
  const wasRight = valueAt(me.properties, 'widgets.popupQuiz.isCorrect') === true;
  return (
    <Card icon="quiz" title={t('tool.quiz')} running={running} frame={frame} tool="quiz" waits={answers} summary={progress}>
      {answers ? (
        <>
          <p className="sc-card__question">{t('quiz.choose')}</p>
          <div role="group" aria-label={t('quiz.choose')} className="sc-letters">
            {items.map((item) => (
              <button key={item} type="button" aria-pressed={chosen.includes(item)} onClick={() => setChosen(chosen.includes(item) ? chosen.filter((one) => one !== item) : [...chosen, item])}>
                {item}
              </button>
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
          <div className="sc-letters sc-letters--still">
            {items.map((item) => (
              <span key={item} data-right={!running || watches ? right.includes(item) : undefined} data-own={mine?.includes(item)}>
                {item}
              </span>
            ))}
          </div>
          {mine && <p>{t('quiz.yours', { items: mine.join(', ') })}</p>}
          {!running && right.length > 0 && <p>{t('quiz.correct', { items: right.join(', ') })}</p>}
          {!running && mine && <p className="sc-strong">{t(wasRight ? 'quiz.rightYou' : 'quiz.wrongYou')}</p>}
          <p className="sc-muted" role="status">
            {progress}
            {(watches || !running) && ` · ${t('quiz.accuracy', { n: Math.round(numberAt(properties, at('averageAccuracy')) * 100) })}`}
          </p>
          {watches && <Answers id={id} running={running} />}
          <div className="sc-card__foot">
            {me.role === 'student' && running && <Button onClick={() => setChanging(true)}>{t('tool.change')}</Button>}
            {teaches(me.role) && running && (
              <Button kind="primary" onClick={() => void classroom.actForClass((api) => api.stopQuiz(id))}>
                {t('tool.stop')}
              </Button>
            )}
            {teaches(me.role) && !running && <Button onClick={() => void classroom.actForClass((api) => api.removeWidget('popupQuiz'))}>{t('tool.remove')}</Button>}
          </div>
        </>
      )}
    </Card>
  );
}

/** Who answered what, asked for every few seconds. */
function Answers({ id, running }: { readonly id: string; readonly running: boolean }) {
  const { classroom, t } = useClass();
  const room = useRoom();
  const [list, setList] = useState<readonly Tree[]>([]);
  useEffect(() => {
    let on = true;
    const ask = (): void => {
      classroom.classApi.quizAnswers(id).then(
        (page) => on && setList(listAt(page, 'list') as readonly Tree[]),
        () => {},
      );
    };
    ask();
    const timer = running ? setInterval(ask, ASK_MS) : undefined;
    return () => {
      on = false;
      clearInterval(timer);
    };
  }, [classroom, id, running]);
  if (list.length === 0) return <p className="sc-muted">{t('quiz.answersNone')}</p>;
  return (
    <ul className="sc-answers">
      {list.map((one) => (
        <li key={textAt(one, 'ownerUserUuid')}>
          <span>{room.users.get(textAt(one, 'ownerUserUuid'))?.name ?? textAt(one, 'ownerUserUuid')}</span>
          <b data-right={one['isCorrect'] === true}>{listAt(one, 'selectedItems').join(', ')}</b>
        </li>
      ))}
    </ul>
  );
}

export function QuizStart({ onClose }: { readonly onClose: () => void }) {
  const { classroom, t } = useClass();
  const [count, setCount] = useState(4);
  const [right, setRight] = useState<readonly string[]>([]);
  const [tried, setTried] = useState(false);
  const items = LETTERS.slice(0, count);
  const marked = right.filter((item) => items.includes(item));
  const start = async (): Promise<void> => {
    setTried(true);
    if (marked.length > 0 && (await classroom.actForClass((api) => api.startQuiz(items, [...marked].sort())))) onClose();
  };
  return (
    <Dialog title={t('quiz.title')} onClose={onClose} kind="quiz">
      <p className="sc-muted">{t('quiz.lead')}</p>
      <div className="sc-row">
        <div role="group" aria-label={t('quiz.right')} className="sc-letters">
          {items.map((item) => (
            <button key={item} type="button" aria-pressed={right.includes(item)} onClick={() => setRight(right.includes(item) ? right.filter((one) => one !== item) : [...right, item])}>
              {item}
            </button>
          ))}
        </div>
        <IconButton icon="minus" label={t('quiz.fewer')} disabled={count <= 2} onClick={() => setCount(count - 1)} />
        <IconButton icon="plus" label={t('quiz.more')} disabled={count >= LETTERS.length} onClick={() => setCount(count + 1)} />
      </div>
      {tried && marked.length === 0 && (
        <p className="sc-problem" role="alert">
          {t('quiz.problem')}
        </p>
      )}
      <div className="sc-dialog__foot">
        <Button onClick={onClose}>{t('action.cancel')}</Button>
        <Button kind="primary" onClick={() => void start()}>
          {t('tool.start')}
        </Button>
      </div>
    </Dialog>
  );
}
