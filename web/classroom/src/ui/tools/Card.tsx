// The frame of a tool.

import { useId, type ReactNode } from 'react';
import { useClass } from '../context';
import { Icon, type IconName } from '../icons';
import { IconButton } from '../parts';

export function Card({ icon, title, running, onHide, children, tool }: { readonly icon: IconName; readonly title: string; readonly running: boolean; readonly onHide: () => void; readonly children: ReactNode; readonly tool: string }) {
  const { t } = useClass();
  const heading = useId();
  return (
    <section className="sc-card" aria-labelledby={heading} data-tool={tool} data-running={running}>
      <header className="sc-card__head">
        <Icon name={icon} size={18} />
        <h2 id={heading}>{title}</h2>
        <span className={`sc-tag ${running ? 'sc-tag--live' : ''}`}>{t(running ? 'tool.running' : 'tool.over')}</span>
        <IconButton icon="close" label={t('tool.hide')} onClick={onHide} />
      </header>
      {children}
    </section>
  );
}
