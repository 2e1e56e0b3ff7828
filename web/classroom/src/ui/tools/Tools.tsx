// Polls, quizzes and countdowns: beside the stage where there is room, in a sheet below it on a small screen.

import { useEffect, useRef, useState } from 'react';
import { numberAt, textAt } from '../../core/tree';
import { useClass, useRoom } from '../context';
import type { Frame } from './Card';
import { CarouselStart } from './Carousel';
import { Countdown, CountdownStart } from './Countdown';
import { Poll, PollStart } from './Poll';
import { Quiz, QuizStart } from './Quiz';

export type ToolName = 'poll' | 'quiz' | 'countdown' | 'carousel';

/** In this order, the shortest first. */
const WIDGETS = [
  ['countdownTimer', 'countdownTimerId', Countdown],
  ['popupQuiz', 'popupQuizId', Quiz],
  ['poll', 'pollId', Poll],
] as const;

interface ToolsProps {
  /** There is room for one thing below the stage: a tool, or the panel. */
  readonly sheet: boolean;
  /** The panel has that room. */
  readonly panel: boolean;
  /** A tool takes it. */
  readonly onTakeRoom: () => void;
}

/** The tools that are in use. */
export function Tools({ sheet, panel, onTakeRoom }: ToolsProps) {
  const { t } = useClass();
  const { properties } = useRoom();
  /** What this person has folded, and what was put aside after its end, by the id of the poll or quiz. */
  const [folded, setFolded] = useState<readonly string[]>([]);
  const [hidden, setHidden] = useState<readonly string[]>([]);
  const shown = WIDGETS.flatMap(([widget, field, Tool]) => {
    const id = numberAt(properties, `widgets.${widget}.state`) === 1 ? textAt(properties, `widgets.${widget}.extra.${field}`) : '';
    return id && !hidden.includes(id) ? [{ id, Tool }] : [];
  });
  const ids = shown.map(({ id }) => id);
  const known = useRef<readonly string[]>([]);
  useEffect(() => {
    const fresh = ids.filter((id) => !known.current.includes(id));
    known.current = ids;
    // Nothing takes the place of what somebody writes or looks at: what is new is a line above it then.
    if (sheet && fresh.length > 0) setFolded(panel ? ids : ids.filter((id) => id !== fresh.at(-1)));
  });
  useEffect(() => {
    // A screen that has become large has room for all of them again.
    setFolded((before) => (sheet ? (panel ? known.current : before) : []));
  }, [sheet, panel]);
  if (shown.length === 0) return null;
  const fold = (id: string): void => {
    if (!folded.includes(id)) return setFolded([...folded, id]);
    setFolded(sheet ? ids.filter((other) => other !== id) : folded.filter((other) => other !== id));
    if (sheet) onTakeRoom();
  };
  return (
    <aside className="sc-tools" aria-label={t('tool.menu')}>
      {shown.map(({ id, Tool }) => {
        const frame: Frame = { folded: folded.includes(id), onFold: () => fold(id), onHide: () => setHidden([...hidden, id]) };
        return <Tool key={id} id={id} frame={frame} />;
      })}
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
    case 'carousel':
      return <CarouselStart onClose={onClose} />;
  }
}
