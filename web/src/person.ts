// One of the two people: a connection of their own, what they see of the conversation, and what they
// owe the other side. A small store that React subscribes to.

import type { AgoraChat } from 'agora-chat';
import { ApiError, forgetTokens, tokens } from './api';
import { ended, isRefusal, pause, type Link } from './logic/link';
import { recall, store } from './logic/memory';
import * as conversation from './logic/messages';
import { codeOf, connect, readReceipt, textMessage, type Connection } from './sdk';

/** Messages that are read back when somebody logs in. */
const HISTORY = 50;

export interface PersonState {
  readonly link: Link;
  readonly view: conversation.View;
  /** The messages of the other side that this person has read, as the server knows. */
  readonly acknowledged: ReadonlySet<string>;
  /** Whether history was read. */
  readonly loaded: boolean;
}

export class Person {
  readonly username: string;
  /** What people call them. */
  readonly name: string;
  readonly #peer: string;
  readonly #appKey: string;
  #connection: Connection | undefined;
  readonly #onBarred: () => void;
  readonly #listeners = new Set<() => void>();
  #state: PersonState;
  /** Whether this person wants to be online. */
  #wanted = false;
  #attempt = 0;
  #timer: number | undefined;
  #looking = false;
  /** Receipts that are on their way. */
  readonly #receipting = new Set<string>();

  constructor(appKey: string, username: string, peer: string, onBarred: () => void) {
    this.#appKey = appKey;
    this.username = username;
    this.name = nameOf(username);
    this.#peer = peer;
    this.#onBarred = onBarred;
    const memory = recall(localStorage.getItem(this.#memoryKey));
    this.#state = {
      link: { state: 'connecting' },
      view: { ...conversation.emptyView, receipts: memory.receipts },
      acknowledged: new Set(memory.acknowledged),
      loaded: false,
    };
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly snapshot = (): PersonState => this.#state;

  /** Logs in, and comes back by itself until `leave`. */
  async come(): Promise<void> {
    this.#wanted = true;
    clearTimeout(this.#timer);
    this.#set({ link: { state: 'connecting' } });
    try {
      const accessToken = await this.#token();
      if (!this.#wanted) return;
      // One that has given up is not opened again.
      this.#drop();
      const connection = connect(this.#appKey, this.#handlers());
      this.#connection = connection;
      await connection.open({ user: this.username, accessToken });
      this.#attempt = 0;
      await this.#readHistory(connection);
    } catch (error) {
      this.#loginFailed(error);
    }
  }

  /** Logs out. */
  leave(): void {
    this.#wanted = false;
    clearTimeout(this.#timer);
    this.#set({ link: { state: 'offline' } });
    this.#drop();
  }

  /** Ends the connection, and hears of it no more. */
  #drop(): void {
    this.#connection?.removeEventHandler('page');
    this.#connection?.close();
    this.#connection = undefined;
  }

  send(text: string): void {
    const key = crypto.randomUUID();
    this.#view((view) => conversation.written(view, key, text, Date.now()));
    void this.#transmit(key, text);
  }

  retry(key: string): void {
    const message = this.#state.view.messages.find((one) => one.key === key);
    if (!message) return;
    this.#view((view) => conversation.retried(view, key));
    void this.#transmit(key, message.text);
  }

  /** Whether this person's side is in view now: then what is there counts as read. */
  look(looking: boolean): void {
    this.#looking = looking;
    this.#acknowledge();
  }

  async #transmit(key: string, text: string): Promise<void> {
    try {
      if (!this.#connection) throw new Error('offline');
      const { serverMsgId, message } = await this.#connection.send(textMessage(this.#peer, text));
      const time = (message as { time?: number } | undefined)?.time;
      this.#view((view) => conversation.accepted(view, key, String(serverMsgId), time));
    } catch {
      this.#view((view) => conversation.failed(view, key));
    }
  }

  #handlers(): AgoraChat.EventHandlerType {
    return {
      onConnected: () => {
        this.#set({ link: { state: 'online' } });
        this.#acknowledge();
      },
      onReconnecting: () => {
        if (this.#wanted) this.#set({ link: { state: 'reconnecting' } });
      },
      onDisconnected: (error) => this.#disconnected(codeOf(error)),
      onTextMessage: (message) => this.#arrived([message]),
      onDeliveredMessage: ({ mid }) => this.#receipt(mid, 'delivered'),
      onReadMessage: ({ mid }) => this.#receipt(mid, 'read'),
      onTokenWillExpire: () => void this.#renew(),
      onTokenExpired: () => {
        if (this.#wanted) void this.come();
      },
    };
  }

  #disconnected(code: number | undefined): void {
    if (!this.#wanted || this.#state.link.state === 'refused') return;
    const how = ended(code);
    if (how === 'lost') {
      // While it logs in, the outcome is told by `open`.
      if (this.#state.link.state !== 'connecting') this.#comeLater();
      return;
    }
    this.#wanted = false;
    // Whoever the server puts out has tokens that were revoked, however new they are.
    if (how !== 'elsewhere') forgetTokens();
    this.#set({ link: how === 'elsewhere' ? { state: 'replaced' } : { state: 'refused', why: 'the server ended the session' } });
  }

  #loginFailed(error: unknown): void {
    if (!this.#wanted) return;
    if (error instanceof ApiError && error.status === 401) {
      this.#onBarred();
      return;
    }
    if (isRefusal(codeOf(error))) {
      this.#wanted = false;
      forgetTokens();
      this.#set({ link: { state: 'refused', why: String((error as { message?: unknown }).message) } });
      return;
    }
    if (this.#state.link.state !== 'replaced') this.#comeLater();
  }

  #comeLater(): void {
    const wait = pause(this.#attempt);
    this.#attempt += 1;
    clearTimeout(this.#timer);
    this.#set({ link: { state: 'away', at: Date.now() + wait } });
    this.#timer = window.setTimeout(() => void this.come(), wait);
  }

  async #renew(): Promise<void> {
    try {
      await this.#connection?.renewToken(await this.#token());
    } catch {
      // The session goes on until the token ends, and then comes again.
    }
  }

  async #token(): Promise<string> {
    const { users } = await tokens();
    const own = users.find((user) => user.username === this.username);
    if (!own) throw new ApiError(409, 'there is no such user');
    return own.token;
  }

  async #readHistory(connection: Connection): Promise<void> {
    const page = await connection.getHistoryMessages({ targetId: this.#peer, chatType: 'singleChat', pageSize: HISTORY });
    this.#arrived(page.messages);
    this.#set({ loaded: true });
  }

  #arrived(messages: readonly AgoraChat.MessageBody[]): void {
    const arrivals = messages
      .filter((message): message is AgoraChat.TextMsgBody => message.type === 'txt')
      .map(({ id, from, msg, time }) => ({ id: String(id), mine: from === this.username, text: msg, time: Number(time) }));
    this.#view((view) => conversation.arrived(view, arrivals));
    this.#acknowledge();
  }

  #receipt(id: string | undefined, what: conversation.Receipt): void {
    if (!id) return;
    this.#view((view) => conversation.receipt(view, String(id), what));
    this.#remember();
  }

  /** Sends the read receipts that are owed, if this person is looking. */
  #acknowledge(): void {
    const connection = this.#connection;
    if (!this.#looking || !connection || this.#state.link.state !== 'online') return;
    for (const { id } of conversation.unread(this.#state.view, this.#state.acknowledged)) {
      if (id === undefined || this.#receipting.has(id)) continue;
      this.#receipting.add(id);
      connection.send(readReceipt(this.#peer, id)).then(
        () => {
          this.#receipting.delete(id);
          this.#set({ acknowledged: new Set(this.#state.acknowledged).add(id) });
          this.#remember();
        },
        // It is owed still, and sent when the connection is back.
        () => this.#receipting.delete(id),
      );
    }
  }

  get #memoryKey(): string {
    return `stoa-demo:${this.username}`;
  }

  #remember(): void {
    const { view, acknowledged } = this.#state;
    localStorage.setItem(this.#memoryKey, store({ receipts: view.receipts, acknowledged: [...acknowledged] }));
  }

  #view(change: (view: conversation.View) => conversation.View): void {
    this.#set({ view: change(this.#state.view) });
  }

  #set(change: Partial<PersonState>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener();
  }
}

/** `demo-alice` is called Alice. */
function nameOf(username: string): string {
  const name = username.replace(/^demo-/, '');
  return name.charAt(0).toUpperCase() + name.slice(1);
}
