// What a class consists of, as the server tells of it (classroom contract, sections 1 and 2).

export type Tree = { readonly [name: string]: unknown };

/** Roles by number, as they stand in check-ins. */
export const ROLES = { invisible: 0, teacher: 1, student: 2, assistant: 3, observer: 4 } as const;
export type Role = keyof typeof ROLES;

/** Types of rooms by number. */
export const ROOM_TYPES = { oneToOne: 0, lecture: 2, small: 4, cloud: 10, group: 101 } as const;
export type RoomType = (typeof ROOM_TYPES)[keyof typeof ROOM_TYPES];

/** The state of a class: not started, started, over its time, closed. */
export type ClassPhase = 0 | 1 | 2 | 3;

/** A camera with a microphone, or a screen with its sound. */
export interface Stream {
  /** Its number in the room, as decimal text. */
  readonly id: string;
  readonly owner: string;
  readonly kind: 'main' | 'screen';
  /** Whether picture and sound may be published. */
  readonly video: boolean;
  readonly audio: boolean;
  /** The devices: 0 stopped, 1 started, 2 starting, -1 failed. */
  readonly camera: number;
  readonly microphone: number;
}

export interface User {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly properties: Tree;
}

/** Somebody who waits: a raised hand, or an invitation to the stage. */
export interface Waiting {
  readonly id: string;
  readonly name: string;
  readonly since: number;
}

/** All that the client knows of the room. */
export interface Room {
  readonly id: string;
  readonly name: string;
  readonly type: RoomType;
  readonly properties: Tree;
  readonly me: User;
  /** Everybody whom the server told of, by id, the own user among them. */
  readonly users: ReadonlyMap<string, User>;
  /** By number. */
  readonly streams: ReadonlyMap<string, Stream>;
  /** How many are there, as the server counts. */
  readonly total: number;
  /** Raised hands of a cloud class, which are messages and no state of the server. */
  readonly cloudHands: ReadonlyMap<string, Waiting>;
}

/** A numbered message of the room. */
export interface Frame {
  readonly cmd: number;
  readonly sequence: number;
  readonly timestamp: number;
  readonly operator?: Tree | null;
  readonly data: Tree;
  readonly list?: readonly Tree[];
}

/** Which role the words of the scene plane mean. */
export function roleOf(word: unknown): Role {
  switch (String(word)) {
    case 'host':
    case '1':
      return 'teacher';
    case 'assistant':
    case '3':
      return 'assistant';
    case 'observer':
    case '4':
      return 'observer';
    case 'invisible':
    case '0':
      return 'invisible';
    default:
      return 'student';
  }
}

export const teaches = (role: Role): boolean => role === 'teacher' || role === 'assistant';

/** Whether a role is listed and counted among those who are there. */
export const listed = (role: Role): boolean => role === 'teacher' || role === 'assistant' || role === 'student';
