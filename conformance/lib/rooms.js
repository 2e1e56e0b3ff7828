// What the cases about chat rooms share: a room with texts that are searched for at the end, who is in
// it, and the events of one room.

import { heard, settled } from './groups.js';

export { everyContent, heard, settled, texts } from './groups.js';

/** The SDK's codes for refusals in rooms. */
export const ROOM_CODE = { NOT_FOUND: 705, NOT_IN: 602, NOT_JOINED: 702, FULL: 704, MUTED: 507, ALL_MUTED: 506, PERMISSION: 603, NOT_YOURS: 52, LIMIT: 50, PARAMETER: -3 };

/** An id that no room has. */
export const NO_ROOM = '999999999999999';

/**
 * Makes a room that belongs to the user, as a back end does; resolves with its id and what was said of it.
 * `app` is another app of the server than the first.
 */
export async function makeRoom(lab, owner, { app, ...options } = {}) {
  const said = { name: lab.secrets.of('room name', '房間 🎭'), description: lab.secrets.of('room description', 'Straße\n2') };
  const { rest, token } = app ? { rest: app.rest, token: app.tokens.app(600) } : { rest: lab.rest, token: lab.admin };
  const answer = await rest.call('POST', '/chatrooms', { token, json: { ...said, maxusers: 200, owner: owner.username, ...options } });
  if (answer.status !== 200) throw new Error(`a room: HTTP ${answer.status} ${answer.text}`);
  const { id } = answer.body.data;
  lab.auditor.rooms.add(id);
  return { id, ...said };
}

/** Takes a device into the room; resolves with what the SDK says of it. */
export async function join(device, id, more = {}) {
  return (await device.ask('joinChatRoom', { roomId: id, ...more })).data;
}

/** Resolves with the event of that operation in the room. */
export function roomEvent(device, operation, id, fits = () => true) {
  return device.event('onChatroomEvent', (one) => one.operation === operation && one.id === id && fits(one));
}

/** The events of that operation in the room so far. */
export function roomSeen(device, operation, id, fits = () => true) {
  return device.seen('onChatroomEvent', (one) => one.operation === operation && one.id === id && fits(one));
}

/** Takes several into the room, one after the other, each seen by `witness` before the next. */
export async function enter(id, witness, ...people) {
  for (const [user, device] of people) {
    await join(device, id);
    await roomEvent(witness, 'memberPresence', id, (one) => one.from === user.username);
  }
}

/**
 * A room of the first, with the others in it: `{id, name, description}`. The owner's device is the witness
 * of who comes in.
 */
export async function roomWith(lab, [owner, ...others], options) {
  const room = await makeRoom(lab, owner[0], options);
  await enter(room.id, owner[1], ...others);
  return room;
}

/** Sends a text to the room; resolves with its server id. */
export async function say(lab, device, id, more = {}) {
  const sent = await device.tell({ type: 'txt', chatType: 'chatRoom', to: id, msg: lab.secrets.text(), ...more });
  return sent.serverMsgId;
}

/** Tries to write to the room; resolves with the SDK's error. */
export async function silenced(lab, device, id) {
  const outcome = await device.text(id, lab.secrets.text(), { chatType: 'chatRoom' });
  if (outcome.ok) throw new Error(`a text in the room on ${device.label} was not refused`);
  return outcome.error;
}

/**
 * Waits until everything that happened in the room before has reached each of `pages`, wherever it was going to.
 * A room tells everybody in one turn and turns follow each other: when `to` has a second text, the turn of
 * the first is over for all, and what is then sent to somebody alone comes after it.
 */
export async function calm(lab, id, from, to, ...pages) {
  for (let turn = 0; turn < 2; turn += 1) await heard(to, await say(lab, from, id));
  for (const [user, page] of pages) await settled(lab, from, page, user);
}

/** Members by their role, as the SDK tells them. */
export async function membersOf(device, chatRoomId) {
  const { data } = await device.ask('getChatRoomMembers', { chatRoomId, limit: 50 });
  return Object.fromEntries(data.members.map(({ userId, role }) => [userId, role]));
}

/** What the details say of the room. */
export async function detailsOf(device, chatRoomId) {
  return (await device.ask('getChatRoomDetails', { chatRoomId })).data[0];
}

/** The ids of the room's messages, oldest first. */
export async function historyOf(device, id) {
  const { messages } = await device.ask('getHistoryMessages', { targetId: id, chatType: 'chatRoom', pageSize: 50, searchDirection: 'down' });
  return messages.map((one) => one.id);
}
