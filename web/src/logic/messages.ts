// One person's view of the conversation: what was sent and received, in order, and how far each own
// message has come. Pure: events in, a new view out.

/** How far an own message has come. */
export type Progress = 'sending' | 'failed' | 'sent' | 'delivered' | 'read';

export interface Message {
  /** Names it within the view, from before the server knows it. */
  readonly key: string;
  /** The server's id, once it has one. */
  readonly id?: string;
  readonly mine: boolean;
  readonly text: string;
  /** When the server took it, or when it was written, in ms. */
  readonly time: number;
  readonly progress: Progress;
}

export interface View {
  readonly messages: readonly Message[];
  /** What receipts have said, by server id; they may come before the message has its id. */
  readonly receipts: Readonly<Record<string, Receipt>>;
}

export type Receipt = 'delivered' | 'read';

export const emptyView: View = { messages: [], receipts: {} };

const RANK: Record<Progress, number> = { failed: 0, sending: 1, sent: 2, delivered: 3, read: 4 };

/** The further of two; a message never goes back. */
export function further(a: Progress, b: Progress): Progress {
  return RANK[a] >= RANK[b] ? a : b;
}

/** An own message that is on its way. */
export function written(view: View, key: string, text: string, time: number): View {
  return { ...view, messages: [...view.messages, { key, mine: true, text, time, progress: 'sending' }] };
}

/** The server has taken the message `key` and gave it `id`. */
export function accepted(view: View, key: string, id: string, time?: number): View {
  // It may have come back as one of history, or from another device, meanwhile.
  const messages = view.messages.filter((message) => message.key === key || message.id !== id);
  return sorted({
    ...view,
    messages: messages.map((message) =>
      message.key === key ? { ...message, id, time: time ?? message.time, progress: further('sent', view.receipts[id] ?? 'sent') } : message,
    ),
  });
}

/** The message `key` could not be sent. */
export function failed(view: View, key: string): View {
  return change(view, (message) => message.key === key && message.progress === 'sending', { progress: 'failed' });
}

/** The message `key` is tried again. */
export function retried(view: View, key: string): View {
  return change(view, (message) => message.key === key && message.progress === 'failed', { progress: 'sending' });
}

/** A receipt of the other side. */
export function receipt(view: View, id: string, what: Receipt): View {
  const known = view.receipts[id];
  const now = known === 'read' ? known : what;
  const receipts = { ...view.receipts, [id]: now };
  return {
    receipts,
    messages: view.messages.map((message) =>
      message.id === id && message.mine ? { ...message, progress: further(message.progress, now) } : message,
    ),
  };
}

/** What the server says there is: pushed, or read from history. */
export interface Arrival {
  readonly id: string;
  readonly mine: boolean;
  readonly text: string;
  readonly time: number;
}

/** Adds what is not there yet. */
export function arrived(view: View, arrivals: readonly Arrival[]): View {
  const known = new Set(view.messages.map((message) => message.id));
  const fresh = new Map(arrivals.filter(({ id }) => !known.has(id)).map((arrival) => [arrival.id, arrival]));
  if (fresh.size === 0) return view;
  const messages = [...fresh.values()].map((arrival) => ({ ...arrival, key: arrival.id, progress: view.receipts[arrival.id] ?? ('sent' as const) }));
  return sorted({ ...view, messages: [...view.messages, ...messages] });
}

/** In the order of the server's ids; what has none yet comes last, as it was written. */
function sorted(view: View): View {
  const order = (a: Message, b: Message) => {
    if (a.id === undefined || b.id === undefined) return Number(a.id === undefined) - Number(b.id === undefined);
    return a.id.length - b.id.length || (a.id < b.id ? -1 : Number(a.id > b.id));
  };
  return { ...view, messages: [...view.messages].sort(order) };
}

function change(view: View, which: (message: Message) => boolean, what: Partial<Message>): View {
  return { ...view, messages: view.messages.map((message) => (which(message) ? { ...message, ...what } : message)) };
}

/** The messages of the other side for which this person owes a read receipt. */
export function unread(view: View, acknowledged: ReadonlySet<string>): readonly Message[] {
  return view.messages.filter((message) => !message.mine && message.id !== undefined && !acknowledged.has(message.id));
}

/** The newest message that the server has. */
export function newest(views: readonly View[]): string | undefined {
  let last: Message | undefined;
  for (const view of views) {
    const message = view.messages.findLast(({ id }) => id !== undefined);
    if (message && (!last || message.time > last.time)) last = message;
  }
  return last?.id;
}
