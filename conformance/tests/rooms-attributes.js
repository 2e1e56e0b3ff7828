// Attributes of a room: set by members, one or several at a time, their own or by force, and gone with
// who set them.

import { enter, join, makeRoom, NO_ROOM, ROOM_CODE, roomEvent, roomSeen, roomWith } from '../lib/rooms.js';
import { check } from '../lib/runner.js';

const BATCH = 10;
const MOST = 100;

const value = (lab, words) => lab.secrets.of('room attribute', words);
const key = (lab) => lab.secrets.of('room attribute key');
const of = async (device, chatRoomId, attributeKeys) => (await device.ask('getChatRoomAttributes', { chatRoomId, ...(attributeKeys && { attributeKeys }) })).data;

export const tests = [
  {
    name: 'several at once: read by all members, told to the others and to one\'s other device, and taken away',
    covers: [
      'setChatRoomAttributes',
      'getChatRoomAttributes',
      'removeChatRoomAttributes',
      'event:onChatroomEvent/updateChatRoomAttributes',
      'event:onChatroomEvent/removeChatRoomAttributes',
    ],
    async run({ lab, people, another }) {
      const [[alice, a], [bob, b1], [carol, c], [, stranger]] = await people(4);
      const b2 = await another(bob);
      const { id } = await roomWith(lab, [[alice, a], [bob, b1], [carol, c]]);
      check.deepEqual(await of(c, id), {});
      const [one, two, three] = [key(lab), key(lab), key(lab)];
      const attributes = { [one]: value(lab, 'Straße 😀\n"x"'), [two]: value(lab), [three]: value(lab) };
      const { data } = await b1.ask('setChatRoomAttributes', { chatRoomId: id, attributes });
      check.equal(data.status, 'success');
      check.deepEqual([...data.successKeys].sort(), Object.keys(attributes).sort());
      check.deepEqual(data.errorKeys, {});
      for (const page of [a, c, b2]) {
        const told = await roomEvent(page, 'updateChatRoomAttributes', id);
        check.equal(told.from, bob.username);
        check.deepEqual(told.attributes, attributes);
      }
      for (const page of [a, b1, c]) check.deepEqual(await of(page, id), attributes);
      check.deepEqual(await of(c, id, [two]), { [two]: attributes[two] });
      check.deepEqual(await of(c, id, [two, 'none']), { [two]: attributes[two] });
      check.equal((await stranger.refused('getChatRoomAttributes', { chatRoomId: id })).type, ROOM_CODE.NOT_JOINED);
      // Changed by who set it.
      const changed = value(lab);
      await b1.ask('setChatRoomAttributes', { chatRoomId: id, attributes: { [one]: changed } });
      check.deepEqual((await roomEvent(c, 'updateChatRoomAttributes', id, ({ attributes: given }) => given[one] === changed)).attributes, { [one]: changed });
      const removed = (await b1.ask('removeChatRoomAttributes', { chatRoomId: id, attributeKeys: [one, two, 'none'] })).data;
      check.deepEqual(removed.successKeys.filter((name) => name !== 'none').sort(), [one, two].sort());
      for (const page of [a, c, b2]) {
        const told = await roomEvent(page, 'removeChatRoomAttributes', id);
        check.equal(told.from, bob.username);
        check.deepEqual(told.attributes.filter((name) => name !== 'none').sort(), [one, two].sort());
      }
      check.deepEqual(await of(a, id), { [three]: attributes[three] });
      // The owner's are told to others as well.
      await a.ask('setChatRoomAttributes', { chatRoomId: id, attributes: { [one]: value(lab) } });
      await roomEvent(b1, 'updateChatRoomAttributes', id, (told) => told.from === alice.username);
      check.equal(stranger.seen('onChatroomEvent').length, 0);
    },
  },
  {
    name: 'one at a time; what another set is out of reach, unless by force',
    covers: ['setChatRoomAttribute', 'removeChatRoomAttribute', 'setChatRoomAttributes', 'removeChatRoomAttributes', 'event:onChatroomEvent/updateChatRoomAttributes'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [carol, c]] = await people(3);
      const { id } = await roomWith(lab, [[alice, a], [bob, b], [carol, c]]);
      const attributeKey = key(lab);
      const his = value(lab);
      const at = { chatRoomId: id, attributeKey };
      await b.ask('setChatRoomAttribute', { ...at, attributeValue: his });
      check.deepEqual((await roomEvent(c, 'updateChatRoomAttributes', id)).attributes, { [attributeKey]: his });
      check.equal((await c.refused('setChatRoomAttribute', { ...at, attributeValue: 'taken' })).type, ROOM_CODE.NOT_YOURS);
      check.equal((await c.refused('removeChatRoomAttribute', at)).type, ROOM_CODE.NOT_YOURS);
      // Of several, what can be done is done, and the rest is named.
      const own = key(lab);
      const mine = value(lab);
      const some = (await c.ask('setChatRoomAttributes', { chatRoomId: id, attributes: { [attributeKey]: 'taken', [own]: mine } })).data;
      check.equal(some.status, 'fail');
      check.deepEqual(some.successKeys, [own]);
      check.deepEqual(Object.keys(some.errorKeys), [attributeKey]);
      check.match(some.errorKeys[attributeKey], /is not part of you/);
      check.deepEqual((await roomEvent(b, 'updateChatRoomAttributes', id, (told) => told.from === carol.username)).attributes, { [own]: mine });
      check.deepEqual(await of(b, id), { [attributeKey]: his, [own]: mine });
      const left = (await c.ask('removeChatRoomAttributes', { chatRoomId: id, attributeKeys: [attributeKey] })).data;
      check.equal(left.status, 'fail');
      check.deepEqual(left.successKeys, []);
      // By force it changes hands.
      const forced = value(lab);
      await c.ask('setChatRoomAttribute', { ...at, attributeValue: forced, isForced: true });
      check.deepEqual((await roomEvent(b, 'updateChatRoomAttributes', id, ({ attributes }) => attributes[attributeKey] === forced)).from, carol.username);
      check.equal((await b.refused('setChatRoomAttribute', { ...at, attributeValue: 'back' })).type, ROOM_CODE.NOT_YOURS);
      await c.ask('setChatRoomAttribute', { ...at, attributeValue: value(lab) });
      await b.ask('removeChatRoomAttribute', { ...at, isForced: true });
      check.deepEqual((await roomEvent(c, 'removeChatRoomAttributes', id)).attributes, [attributeKey]);
      check.deepEqual(await of(a, id), { [own]: mine });
      const batch = { [own]: value(lab), [key(lab)]: value(lab) };
      check.equal((await b.ask('setChatRoomAttributes', { chatRoomId: id, attributes: batch, isForced: true })).data.status, 'success');
      check.deepEqual(await of(a, id), batch);
      check.equal((await a.ask('removeChatRoomAttributes', { chatRoomId: id, attributeKeys: Object.keys(batch), isForced: true })).data.status, 'success');
      check.deepEqual(await of(a, id), {});
      await c.ask('removeChatRoomAttribute', { ...at, isForced: true }).catch((error) => check.match(error.message, /"type":\d+/));
    },
  },
  {
    name: 'what its setter wants gone with him goes when he leaves, is removed or is blocked; the rest stays',
    covers: ['setChatRoomAttributes', 'event:onChatroomEvent/removeChatRoomAttributes', 'leaveChatRoom', 'removeChatRoomMember', 'blockChatRoomMember'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [carol, c]] = await people(3);
      const { id } = await roomWith(lab, [[alice, a], [carol, c]]);
      const going = [
        () => b.ask('leaveChatRoom', { roomId: id }),
        () => a.ask('removeChatRoomMember', { chatRoomId: id, username: bob.username }),
        () => a.ask('blockChatRoomMember', { chatRoomId: id, username: bob.username }),
      ];
      const kept = {};
      for (const go of going) {
        await enter(id, c, [bob, b]);
        const [goes, stays] = [key(lab), key(lab)];
        kept[stays] = value(lab);
        // Gone with him is what happens if nothing is said.
        await b.ask('setChatRoomAttributes', { chatRoomId: id, attributes: { [goes]: value(lab) } });
        await b.ask('setChatRoomAttributes', { chatRoomId: id, attributes: { [stays]: kept[stays] }, autoDelete: false });
        await roomEvent(c, 'updateChatRoomAttributes', id, ({ attributes }) => stays in attributes);
        const absences = roomSeen(c, 'memberAbsence', id).length;
        await go();
        for (const page of [a, c]) {
          const told = await roomEvent(page, 'removeChatRoomAttributes', id, ({ attributes }) => attributes.includes(goes));
          check.deepEqual(told.attributes, [goes]);
          check.equal(told.from, bob.username);
        }
        check.deepEqual(await of(a, id), kept);
        await c.several('onChatroomEvent', absences + 1, (one) => one.operation === 'memberAbsence' && one.id === id);
      }
      check.equal(roomSeen(c, 'removeChatRoomAttributes', id).length, 3);
    },
  },
  {
    name: 'what breaks the limits is refused with a reason, and changes nothing',
    covers: ['setChatRoomAttribute', 'setChatRoomAttributes'],
    async run({ lab, people }) {
      const [[alice, a], [, b]] = await people(2);
      const { id } = await makeRoom(lab, alice);
      await join(b, id);
      const set = (attributeKey, attributeValue) => b.call('setChatRoomAttribute', { chatRoomId: id, attributeKey, attributeValue });
      const wrongs = [['not legal', 'v', [ROOM_CODE.PARAMETER]], ['ключ', 'v', [ROOM_CODE.PARAMETER]], ['k'.repeat(129), 'v', [ROOM_CODE.PARAMETER, ROOM_CODE.LIMIT]], ['long', 'v'.repeat(4_097), [ROOM_CODE.PARAMETER, ROOM_CODE.LIMIT]]];
      for (const [attributeKey, attributeValue, types] of wrongs) {
        const outcome = await set(attributeKey, attributeValue);
        check.equal(outcome.ok, false, `${attributeKey.slice(0, 10)} was taken`);
        check.ok(types.includes(outcome.error.type), `${attributeKey.slice(0, 10)}: ${JSON.stringify(outcome.error)}`);
      }
      check.equal((await set(`Az_.-${'k'.repeat(123)}`, 'v'.repeat(4_096))).ok, true);
      const eleven = await b.call('setChatRoomAttributes', { chatRoomId: id, attributes: Object.fromEntries(Array.from({ length: BATCH + 1 }, (_, at) => [`batch-${at}`, 'v'])) });
      check.equal(eleven.ok && eleven.result.data.status === 'success', false, 'more than ten at once were taken');
      check.equal(Object.keys(await of(a, id)).length, 1);
      for (let full = 1; full < MOST; ) {
        const count = Math.min(BATCH, MOST - full);
        const attributes = Object.fromEntries(Array.from({ length: count }, (_, at) => [`key-${full + at}`, 'v']));
        check.equal((await a.ask('setChatRoomAttributes', { chatRoomId: id, attributes })).data.status, 'success');
        full += count;
      }
      check.equal(Object.keys(await of(b, id)).length, MOST);
      const more = await set('one-more', 'v');
      check.equal(more.ok, false, 'more than a hundred were taken');
      check.equal(more.error.type, ROOM_CODE.LIMIT, JSON.stringify(more.error));
      // What is there can be changed still, and there is room again after one is gone.
      check.equal((await a.ask('setChatRoomAttributes', { chatRoomId: id, attributes: { 'key-5': 'w' } })).data.status, 'success');
      await a.ask('removeChatRoomAttribute', { chatRoomId: id, attributeKey: 'key-5' });
      check.equal((await set('one-more', 'v')).ok, true);
      const nowhere = await b.call('setChatRoomAttributes', { chatRoomId: NO_ROOM, attributes: { a: 'v' } });
      check.equal(nowhere.ok && nowhere.result.data.status === 'success', false);
    },
  },
];
