// The block list: whose messages one does not want.

import { check } from '../lib/runner.js';
import { befriend } from './contacts.js';

const BLOCKED = 603;
const list = async (device) => [...(await device.ask('getBlocklist')).data].sort();

export const tests = [
  {
    name: 'a blocked user cannot write until unblocked; the blocker can',
    covers: ['addUsersToBlocklist', 'removeUserFromBlocklist', 'getBlocklist'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b]] = await people(2);
      const answer = await b.ask('addUsersToBlocklist', { name: alice.username });
      check.deepEqual(answer.data.userIds, [alice.username]);
      check.deepEqual(await list(b), [alice.username]);
      check.deepEqual(await list(a), []);
      const hidden = await a.text(bob.username, lab.secrets.text());
      check.equal(hidden.ok, false);
      check.equal(hidden.error.type, BLOCKED, JSON.stringify(hidden.error));
      const other = await b.text(alice.username, lab.secrets.text());
      check.equal(other.ok, true, JSON.stringify(other.error));
      await a.event('onTextMessage', (one) => one.id === other.serverMsgId);
      await b.ask('removeUserFromBlocklist', { name: alice.username });
      check.deepEqual(await list(b), []);
      const shown = await a.text(bob.username, lab.secrets.text());
      await b.event('onTextMessage', (one) => one.id === shown.serverMsgId);
      check.equal(b.seen('onTextMessage').length, 1);
    },
  },
  {
    name: 'several in one call; a contact is a contact again after',
    covers: ['addUsersToBlocklist', 'removeUserFromBlocklist', 'getBlocklist'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [carol]] = await people(3);
      await befriend(lab, [alice, a], [bob, b]);
      await a.ask('addUsersToBlocklist', { name: [bob.username, carol.username] });
      check.deepEqual(await list(a), [bob.username, carol.username].sort());
      check.equal((await b.text(alice.username, lab.secrets.text())).error?.type, BLOCKED);
      await a.ask('removeUserFromBlocklist', { name: [bob.username, carol.username] });
      check.deepEqual(await list(a), []);
      check.deepEqual((await a.ask('getContacts')).data, [bob.username]);
      const sent = await b.text(alice.username, lab.secrets.text());
      await a.event('onTextMessage', (one) => one.id === sent.serverMsgId);
    },
  },
  {
    name: 'an invitation of a blocked user does not arrive',
    async run({ lab, people }) {
      const [[alice, a], [bob, b]] = await people(2);
      await b.ask('addUsersToBlocklist', { name: alice.username });
      await a.call('addContact', bob.username, lab.secrets.of('invitation text'));
      // What the server wrote for Bob before this came before it.
      await b.ask('removeUserFromBlocklist', { name: alice.username });
      const sent = await a.text(bob.username, lab.secrets.text());
      await b.event('onTextMessage', (one) => one.id === sent.serverMsgId);
      check.equal(b.seen('onContactInvited').length, 0);
    },
  },
];
