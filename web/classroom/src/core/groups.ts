// Groups of a class: rooms beside its room for some of those who learn (classroom contract, sections 1.9 and 2.2).
// The room of the class says which there are and who is in which; each is entered like a room of its own.

import { listAt, numberAt, textAt, treeAt } from './tree';
import type { Room, Tree } from './types';

/** The type of a group's room. */
export const GROUP_TYPE = 101;
/** Groups at once, and students in one of them. */
export const MOST_GROUPS = 20;
export const MOST_STUDENTS = 15;

export interface Group {
  readonly id: string;
  readonly name: string;
  readonly members: readonly string[];
  /** Who was asked to come in and has not answered. */
  readonly invited: readonly string[];
}

/** A group that is not open yet. */
export interface GroupPlan {
  readonly name: string;
  readonly users: readonly string[];
}

/** That somebody is asked to come into a group. */
export interface GroupInvitation {
  readonly groupUuid: string;
  readonly groupName: string;
  readonly inviter: string;
}

const tree = (value: unknown): Tree => (typeof value === 'object' && value !== null ? (value as Tree) : {});
const users = (list: readonly unknown[]): readonly string[] => list.map((one) => textAt(tree(one), 'userUuid'));
const progress = (room: Room, id: string): readonly unknown[] => listAt(treeAt(room.properties, 'processes'), `groups-${id}.progress`);

/** The groups that are open, in their order. */
export function groupsOf(room: Room): readonly Group[] {
  const details = Object.entries(treeAt(room.properties, 'groups.details')).map(([id, said]) => ({ id, said: tree(said) }));
  details.sort((a, b) => numberAt(a.said, 'sort') - numberAt(b.said, 'sort') || a.id.localeCompare(b.id));
  return details.map(({ id, said }) => ({ id, name: textAt(said, 'groupName'), members: users(listAt(said, 'users')), invited: users(progress(room, id)) }));
}

/** The group that somebody is in. */
export const groupOf = (room: Room, user: string): Group | undefined => groupsOf(room).find(({ members }) => members.includes(user));

/** Into which group somebody is asked to come, and by whom. */
export function invitationOf(room: Room, user: string): GroupInvitation | undefined {
  for (const { id, name } of groupsOf(room)) {
    const asked = progress(room, id).map(tree).find((one) => textAt(one, 'userUuid') === user);
    if (asked) return { groupUuid: id, groupName: name, inviter: textAt(asked, 'payload.inviter') };
  }
  return undefined;
}

/** People dealt out to so many groups as evenly as it goes, in an order of chance. */
export function dealt(people: readonly string[], count: number, chance: () => number): readonly (readonly string[])[] {
  const mixed = [...people];
  for (let at = mixed.length - 1; at > 0; at -= 1) {
    const other = Math.floor(chance() * (at + 1));
    [mixed[at], mixed[other]] = [mixed[other] as string, mixed[at] as string];
  }
  return Array.from({ length: count }, (_, group) => mixed.filter((__, at) => at % count === group));
}

/** The plans with one person in the group `to`, and in no other; `to` undefined: in none. */
export function placed(plans: readonly GroupPlan[], user: string, to: number | undefined): readonly GroupPlan[] {
  return plans.map((plan, at) => {
    const others = plan.users.filter((one) => one !== user);
    return { ...plan, users: at === to ? [...others, user] : others };
  });
}
