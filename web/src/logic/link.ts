// A person's connection, in states and in words.

export type Link =
  | { readonly state: 'connecting' }
  | { readonly state: 'online' }
  /** The SDK tries to come back by itself. */
  | { readonly state: 'reconnecting' }
  /** The SDK has given up or could not log in; the page logs in again at `at` (ms). */
  | { readonly state: 'away'; readonly at: number }
  /** Logged out on purpose. */
  | { readonly state: 'offline' }
  /** Another window of this browser took over. */
  | { readonly state: 'replaced' }
  /** The server does not let this person in. */
  | { readonly state: 'refused'; readonly why: string };

/** The state in words, at `now`. */
export function describe(link: Link, now: number): string {
  switch (link.state) {
    case 'connecting':
      return 'Connecting…';
    case 'online':
      return 'Online';
    case 'reconnecting':
      return 'Connection lost. Reconnecting…';
    case 'away': {
      const seconds = Math.max(0, Math.ceil((link.at - now) / 1000));
      return seconds === 0 ? 'The server does not answer. Trying again…' : `The server does not answer. Trying again in ${seconds} s`;
    }
    case 'offline':
      return 'Offline';
    case 'replaced':
      return 'Open in another window';
    case 'refused':
      return `Refused: ${link.why}`;
  }
}

/** How long to wait before the next of several attempts, in ms: longer each time, up to eight seconds. */
export function pause(attempt: number): number {
  return Math.min(8000, 1000 * 2 ** Math.min(attempt, 3));
}

/** What a disconnection means: the SDK's code says who ended it. */
export function ended(code: number | undefined): 'elsewhere' | 'removed' | 'lost' {
  // 206: the same device logged in elsewhere; 207, 216, 217: deleted, password changed, logged out.
  if (code === 206) return 'elsewhere';
  return code === 207 || code === 216 || code === 217 ? 'removed' : 'lost';
}

/** Codes with which a login is refused for good: a wrong or expired token, an unknown user. */
export function isRefusal(code: number | undefined): boolean {
  return code === 28 || code === 56 || code === 57 || code === 204;
}
