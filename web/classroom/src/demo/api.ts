// What the demo's pages ask their own server for.

import type { DemoClass } from './links';

/** Without a status there was no answer. */
export class DemoError extends Error {
  readonly status: number | undefined;

  constructor(status: number | undefined, message: string) {
    super(message);
    this.status = status;
  }
}

async function ask(path: string, body: unknown): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(path, { method: 'POST', credentials: 'same-origin', cache: 'no-store', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  } catch {
    throw new DemoError(undefined, 'the server does not answer');
  }
  if (answer.ok) return answer;
  const said = (await answer.json().catch(() => ({}))) as { message?: unknown };
  throw new DemoError(answer.status, typeof said.message === 'string' ? said.message : `HTTP ${answer.status}`);
}

/** Exchanges the one-time code for a cookie. */
export const enter = (code: string) => ask('/demo/session', { code });

export const makeClass = async (roomType: number) => (await ask('/demo/classes', { roomType })).json() as Promise<DemoClass>;

export const ticket = async (roomUuid: string, userUuid: string, role: number) => (await ask('/demo/class-tokens', { roomUuid, userUuid, role })).json() as Promise<{ readonly appId: string; readonly token: string }>;
