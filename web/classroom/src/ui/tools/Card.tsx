// The frame of a tool: a line that says what it is and how it stands, and below it the tool, unless it is folded.

import { useId, type ReactNode } from 'react';
import { useClass } from '../context';
import { Icon, type IconName } from '../icons';
import { IconButton } from '../parts';

/** How a tool is shown; the same for all of them. */
export interface Frame {
  readonly folded: boolean;
  readonly onFold: () => void;
  /** Puts it aside for this person; only what has ended can be. */
  readonly onHide: () => void;
}

interface CardProps {
  readonly icon: IconName;
  readonly title: string;
  readonly running: boolean;
  readonly frame: Frame;
  readonly children: ReactNode;
  readonly tool: string;
  /** What is to be known of it while it is folded. */
  readonly summary?: string;
  /** Whether the person has something to do in it. */
  readonly waits?: boolean;
}

export function Card({ icon, title, running, frame: { folded, onFold, onHide }, children, tool, summary, waits = false }: CardProps) {
  const { t } = useClass();
  const heading = useId();
  const body = useId();
  return (
    <section className={`sc-card ${waits ? 'sc-card--waits' : ''}`} aria-labelledby={heading} data-tool={tool} data-running={running} data-folded={folded}>
      <header className="sc-card__head">
        <h2 id={heading}>
          <button type="button" className="sc-card__fold" aria-expanded={!folded} aria-controls={body} onClick={onFold}>
            <Icon name={icon} size={18} />
            <span className="sc-card__title">{title}</span>
            <span className={`sc-tag ${running ? 'sc-tag--live' : ''}`}>{t(running ? 'tool.running' : 'tool.over')}</span>
            {folded && <span className="sc-card__summary">{waits ? t('tool.waits') : summary}</span>}
            <Icon name={folded ? 'chevronDown' : 'chevronUp'} size={18} />
          </button>
        </h2>
        {!running && <IconButton icon="close" label={t('tool.hide')} onClick={onHide} />}
      </header>
      <div id={body} className="sc-card__body" hidden={folded}>
        {children}
      </div>
    </section>
  );
}
