// What the page asks its server for, beside what the SDK does.

export interface UserToken {
  readonly username: string;
  readonly token: string;
  readonly expiresInS: number;
}

export interface Tokens {
  readonly appKey: string;
  readonly users: readonly UserToken[];
}

/** A record as it lies on disk; bytes in hexadecimal digits, times in ms. */
export interface DiskRecord {
  readonly sequence: number;
  readonly takenAt: number;
  readonly keptUntil: number;
  readonly storedKey: {
    readonly bytes: string;
    readonly space: string | null;
    readonly parts: readonly { readonly name: string; readonly bytes: string; readonly blinded: boolean }[];
  };
  readonly record: string;
  readonly length: number;
  readonly version: number;
  readonly keyId: string;
  readonly nonce: string;
  readonly key: { readonly app: number; readonly class: string | null; readonly bucket: string; readonly madeAt: number } | null;
}

/** The server's answer when it is a refusal; without a status, there was no answer. */
export class ApiError extends Error {
  readonly status: number | undefined;

  constructor(status: number | undefined, message: string) {
    super(message);
    this.status = status;
  }
}

async function call(method: 'GET' | 'POST', path: string, body?: unknown): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(path, {
      method,
      credentials: 'same-origin',
      cache: 'no-store',
      ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
  } catch {
    throw new ApiError(undefined, 'the server does not answer');
  }
  if (answer.ok) return answer;
  const said = (await answer.json().catch(() => ({}))) as { message?: unknown };
  throw new ApiError(answer.status, typeof said.message === 'string' ? said.message : `HTTP ${answer.status}`);
}

/** Exchanges the one-time code for a cookie. */
export async function enter(code: string): Promise<void> {
  await call('POST', '/demo/session', { code });
}

export async function record(id: string): Promise<DiskRecord> {
  return (await call('GET', `/demo/records/${encodeURIComponent(id)}`)).json() as Promise<DiskRecord>;
}

/** For how long tokens are shared, so that two people who come at once ask once. */
const SHARED_MS = 5_000;
let last: { at: number; tokens: Promise<Tokens> } | undefined;

/** Fresh tokens for both people. */
export function tokens(): Promise<Tokens> {
  const now = Date.now();
  if (last && now - last.at < SHARED_MS) return last.tokens;
  const asked = call('POST', '/demo/tokens').then((answer) => answer.json() as Promise<Tokens>);
  last = { at: now, tokens: asked };
  asked.catch(() => {
    if (last?.tokens === asked) last = undefined;
  });
  return asked;
}

/** What was given may be good no more: whoever wants tokens next asks for new ones. */
export function forgetTokens(): void {
  last = undefined;
}
