// What a student and those who teach say to each other alone (classroom contract, rows 63 and 64). The server keeps it as
// long as the room; a message that comes in says who it is from, and not always in whose conversation it stands.

import type { ClassApi } from './api';
import { listAt, numberAt, textAt, treeAt } from './tree';
import { roleOf, teaches, type Role, type Tree } from './types';

export interface PrivateMessage {
  readonly key: string;
  readonly from: string;
  readonly name: string;
  readonly role: Role;
  readonly text: string;
  readonly at: number;
  readonly state: 'sending' | 'sent' | 'failed';
}

/** A conversation of a student. */
export interface Conversation {
  readonly student: string;
  readonly name: string;
  /** When something was said last. */
  readonly last: number;
  readonly unread: number;
  /** Undefined until it was asked for. */
  readonly messages: readonly PrivateMessage[] | undefined;
}

export interface ConversationsState {
  /** By student. */
  readonly all: ReadonlyMap<string, Conversation>;
  /** What is looked at. */
  readonly open: string;
  readonly failed: boolean;
}

export interface ConversationsMeans {
  readonly api: () => Pick<ClassApi, 'conversations' | 'conversation' | 'sayPrivately'>;
  readonly me: { readonly id: string; readonly name: string; readonly role: Role };
  readonly now: () => number;
  /** Something was said to this person. */
  readonly told: (from: string, text: string) => void;
}

export class Conversations {
  readonly #means: ConversationsMeans;
  readonly #listeners = new Set<() => void>();
  #state: ConversationsState = { all: new Map(), open: '', failed: false };
  #number = 0;

  constructor(means: ConversationsMeans) {
    this.#means = means;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly snapshot = (): ConversationsState => this.#state;

  get #teaches(): boolean {
    return teaches(this.#means.me.role);
  }

  /** Reads which there are, for those who teach; a student's own one otherwise. */
  async load(): Promise<void> {
    const { me } = this.#means;
    try {
      if (!this.#teaches) return await this.#read(me.id, me.name);
      for (let next = ''; ; ) {
        const page = await this.#means.api().conversations(next);
        for (const one of listAt(page, 'list') as readonly Tree[]) {
          const [student, last] = [textAt(one, 'userUuid'), numberAt(one, 'lastMessageTs')];
          const before = this.#state.all.get(student);
          this.#put(student, textAt(one, 'userName'), { last });
          if (before?.messages && before.last < last) await this.#read(student, textAt(one, 'userName'));
        }
        next = textAt(page, 'nextId');
        if (!next) break;
      }
      this.#set({ failed: false });
    } catch {
      this.#set({ failed: true });
    }
  }

  /** Looks at a conversation, or with '' at none. */
  async look(student: string, name: string): Promise<void> {
    this.#set({ open: student });
    if (!student) return;
    this.#put(student, name, { unread: 0 });
    await this.#read(student, name).catch(() => this.#set({ failed: true }));
  }

  async #read(student: string, name: string): Promise<void> {
    const page = await this.#means.api().conversation(student);
    const said = (listAt(page, 'list') as readonly Tree[]).map(messageFrom);
    const own = this.#state.all.get(student)?.messages?.filter(({ state }) => state !== 'sent') ?? [];
    const messages = inOrder([...said, ...own]);
    this.#put(student, name, { messages, last: messages.at(-1)?.at ?? 0 });
    this.#set({ failed: false });
  }

  /** A message that the server tells. */
  heard(data: Tree): void {
    const message = messageFrom(data);
    const { me } = this.#means;
    if (message.from === me.id) return;
    if (this.#teaches && teaches(message.role)) {
      // Another teacher has said it, and does not say to whom.
      void this.load();
      return;
    }
    const student = this.#teaches ? message.from : me.id;
    const before = this.#state.all.get(student);
    const messages = before?.messages && inOrder([...before.messages, message]);
    const unread = this.#state.open === student ? 0 : (before?.unread ?? 0) + 1;
    this.#put(student, this.#teaches ? message.name : me.name, { last: message.at, unread, messages });
    if (this.#state.open !== student) this.#means.told(message.name, message.text);
  }

  say(student: string, name: string, text: string): void {
    const { me, now } = this.#means;
    const message: PrivateMessage = { key: `own ${(this.#number += 1)}`, from: me.id, name: me.name, role: me.role, text, at: now(), state: 'sending' };
    this.#put(student, name, { messages: inOrder([...(this.#state.all.get(student)?.messages ?? []), message]), last: message.at });
    void this.#transmit(student, message);
  }

  again(student: string, key: string): void {
    const message = this.#state.all.get(student)?.messages?.find((one) => one.key === key && one.state === 'failed');
    if (!message) return;
    this.#replace(student, key, { state: 'sending' });
    void this.#transmit(student, message);
  }

  async #transmit(student: string, { key, text }: PrivateMessage): Promise<void> {
    try {
      const answer = await this.#means.api().sayPrivately(student, text);
      this.#replace(student, key, { state: 'sent', key: textAt(answer, 'peerMessageId') });
    } catch {
      this.#replace(student, key, { state: 'failed' });
    }
  }

  #replace(student: string, key: string, change: Partial<PrivateMessage>): void {
    const before = this.#state.all.get(student);
    if (before?.messages) this.#put(student, before.name, { messages: inOrder(before.messages.map((one) => (one.key === key ? { ...one, ...change } : one))) });
  }

  #put(student: string, name: string, change: Partial<Conversation>): void {
    const before = this.#state.all.get(student) ?? { student, name, last: 0, unread: 0, messages: undefined };
    this.#set({ all: new Map(this.#state.all).set(student, { ...before, name: name || before.name, ...change }) });
  }

  #set(change: Partial<ConversationsState>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener();
  }
}

function messageFrom(one: Tree): PrivateMessage {
  const from = treeAt(one, 'fromUser');
  return { key: textAt(one, 'peerMessageId'), from: textAt(from, 'userUuid'), name: textAt(from, 'userName'), role: roleOf(from['role']), text: textAt(one, 'message'), at: numberAt(one, 'sendTime'), state: 'sent' };
}

/** Each once, the oldest first. */
function inOrder(messages: readonly PrivateMessage[]): readonly PrivateMessage[] {
  return [...new Map(messages.map((message) => [message.key, message])).values()].sort((a, b) => a.at - b.at);
}
