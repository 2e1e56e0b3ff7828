// The chat of a class: a chat room of the vendor's SDK, which stands in the page as a script of its own. A group has a
// chat room, too, into which one goes and from which one comes back over the same connection.

import type { AgoraChat, AgoraChatStatic } from 'agora-chat';
import type { Role } from './types';
import { roleOf } from './types';

export interface ChatMessage {
  /** Ours while it is on its way, the server's once it is there. */
  readonly key: string;
  readonly from: string;
  readonly name: string;
  readonly role: Role;
  readonly mine: boolean;
  readonly text: string;
  readonly at: number;
  readonly state: 'sending' | 'sent' | 'failed';
  /** The id of the chat room in which it stands. */
  readonly room: string;
  /** Said by those who teach in all groups at once. */
  readonly toAll: boolean;
}

export interface ChatState {
  /** `off`: the class has no chat, or the page no SDK. */
  readonly link: 'off' | 'connecting' | 'online' | 'away' | 'refused';
  readonly messages: readonly ChatMessage[];
}

export interface ChatPlace {
  readonly appKey: string;
  /** The user's name in chat. */
  readonly user: string;
  readonly base: string;
}

/** A chat room, and the room whose it is. */
export interface ChatRoom {
  readonly roomId: string;
  readonly roomUuid: string;
}

export interface ChatSelf {
  readonly name: string;
  readonly role: string;
  /** The user's name in the class. */
  readonly id: string;
}

/** Characters of a message, messages that are kept, and those that are read back. */
export const CHAT_CHARS = 300;
const KEPT = 1000;
const HISTORY = 50;
const CODE_TOKEN = new Set([28, 56]);

/** Messages with `more` in their places, each once, the oldest first. */
export function merged(messages: readonly ChatMessage[], more: readonly ChatMessage[]): readonly ChatMessage[] {
  const known = new Map(messages.map((message) => [message.key, message]));
  for (const message of more) if (!known.has(message.key)) known.set(message.key, message);
  return [...known.values()].sort((a, b) => a.at - b.at).slice(-KEPT);
}

export class ClassChat {
  readonly #sdk: AgoraChatStatic;
  readonly #place: ChatPlace;
  readonly #self: ChatSelf;
  readonly #token: () => string;
  readonly #home: ChatRoom;
  #room: ChatRoom;
  /** What was said, by chat room. */
  readonly #kept = new Map<string, readonly ChatMessage[]>();
  /** What comes in is told here, as it comes. */
  readonly #heard: (message: ChatMessage) => void;
  readonly #listeners = new Set<() => void>();
  #connection: AgoraChat.Connection | undefined;
  #state: ChatState = { link: 'connecting', messages: [] };
  #stopped = false;
  #attempt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(sdk: AgoraChatStatic, place: ChatPlace, home: ChatRoom, self: ChatSelf, token: () => string, heard: (message: ChatMessage) => void = () => {}) {
    this.#sdk = sdk;
    this.#home = home;
    this.#room = home;
    this.#heard = heard;
    this.#place = place;
    this.#self = self;
    this.#token = token;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly snapshot = (): ChatState => this.#state;

  start(): void {
    void this.#come();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#drop();
  }

  /** Goes into the chat room of a group, or with nothing back into that of the class. */
  visit(room: ChatRoom = this.#home): void {
    if (room.roomId === this.#room.roomId) return;
    this.#room = room;
    this.#set({ messages: this.#kept.get(room.roomId) ?? [] });
    const connection = this.#connection;
    if (connection && this.#state.link === 'online') void this.#into(connection, room).catch(() => this.#later());
  }

  /** Comes into a chat room and reads what was said there. */
  async #into(connection: AgoraChat.Connection, { roomId }: ChatRoom): Promise<void> {
    await connection.joinChatRoom({ roomId });
    if (this.#connection !== connection) return;
    if (roomId === this.#room.roomId) this.#set({ link: 'online' });
    const page = await connection.getHistoryMessages({ targetId: roomId, chatType: 'chatRoom', pageSize: HISTORY }).catch(() => undefined);
    if (page) this.#arrived(page.messages);
  }

  /** Into the chat room of the class, and of the group that one is in. */
  async #intoAll(connection: AgoraChat.Connection): Promise<void> {
    await this.#into(connection, this.#home);
    if (this.#room.roomId !== this.#home.roomId) await this.#into(connection, this.#room);
  }

  /** The class goes on with another token. */
  renew(): void {
    void this.#connection?.renewToken(this.#token()).catch(() => {});
  }

  #drop(): void {
    this.#connection?.removeEventHandler('class');
    this.#connection?.close();
    this.#connection = undefined;
  }

  async #come(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    this.#drop();
    const { appKey, base, user } = this.#place;
    try {
      const { connection: SdkConnection, logger } = this.#sdk;
      logger.disableAll();
      const connection = new SdkConnection({ appKey, isHttpDNS: false, url: `${base.replace(/^http/, 'ws')}/ws`, apiUrl: base });
      this.#connection = connection;
      connection.addEventHandler('class', this.#handlers());
      await connection.open({ user, accessToken: this.#token() });
      await this.#intoAll(connection);
      if (this.#connection === connection) this.#attempt = 0;
    } catch (error) {
      if (this.#stopped) return;
      const code = (error as { type?: unknown } | null)?.type;
      if (typeof code === 'number' && !CODE_TOKEN.has(code) && this.#attempt >= 3) this.#set({ link: 'refused' });
      else this.#later();
    }
  }

  #later(): void {
    if (this.#stopped) return;
    this.#set({ link: 'away' });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#come(), Math.min(15_000, 1000 * 2 ** this.#attempt));
    this.#attempt += 1;
  }

  #handlers(): AgoraChat.EventHandlerType {
    return {
      onConnected: () => {
        if (this.#state.link === 'away') void this.#back();
      },
      onReconnecting: () => this.#set({ link: 'away' }),
      onDisconnected: () => {
        if (this.#state.link !== 'connecting') this.#later();
      },
      onTextMessage: (message) => {
        for (const one of this.#arrived([message])) if (!one.mine) this.#heard(one);
      },
      onTokenExpired: () => this.#later(),
    };
  }

  /** The SDK has found its way back by itself: what was said meanwhile is read. */
  async #back(): Promise<void> {
    const connection = this.#connection;
    try {
      if (connection) await this.#intoAll(connection);
    } catch {
      this.#later();
    }
  }

  send(text: string): void {
    const said = text.trim().slice(0, CHAT_CHARS);
    if (!said) return;
    const { name, role } = this.#self;
    const message: ChatMessage = { key: crypto.randomUUID(), from: this.#place.user, name, role: roleOf(role), mine: true, text: said, at: Date.now(), state: 'sending', room: this.#room.roomId, toAll: false };
    this.#add(message.room, [message]);
    void this.#transmit(message);
  }

  retry(key: string): void {
    const message = this.#state.messages.find((one) => one.key === key && one.state === 'failed');
    if (!message) return;
    this.#replace(message.room, key, { state: 'sending' });
    void this.#transmit(message);
  }

  async #transmit({ key, text, room: roomId }: ChatMessage): Promise<void> {
    const { roomUuid } = roomId === this.#home.roomId ? this.#home : this.#room;
    const { name, role, id } = this.#self;
    try {
      if (!this.#connection || this.#state.link !== 'online') throw new Error('offline');
      const ext = { msgtype: 0, roomUuid, nickName: name, role, userUuid: id };
      const sent = await this.#connection.send(this.#sdk.message.create({ type: 'txt', chatType: 'chatRoom', to: roomId, msg: text, ext }));
      this.#replace(roomId, key, { state: 'sent', key: String(sent.serverMsgId) });
    } catch {
      this.#replace(roomId, key, { state: 'failed' });
    }
  }

  #replace(room: string, key: string, change: Partial<ChatMessage>): void {
    const after = (this.#kept.get(room) ?? []).map((message) => (message.key === key ? { ...message, ...change } : message));
    // It may have come back from the server already.
    const once = new Map(after.map((message) => [message.key, message]));
    this.#keep(room, [...once.values()]);
  }

  #add(room: string, more: readonly ChatMessage[]): void {
    this.#keep(room, merged(this.#kept.get(room) ?? [], more));
  }

  #keep(room: string, messages: readonly ChatMessage[]): void {
    this.#kept.set(room, messages);
    if (room === this.#room.roomId) this.#set({ messages });
  }

  /** Takes texts, and gives them as they are kept. */
  #arrived(messages: readonly AgoraChat.MessageBody[]): readonly ChatMessage[] {
    const { user } = this.#place;
    const rooms = [...new Set([this.#home.roomId, this.#room.roomId])];
    const more = messages
      .filter((message): message is AgoraChat.TextMsgBody => message.type === 'txt' && rooms.includes(message.to))
      .map(({ id, from = '', to, msg, time, ext }): ChatMessage => {
        const said = (ext ?? {}) as { nickName?: unknown; role?: unknown; range?: unknown };
        const name = typeof said.nickName === 'string' ? said.nickName.slice(0, 64) : from;
        return { key: String(id), from, name, role: roleOf(said.role), mine: from === user, text: msg, at: Number(time), state: 'sent', room: to, toAll: Number(said.range) >= 2 };
      });
    for (const room of rooms) {
      const here = more.filter((message) => message.room === room);
      if (here.length > 0) this.#add(room, here);
    }
    return more;
  }

  #set(change: Partial<ChatState>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener();
  }
}
