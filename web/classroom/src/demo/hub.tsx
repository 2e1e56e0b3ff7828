// The page that makes a demo class and shows the links into it.

import { useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { codeIn } from '../../../src/logic/entry';
import { Icon } from '../ui/icons';
import { initialsOf } from '../ui/parts';
import { DemoError, enter, makeClass } from './api';
import { linkFor, PEOPLE, type DemoClass, type DemoPerson } from './links';
import '../styles/index.css';
import './hub.css';

const KEPT = 'stoa-demo:class';
const TYPES = [
  { type: 4, name: 'Small class', text: 'A stage for up to six students' },
  { type: 0, name: 'One to one', text: 'A teacher and one student' },
  { type: 2, name: 'Lecture', text: 'Many students, who raise a hand to speak' },
  { type: 10, name: 'Cloud class', text: 'Everybody may speak' },
] as const;
const ROLES = { teacher: 'Teacher', student: 'Student', assistant: 'Assistant', observer: 'Observer', invisible: '' } as const;

type Gate = 'no-code' | 'code-refused' | 'server-away' | 'failed';

function kept(): DemoClass | undefined {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT) ?? 'null') as DemoClass | undefined;
  } catch {
    return undefined;
  }
}

function Hub() {
  const [made, setMade] = useState(kept);
  const [gate, setGate] = useState<Gate>();
  const [type, setType] = useState<number>(made?.roomType ?? 4);
  const [busy, setBusy] = useState(false);
  const dark = matchMedia('(prefers-color-scheme: dark)').matches;
  const looks = { language: navigator.language.startsWith('zh') ? 'zh' : 'en', uiMode: dark ? 'dark' : 'light' };
  const make = async (roomType: number, refused = false): Promise<void> => {
    setBusy(true);
    try {
      const one = await makeClass(roomType);
      sessionStorage.setItem(KEPT, JSON.stringify(one));
      setMade(one);
      setGate(undefined);
    } catch (error) {
      const status = error instanceof DemoError ? error.status : 0;
      setGate(status === 401 ? (refused ? 'code-refused' : 'no-code') : status === undefined ? 'server-away' : 'failed');
    }
    setBusy(false);
  };
  useEffect(() => {
    void (async () => {
      const code = codeIn(location.hash);
      let refused = false;
      if (code !== undefined) {
        // Used or not, a code is nothing to keep in the address.
        history.replaceState(null, '', location.pathname);
        await enter(code).catch(() => (refused = true));
      }
      if (!kept()) await make(4, refused);
    })();
  }, []);
  if (gate) return <Closed gate={gate} onAgain={() => void make(type)} />;
  const [teacher, student, ...others] = PEOPLE;
  return (
    <main className="hub" data-page="hub" aria-busy={busy}>
      <p className="hub__brand">
        <strong>Stoa</strong> demo
      </p>
      <h1>{made ? 'Your class is ready' : 'Making a class…'}</h1>
      <p className="sc-lead">Open both links, each in a window of its own, and let them talk to each other. The class lasts 45 minutes; an hour after its end all of it is gone.</p>
      {made && (
        <>
          <ul className="hub__links">
            {[teacher, student].map((person) => person && <LinkCard key={person.userUuid} href={linkFor(made, person, looks)} person={person} />)}
          </ul>
          <section>
            <h2 className="sc-subhead">More people</h2>
            <ul className="hub__more">
              {others.map((person) => (
                <li key={person.userUuid}>
                  <a href={linkFor(made, person, looks)} target="_blank" rel="noreferrer">
                    {person.userName} <span>{ROLES[person.role]}</span>
                  </a>
                </li>
              ))}
            </ul>
          </section>
        </>
      )}
      <form
        className="hub__form"
        onSubmit={(event) => {
          event.preventDefault();
          void make(type);
        }}
      >
        <fieldset>
          <legend className="sc-subhead">Another class</legend>
          <div className="hub__types">
            {TYPES.map(({ type: one, name, text }) => (
              <label key={one} className="sc-choice">
                <input type="radio" name="type" checked={type === one} onChange={() => setType(one)} />
                <span>
                  <b>{name}</b>
                  <small className="sc-muted">{text}</small>
                </span>
              </label>
            ))}
          </div>
        </fieldset>
        <button type="submit" className="sc-button" disabled={busy}>
          Make a new class
        </button>
      </form>
      <footer className="sc-muted">
        <a href="/">The chat demo</a>
      </footer>
    </main>
  );
}

function LinkCard({ href, person }: { readonly href: string; readonly person: DemoPerson }) {
  const [copied, setCopied] = useState(false);
  const copy = (): void => void navigator.clipboard?.writeText(new URL(href, location.href).href).then(() => setCopied(true));
  return (
    <li className="hub__link" data-link={person.role}>
      <span className="sc-avatar sc-avatar--small" data-hue={person.role === 'teacher' ? '0' : '3'} aria-hidden="true">
        {initialsOf(person.userName)}
      </span>
      <span className="hub__who">
        <b>{ROLES[person.role]}</b>
        <span className="sc-muted">{person.userName}</span>
      </span>
      <button type="button" className="sc-iconbutton" aria-label={`Copy the ${person.role}’s link`} title="Copy link" onClick={copy}>
        <Icon name={copied ? 'check' : 'link'} size={18} />
      </button>
      <a className="sc-button sc-button--primary" href={href} target="_blank" rel="noreferrer">
        Open as {person.role}
      </a>
    </li>
  );
}

const TITLES: Record<Gate, string> = {
  'no-code': 'This page is opened with a one-time link',
  'code-refused': 'This link was used already',
  'server-away': 'The server does not answer',
  failed: 'The server could not make a class',
};

function Closed({ gate, onAgain }: { readonly gate: Gate; readonly onAgain: () => void }) {
  const needsCode = gate === 'no-code' || gate === 'code-refused';
  return (
    <main className="sc-gate" data-gate={gate}>
      <h1>{TITLES[gate]}</h1>
      {needsCode ? (
        <p className="sc-lead">
          Each link lets one browser in, once. <code>cargo xtask up</code> prints one, and <code>classDemoUrl</code> in <code>demo.json</code>, in the server’s data directory, is always a fresh one.
        </p>
      ) : (
        <>
          <p className="sc-lead" role="status">
            {gate === 'server-away' ? 'Is it running?' : 'Its log says more.'}
          </p>
          <button type="button" className="sc-button sc-button--primary" onClick={onAgain}>
            Try again
          </button>
        </>
      )}
    </main>
  );
}

const root = document.getElementById('root') as HTMLElement;
root.className = 'sc-root';
root.dataset['theme'] = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
createRoot(root).render(<Hub />);
