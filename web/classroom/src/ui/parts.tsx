// Small parts that the page is made of.

import { useEffect, useId, useRef, useState, type ButtonHTMLAttributes, type ReactNode } from 'react';
import { useClass } from './context';
import { Icon, type IconName } from './icons';

type ButtonProps = ButtonHTMLAttributes<HTMLButtonElement> & { readonly kind?: 'plain' | 'primary' | 'danger' | 'quiet'; readonly icon?: IconName };

export function Button({ kind = 'plain', icon, children, className = '', ...rest }: ButtonProps) {
  return (
    <button type="button" className={`sc-button sc-button--${kind} ${className}`} {...rest}>
      {icon && <Icon name={icon} size={18} />}
      <span>{children}</span>
    </button>
  );
}

export function IconButton({ icon, label, className = '', ...rest }: { readonly icon: IconName; readonly label: string } & ButtonHTMLAttributes<HTMLButtonElement>) {
  return (
    <button type="button" className={`sc-iconbutton ${className}`} aria-label={label} title={label} {...rest}>
      <Icon name={icon} size={18} />
    </button>
  );
}

/** A dialog over the page; Escape and the cross close it. */
export function Dialog({ title, onClose, children, wide = false, kind }: { readonly title: string; readonly onClose: () => void; readonly children: ReactNode; readonly wide?: boolean; readonly kind?: string }) {
  const { t } = useClass();
  const ref = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    const dialog = ref.current;
    if (!dialog?.open) dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={ref}
      className={`sc-dialog ${wide ? 'sc-dialog--wide' : ''}`}
      aria-labelledby={heading}
      data-dialog={kind}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <header className="sc-dialog__head">
        <h2 id={heading}>{title}</h2>
        <IconButton icon="close" label={t('action.close')} onClick={onClose} />
      </header>
      {children}
    </dialog>
  );
}

export interface MenuItem {
  readonly label: string;
  readonly icon: IconName;
  readonly act: () => void;
  readonly danger?: boolean;
  readonly disabled?: boolean;
}

/** A button that shows a list of acts beside it. */
export function Menu({ label, items, icon = 'more', up = false, children }: { readonly label: string; readonly items: readonly MenuItem[]; readonly icon?: IconName; readonly up?: boolean; readonly children?: ReactNode }) {
  const [open, setOpen] = useState(false);
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    const outside = (event: Event): void => {
      if (!ref.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener('pointerdown', outside);
    document.addEventListener('focusin', outside);
    return () => {
      document.removeEventListener('pointerdown', outside);
      document.removeEventListener('focusin', outside);
    };
  }, [open]);
  const close = (): void => {
    setOpen(false);
    ref.current?.querySelector('button')?.focus();
  };
  return (
    <div
      ref={ref}
      className="sc-menu"
      onKeyDown={(event) => {
        if (event.key === 'Escape' && open) {
          event.stopPropagation();
          close();
        }
        if (open && (event.key === 'ArrowDown' || event.key === 'ArrowUp')) {
          event.preventDefault();
          const all = [...(ref.current?.querySelectorAll<HTMLButtonElement>('.sc-menu__list button:not(:disabled)') ?? [])];
          const at = all.indexOf(document.activeElement as HTMLButtonElement);
          all[(at + (event.key === 'ArrowDown' ? 1 : -1) + all.length) % all.length]?.focus();
        }
      }}
    >
      {children ? (
        <button type="button" className="sc-dockbutton" aria-expanded={open} aria-label={label} onClick={() => setOpen(!open)}>
          {children}
        </button>
      ) : (
        <IconButton icon={icon} label={label} aria-expanded={open} onClick={() => setOpen(!open)} />
      )}
      {open && (
        <ul className={`sc-menu__list ${up ? 'sc-menu__list--up' : ''}`}>
          {items.map(({ label: text, icon: sign, act, danger, disabled }) => (
            <li key={text}>
              <button
                type="button"
                disabled={disabled}
                className={danger ? 'sc-menu__danger' : ''}
                onClick={() => {
                  close();
                  act();
                }}
              >
                <Icon name={sign} size={18} />
                <span>{text}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** One of a few choices, side by side. */
export function Segments<T extends string>({ label, value, choices, onChoose }: { readonly label: string; readonly value: T; readonly choices: readonly { readonly value: T; readonly label: string; readonly icon?: IconName; readonly badge?: number }[]; readonly onChoose: (value: T) => void }) {
  const name = useId();
  return (
    <fieldset className="sc-segments">
      <legend className="sc-hidden">{label}</legend>
      {choices.map((choice) => (
        <label key={choice.value} title={choice.label}>
          <input type="radio" name={name} checked={choice.value === value} onChange={() => onChoose(choice.value)} />
          <span>
            {choice.icon ? <Icon name={choice.icon} size={18} /> : null}
            <span className={choice.icon ? 'sc-hidden' : ''}>{choice.label}</span>
            {choice.badge ? <b className="sc-count">{choice.badge}</b> : null}
          </span>
        </label>
      ))}
    </fieldset>
  );
}

/** A small number that is chosen by steps. */
export function Stepper({ label, value, least, most, onChange }: { readonly label: string; readonly value: number; readonly least: number; readonly most: number; readonly onChange: (value: number) => void }) {
  const { t } = useClass();
  const name = useId();
  return (
    <div className="sc-row sc-row--between sc-stepper" role="group" aria-labelledby={name}>
      <span id={name}>{label}</span>
      <span className="sc-stepper__keys">
        <IconButton icon="minus" label={t('step.less')} disabled={value <= least} onClick={() => onChange(value - 1)} />
        <output aria-live="polite">{value}</output>
        <IconButton icon="plus" label={t('step.more')} disabled={value >= most} onClick={() => onChange(value + 1)} />
      </span>
    </div>
  );
}

/** Initials in a colour that stays with the person. */
export function Avatar({ name, id, small = false }: { readonly name: string; readonly id: string; readonly small?: boolean }) {
  return (
    <span className={`sc-avatar ${small ? 'sc-avatar--small' : ''}`} data-hue={hueOf(id)} aria-hidden="true">
      {initialsOf(name)}
    </span>
  );
}

export function initialsOf(name: string): string {
  const words = name.trim().split(/\s+/);
  const first = [...(words[0] ?? '')][0] ?? '?';
  const last = words.length > 1 ? ([...(words.at(-1) ?? '')][0] ?? '') : '';
  return (first + last).toUpperCase();
}

function hueOf(id: string): number {
  let sum = 7;
  for (const letter of id) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 8192;
  return sum % 6;
}

export function Empty({ icon, title, text, children }: { readonly icon: IconName; readonly title: string; readonly text?: string; readonly children?: ReactNode }) {
  return (
    <div className="sc-empty">
      <span className="sc-empty__icon">
        <Icon name={icon} size={26} />
      </span>
      <p className="sc-empty__title">{title}</p>
      {text && <p className="sc-empty__text">{text}</p>}
      {children}
    </div>
  );
}

export function Spinner() {
  return <span className="sc-spinner" aria-hidden="true" />;
}
