// Polls, quizzes and countdowns over the stage.

import { useClass, useRoom } from '../context';
import { useState } from 'react';
import { numberAt, textAt } from '../../core/tree';
import { Countdown, CountdownStart } from './Countdown';
import { Poll, PollStart } from './Poll';
import { Quiz, QuizStart } from './Quiz';

export type ToolName = 'poll' | 'quiz' | 'countdown';

/** The tools that are in use. */
export function Tools() {
  const { t } = useClass();
  const { properties } = useRoom();
  /** What this person has put aside, by the id of the poll or quiz. */
  const [hidden, setHidden] = useState<readonly string[]>([]);
  const hide = (id: string) => (): void => setHidden([...hidden, id]);
  const shown = (widget: string, field: string): string => {
    const id = numberAt(properties, `widgets.${widget}.state`) === 1 ? textAt(properties, `widgets.${widget}.extra.${field}`) : '';
    return hidden.includes(id) ? '' : id;
  };
  const [poll, quiz, countdown] = [shown('poll', 'pollId'), shown('popupQuiz', 'popupQuizId'), shown('countdownTimer', 'countdownTimerId')];
  if (!poll && !quiz && !countdown) return null;
  return (
    <aside className="sc-tools" aria-label={t('tool.menu')}>
      {countdown && <Countdown key={countdown} id={countdown} onHide={hide(countdown)} />}
      {quiz && <Quiz key={quiz} id={quiz} onHide={hide(quiz)} />}
      {poll && <Poll key={poll} id={poll} onHide={hide(poll)} />}
    </aside>
  );
}

/** The dialog in which one is begun. */
export function ToolStart({ tool, onClose }: { readonly tool: ToolName; readonly onClose: () => void }) {
  switch (tool) {
    case 'poll':
      return <PollStart onClose={onClose} />;
    case 'quiz':
      return <QuizStart onClose={onClose} />;
    case 'countdown':
      return <CountdownStart onClose={onClose} />;
  }
}
