// The way in: a code in the address is exchanged for a cookie, tokens are asked for, and then the
// two people come online.

import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { ApiError, enter, tokens, type Tokens } from './api';
import { codeIn, gateFor, type Gate as GateKind } from './logic/entry';
import { pause } from './logic/link';
import { Person } from './person';
import { App } from './ui/App';
import { Gate } from './ui/Gate';
import { applyTheme } from './ui/theme';
import './styles.css';

const root = createRoot(document.getElementById('root') as HTMLElement);

function showGate(kind: GateKind, problem?: string): void {
  root.render(
    <StrictMode>
      <Gate kind={kind} problem={problem} />
    </StrictMode>,
  );
}

async function redeem(): Promise<'none' | 'taken' | 'refused'> {
  const code = codeIn(window.location.hash);
  if (code === undefined) return 'none';
  try {
    await enter(code);
  } catch (error) {
    if (error instanceof ApiError && error.status === undefined) throw error;
    forget();
    return 'refused';
  }
  forget();
  return 'taken';
}

/** Used or not, a code is nothing to keep in the address. */
function forget(): void {
  window.history.replaceState(null, '', window.location.pathname);
}

/** Tries until the server answers, and says what came of it. */
async function start(): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    let code: Awaited<ReturnType<typeof redeem>> = 'none';
    let outcome: { status: number | undefined; problem?: string; tokens?: Tokens };
    try {
      code = await redeem();
      outcome = { status: 200, tokens: await tokens() };
    } catch (error) {
      outcome = error instanceof ApiError ? { status: error.status, problem: error.message } : { status: 500, problem: String(error) };
    }
    const gate = gateFor(outcome.status, code);
    if (gate === 'open' && outcome.tokens) return open(outcome.tokens);
    if (gate !== 'server-away') return showGate(gate === 'open' ? 'failed' : gate, outcome.problem);
    showGate(gate);
    await new Promise((resolve) => window.setTimeout(resolve, pause(attempt)));
  }
}

function open({ appKey, users }: Tokens): void {
  const [first, second] = users;
  if (!first || !second) return showGate('failed', 'there are not two users');
  const barred = () => showGate('no-code');
  const people = [
    new Person(appKey, first.username, second.username, barred),
    new Person(appKey, second.username, first.username, barred),
  ] as const;
  for (const person of people) void person.come();
  return root.render(
    <StrictMode>
      <App people={people} />
    </StrictMode>,
  );
}

applyTheme();
showGate('entering');
void start();
