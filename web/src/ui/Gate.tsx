// What is shown in place of the chat: on the way in, or why there is no way in.

import type { Gate as Kind } from '../logic/entry';

const TITLES: Record<Kind, string> = {
  entering: 'Opening the demo…',
  'server-away': 'The server does not answer',
  'code-refused': 'This link was used already',
  'no-code': 'This page is opened with a one-time link',
  failed: 'The server could not open the demo',
};

export function Gate({ kind, problem }: { readonly kind: Kind; readonly problem: string | undefined }) {
  return (
    <main className="gate" data-gate={kind}>
      <h1>{TITLES[kind]}</h1>
      <div role="status">
        {kind === 'server-away' && <p>Is it running? This page goes on by itself as soon as it answers.</p>}
        {kind === 'failed' && <p>It said: {problem}. Its log says more.</p>}
      </div>
      {kind === 'code-refused' && <p>Each link opens the page once, in one browser. In that browser the page goes on working without it.</p>}
      {(kind === 'code-refused' || kind === 'no-code') && (
        <>
          <p>To get a new link:</p>
          <ul>
            <li>
              look into <code>demo.json</code> in the server’s data directory: <code>demoUrl</code> is always a fresh one, or
            </li>
            <li>
              end <code>cargo xtask up</code> with Ctrl-C and start it again: it prints one.
            </li>
          </ul>
        </>
      )}
    </main>
  );
}
