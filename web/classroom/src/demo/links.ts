// The links of a demo class. What they say stands behind `#`, which a browser sends to nobody.

import type { Role } from '../core/types';
import { ROLES } from '../core/types';

/** A class that the server has made. */
export interface DemoClass {
  readonly appId: string;
  readonly roomUuid: string;
  readonly roomName: string;
  readonly roomType: number;
}

/** Somebody of the demo. */
export interface DemoPerson {
  readonly userUuid: string;
  readonly userName: string;
  readonly role: Role;
}

export const PEOPLE: readonly DemoPerson[] = [
  { userUuid: 'teacher', userName: 'Tina', role: 'teacher' },
  { userUuid: 'student-sam', userName: 'Sam', role: 'student' },
  { userUuid: 'student-mei', userName: 'Mei', role: 'student' },
  { userUuid: 'student-noor', userName: 'Noor', role: 'student' },
  { userUuid: 'assistant', userName: 'Ada', role: 'assistant' },
  { userUuid: 'observer', userName: 'Otto', role: 'observer' },
];

/** What a link says. */
export interface Ticket extends DemoPerson {
  readonly roomUuid: string;
  readonly roomName: string;
  readonly roomType: number;
  readonly language: string;
  readonly uiMode: string;
  /** Whether the devices are checked first. */
  readonly pretest: boolean;
}

export function linkFor({ roomUuid, roomName, roomType }: DemoClass, { userUuid, userName, role }: DemoPerson, looks: { readonly language: string; readonly uiMode: string }): string {
  const said = new URLSearchParams({ room: roomUuid, title: roomName, type: String(roomType), user: userUuid, name: userName, role: String(ROLES[role]), lang: looks.language, mode: looks.uiMode });
  return `/classroom/room#${said}`;
}

export function ticketIn(fragment: string): Ticket | undefined {
  const said = new URLSearchParams(fragment.replace(/^#/, ''));
  const text = (name: string): string => said.get(name) ?? '';
  const role = (Object.keys(ROLES) as Role[]).find((known) => String(ROLES[known]) === text('role'));
  if (!role || !text('room') || !text('user') || !text('type')) return undefined;
  return {
    roomUuid: text('room'),
    roomName: text('title') || text('room'),
    roomType: Number(text('type')),
    userUuid: text('user'),
    userName: text('name') || text('user'),
    role,
    language: text('lang') || 'en',
    uiMode: text('mode') === 'dark' ? 'dark' : 'light',
    pretest: text('check') !== '0',
  };
}
