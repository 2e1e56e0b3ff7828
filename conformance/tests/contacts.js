// Contacts: asked, accepted, declined, removed; remarks; the lists. The older user's view too.

import { check } from '../lib/runner.js';
import { settled } from '../lib/groups.js';

/** Makes two users contacts of each other, as both would. */
export async function befriend(lab, [alice, a], [bob, b]) {
  await a.ask('addContact', bob.username, lab.secrets.of('invitation text'));
  await b.event('onContactInvited', (one) => one.from === alice.username);
  await b.ask('acceptContactInvite', alice.username);
  await a.event('onContactAgreed', (one) => one.from === bob.username);
}

const names = async (device) => (await device.ask('getContacts')).data;

export const tests = [
  {
    name: 'an invitation with its text is accepted, and both are contacts then',
    covers: ['addContact', 'acceptContactInvite', 'getContacts', 'event:onContactInvited', 'event:onContactAgreed', 'event:onContactAdded'],
    async run({ lab, people, another }) {
      const [[alice, a1], [bob, b1]] = await people(2);
      const [a2, b2] = [await another(alice), await another(bob)];
      const reason = lab.secrets.of('invitation text', 'hi 👋');
      await a1.ask('addContact', bob.username, reason);
      for (const page of [b1, b2]) {
        const asked = await page.event('onContactInvited');
        check.equal(asked.from, alice.username);
        check.equal(asked.to, bob.username);
        check.equal(asked.status, reason);
      }
      check.deepEqual(await names(a1), []);
      check.deepEqual(await names(b1), []);
      await b1.ask('acceptContactInvite', alice.username);
      for (const page of [a1, a2]) check.equal((await page.event('onContactAgreed')).from, bob.username);
      for (const page of [a1, b2]) await page.event('onContactAdded');
      check.deepEqual(await names(a1), [bob.username]);
      check.deepEqual(await names(b2), [alice.username]);
    },
  },
  {
    name: 'an invitation is declined, and nothing comes of it',
    covers: ['declineContactInvite', 'event:onContactRefuse'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b]] = await people(2);
      await a.ask('addContact', bob.username, lab.secrets.of('invitation text'));
      await b.event('onContactInvited');
      await b.ask('declineContactInvite', alice.username);
      const told = await a.event('onContactRefuse');
      check.equal(told.from, bob.username);
      check.equal(told.to, alice.username);
      for (const page of [a, b]) check.deepEqual(await names(page), []);
      // Declined is over: it cannot be accepted afterwards.
      await b.refused('acceptContactInvite', alice.username);
      check.deepEqual(await names(a), []);
    },
  },
  {
    name: 'a removed contact is gone on both sides, and both are told',
    covers: ['deleteContact', 'event:onContactDeleted'],
    async run({ lab, people, another }) {
      const [[alice, a1], [bob, b]] = await people(2);
      const a2 = await another(alice);
      await befriend(lab, [alice, a1], [bob, b]);
      await a1.ask('deleteContact', bob.username);
      const told = await b.event('onContactDeleted');
      check.equal(told.from, alice.username);
      await a2.event('onContactDeleted');
      check.deepEqual(await names(a1), []);
      check.deepEqual(await names(b), []);
      check.equal(a1.seen('onContactDeleted').length, 0);
    },
  },
  {
    name: 'a remark is one\'s own: it is in the lists of its writer only',
    covers: ['setContactRemark', 'getAllContacts', 'getContactsWithCursor'],
    async run({ lab, people }) {
      const all = await people(4);
      const [[alice, a], [bob, b]] = all;
      for (const one of all.slice(1)) await befriend(lab, [alice, a], one);
      const remark = lab.secrets.of('remark', 'the tall one 🦒');
      await a.ask('setContactRemark', { userId: bob.username, remark });
      const contacts = (await a.ask('getAllContacts')).data;
      check.deepEqual(contacts.map(({ userId }) => userId).sort(), all.slice(1).map(([user]) => user.username).sort());
      check.equal(contacts.find(({ userId }) => userId === bob.username).remark, remark);
      check.deepEqual((await b.ask('getAllContacts')).data.map(({ userId, remark: theirs }) => [userId, theirs || '']), [[alice.username, '']]);
      const paged = [];
      let cursor = '';
      do {
        const { data } = await a.ask('getContactsWithCursor', { pageSize: 2, cursor });
        check.ok(data.contacts.length <= 2 && paged.length <= 3);
        paged.push(...data.contacts);
        cursor = data.cursor;
      } while (cursor);
      check.deepEqual(paged.map(({ userId }) => userId).sort(), contacts.map(({ userId }) => userId).sort());
      check.equal(paged.find(({ userId }) => userId === bob.username).remark, remark);
      // No contact, no remark; too long, no remark.
      const stranger = await lab.user();
      check.equal((await a.refused('setContactRemark', { userId: stranger.username, remark: 'x' })).type, 221);
      check.equal((await a.refused('setContactRemark', { userId: bob.username, remark: 'r'.repeat(101) })).type, 50);
    },
  },
  {
    name: 'an invitation and its answer wait for who is away',
    async run({ lab, people, device }) {
      const [[alice, a]] = await people(1);
      const bob = await lab.user();
      const reason = lab.secrets.of('invitation text');
      await a.ask('addContact', bob.username, reason);
      await a.close();
      await a.event('onDisconnected');
      const b = await device();
      await lab.login(b, bob);
      check.equal((await b.event('onContactInvited')).status, reason);
      await b.ask('acceptContactInvite', alice.username);
      await lab.login(a, alice);
      await a.event('onContactAgreed', (one) => one.from === bob.username);
      check.deepEqual(await names(a), [bob.username]);
    },
  },
  {
    name: 'nobody is invited who is not there, and nobody accepts what was not asked',
    covers: ['addContact'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b]] = await people(2);
      check.equal((await a.refused('addContact', lab.secrets.name(), 'x')).type, 204);
      await b.refused('acceptContactInvite', alice.username);
      await a.refused('addContact', alice.username, 'me');
      await settled(lab, a, b, bob);
      check.equal(b.seen('onContactInvited').length, 0);
      check.deepEqual(await names(b), []);
    },
  },
];
