// The way into the page: the code in the address, which works once.

/** The code behind `#` in the address, if there is one. */
export function codeIn(fragment: string): string | undefined {
  const code = new URLSearchParams(fragment.replace(/^#/, '')).get('code');
  return code && /^[a-z0-9]{1,64}$/.test(code) ? code : undefined;
}

/** What there is to show before the chat, or instead of it. */
export type Gate = 'entering' | 'server-away' | 'code-refused' | 'no-code' | 'failed';

/** What the outcome of asking for tokens means, given what became of the code. */
export function gateFor(status: number | undefined, code: 'none' | 'taken' | 'refused'): Gate | 'open' {
  if (status === undefined) return 'server-away';
  if (status === 200) return 'open';
  if (status === 401) return code === 'refused' ? 'code-refused' : 'no-code';
  return 'failed';
}
