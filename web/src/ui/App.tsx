// The page: two people side by side, and what lies on disk; on a small screen one at a time.

import { useEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import { newest, unread } from '../logic/messages';
import type { Person } from '../person';
import { Disk } from './Disk';
import { useMedia, usePageVisible, usePerson } from './hooks';
import { Pane } from './Pane';
import { Unread } from './Unread';
import { ThemeChoice } from './theme';

type People = readonly [Person, Person];

export function App({ people }: { readonly people: People }) {
  const [one, other] = people;
  const narrow = useMedia('(max-width: 719px)');
  const visible = usePageVisible();
  /** Whose eyes the page is looked at with. */
  const [active, setActive] = useState(one.username);
  const [tab, setTab] = useState(one.username);
  const [chosen, setChosen] = useState<string>();
  const states = [usePerson(one), usePerson(other)];
  const views = states.map(({ view }) => view);
  const waiting = states.map(({ view, acknowledged }) => unread(view, acknowledged).length);
  const shown = chosen ?? newest(views);
  const message = views.flatMap(({ messages }) => messages).find(({ id, mine }) => id === shown && mine);
  const owner = people.find((person) => person.snapshot().view.messages.some(({ id, mine }) => id === shown && mine));

  const looking = (person: Person) => visible && (narrow ? tab === person.username : active === person.username);
  const [oneLooks, otherLooks] = [looking(one), looking(other)];
  useEffect(() => one.look(oneLooks), [one, oneLooks]);
  useEffect(() => other.look(otherLooks), [other, otherLooks]);

  const pane = (person: Person, peer: Person) => (
    <Pane
      person={person}
      peer={peer}
      active={looking(person)}
      chosen={shown}
      onActivate={() => setActive(person.username)}
      onChoose={(id) => {
        setChosen(id);
        if (narrow) setTab('disk');
      }}
    />
  );
  const parts = [
    { id: one.username, label: one.name, waiting: waiting[0] ?? 0, content: pane(one, other) },
    { id: other.username, label: other.name, waiting: waiting[1] ?? 0, content: pane(other, one) },
    { id: 'disk', label: 'On disk', waiting: 0, content: <Disk id={shown} text={message?.text} from={owner?.name} /> },
  ];
  return (
    <>
      <Header />
      <main className={narrow ? 'narrow' : 'wide'}>
        <h1 className="hidden-text">Two people chat through this server</h1>
        {narrow ? (
          <Tabs parts={parts} tab={tab} onTab={setTab} />
        ) : (
          <>
            {parts.map(({ id, content }) => (
              <div className="column" key={id}>
                {content}
              </div>
            ))}
          </>
        )}
      </main>
      <Footer />
    </>
  );
}

function Header() {
  return (
    <header className="top">
      <p className="brand">
        <strong>Stoa</strong> demo
      </p>
      <p className="hint">Two people, each with a connection of their own. Click into a side to look through that person’s eyes.</p>
      <ThemeChoice />
    </header>
  );
}

function Footer() {
  return (
    <footer className="bottom">
      <p>
        Both sides use the vendor’s unmodified <code>agora-chat</code> 1.4.0. <a href="/third-party.txt">Software of others in this page</a>
      </p>
    </footer>
  );
}

interface TabsProps {
  readonly parts: readonly { readonly id: string; readonly label: string; readonly waiting: number; readonly content: React.ReactNode }[];
  readonly tab: string;
  readonly onTab: (id: string) => void;
}

/** One part at a time, chosen by tabs; all stay there, so that nothing typed is lost. */
function Tabs({ parts, tab, onTab }: TabsProps) {
  const list = useRef<HTMLDivElement>(null);
  const order = useMemo(() => parts.map(({ id }) => id), [parts]);
  const move = (event: KeyboardEvent) => {
    const at = order.indexOf(tab);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: order.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = (to + order.length) % order.length;
    onTab(order[next] ?? tab);
    list.current?.querySelectorAll<HTMLElement>('[role=tab]')[next]?.focus();
  };
  return (
    <>
      <div className="tabs" role="tablist" aria-label="Sides" ref={list} onKeyDown={move}>
        {parts.map(({ id, label, waiting }) => (
          <button
            key={id}
            type="button"
            role="tab"
            id={`tab-${id}`}
            aria-controls={`part-${id}`}
            aria-selected={tab === id}
            tabIndex={tab === id ? 0 : -1}
            onClick={() => onTab(id)}
          >
            {label}
            <Unread count={waiting} />
          </button>
        ))}
      </div>
      {parts.map(({ id, content }) => (
        <div key={id} className="column" role="tabpanel" id={`part-${id}`} aria-labelledby={`tab-${id}`} hidden={tab !== id}>
          {content}
        </div>
      ))}
    </>
  );
}
