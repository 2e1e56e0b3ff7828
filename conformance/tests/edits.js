// Messages that are taken back, and messages that are changed.

import { groupEvent, heard, makeGroup, say, settled } from '../lib/groups.js';
import { check } from '../lib/runner.js';

const CODE = { NOT_FOUND: 1302, PERMISSION: 603, LIMIT: 50 };
const EDITS = 10;

const history = async (device, targetId, chatType = 'singleChat') => (await device.ask('getHistoryMessages', { targetId, chatType, pageSize: 50, searchDirection: 'down' })).messages;

export const tests = [
  {
    name: 'a recalled message is taken back from the peer, from one\'s other device and from history',
    covers: ['recallMessage', 'event:onRecallMessage'],
    async run({ lab, people, another }) {
      const [[alice, a1], [bob, b]] = await people(2);
      const a2 = await another(alice);
      const kept = await a1.text(bob.username, lab.secrets.text());
      const sent = await a1.text(bob.username, lab.secrets.text());
      await b.event('onTextMessage', (one) => one.id === sent.serverMsgId);
      const ext = lab.secrets.of('recall ext');
      await a1.ask('recallMessage', { mid: sent.serverMsgId, to: bob.username, chatType: 'singleChat', ext });
      for (const page of [b, a2]) {
        const told = await page.event('onRecallMessage', (one) => one.mid === sent.serverMsgId);
        check.equal(told.from, alice.username);
        check.equal(told.to, bob.username);
        check.equal(told.ext, ext);
      }
      for (const [page, peer] of [[a1, bob], [b, alice]]) check.deepEqual((await history(page, peer.username)).map((one) => one.id), [kept.serverMsgId]);
      check.equal(a1.seen('onRecallMessage').length, 0);
    },
  },
  {
    name: 'what is recalled before it was fetched is never seen',
    covers: ['recallMessage'],
    async run({ lab, people, device }) {
      const [[alice, a]] = await people(1);
      const bob = await lab.user();
      const gone = await a.text(bob.username, lab.secrets.text());
      await a.ask('recallMessage', { mid: gone.serverMsgId, to: bob.username, chatType: 'singleChat' });
      const kept = await a.text(bob.username, lab.secrets.text());
      const b = await device();
      await lab.login(b, bob);
      await b.event('onTextMessage', (one) => one.id === kept.serverMsgId);
      check.equal(b.seen('onTextMessage').length, 1);
      check.deepEqual((await history(b, alice.username)).map((one) => one.id), [kept.serverMsgId]);
    },
  },
  {
    name: 'in a group it is taken back from every member',
    covers: ['recallMessage', 'event:onRecallMessage'],
    async run({ lab, people }) {
      const [[, a], [bob, b], [carol, c]] = await people(3);
      const group = await makeGroup(lab, a, { members: [bob.username, carol.username] });
      await groupEvent(c, 'directJoined', group.id);
      const id = await say(lab, b, group.id);
      for (const page of [a, c]) await heard(page, id);
      await b.ask('recallMessage', { mid: id, to: group.id, chatType: 'groupChat' });
      for (const page of [a, c]) {
        const told = await page.event('onRecallMessage', (one) => one.mid === id);
        check.equal(told.from, bob.username);
        check.equal(told.to, group.id);
        check.deepEqual((await history(page, group.id, 'groupChat')).map((one) => one.id), []);
      }
    },
  },
  {
    name: 'nobody recalls another\'s message, or one that is not there',
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [, c]] = await people(3);
      const sent = await a.text(bob.username, lab.secrets.text());
      await b.event('onTextMessage', (one) => one.id === sent.serverMsgId);
      for (const [page, to] of [[b, alice], [c, bob], [c, alice]]) await page.refused('recallMessage', { mid: sent.serverMsgId, to: to.username, chatType: 'singleChat' });
      await a.refused('recallMessage', { mid: '123456789012345678', to: bob.username, chatType: 'singleChat' });
      await settled(lab, a, b, bob);
      check.equal(a.seen('onRecallMessage').length + b.seen('onRecallMessage').length, 0);
      check.equal((await history(b, alice.username))[0].id, sent.serverMsgId);
    },
  },
  {
    name: 'an edited text reaches the peer and one\'s other device, and history shows it as it is now',
    covers: ['modifyMessage', 'event:onModifiedMessage'],
    async run({ lab, people, another }) {
      const [[alice, a1], [bob, b]] = await people(2);
      const a2 = await another(alice);
      const ext = { note: lab.secrets.text() };
      const sent = await a1.text(bob.username, lab.secrets.text(), { ext });
      await b.event('onTextMessage', (one) => one.id === sent.serverMsgId);
      const msg = lab.secrets.text('better ✍️');
      const edited = await a1.modify(sent.serverMsgId, { type: 'txt', to: bob.username, msg });
      check.equal(edited.ok, true, JSON.stringify(edited.error));
      check.equal(edited.result.message.modifiedInfo.operationCount, 1);
      for (const page of [b, a2]) {
        const told = await page.event('onModifiedMessage', (one) => one.id === sent.serverMsgId);
        check.equal(told.msg, msg);
        check.equal(told.from, alice.username);
        check.equal(told.to, bob.username);
        check.equal(told.chatType, 'singleChat');
        check.equal(told.modifiedInfo.operatorId, alice.username);
        check.equal(told.modifiedInfo.operationCount, 1);
        check.ok(Math.abs(Number(told.modifiedInfo.operationTime) - Date.now()) < 120_000);
      }
      for (const [page, peer] of [[a1, bob], [b, alice]]) {
        const [kept] = await history(page, peer.username);
        check.equal(kept.msg, msg);
        check.equal(kept.modifiedInfo.operationCount, 1);
        check.equal(kept.time, sent.message.time);
        check.deepEqual(kept.ext, ext);
      }
      check.equal(a1.seen('onModifiedMessage').length, 0);
    },
  },
  {
    name: 'an edit may change the ext too, and a recipient who was away gets the message as it is',
    covers: ['modifyMessage'],
    async run({ lab, people, device }) {
      const [[, a]] = await people(1);
      const bob = await lab.user();
      const sent = await a.text(bob.username, lab.secrets.text(), { ext: { old: true } });
      const ext = { now: lab.secrets.text() };
      const msg = lab.secrets.text();
      check.equal((await a.modify(sent.serverMsgId, { type: 'txt', to: bob.username, msg, ext })).ok, true);
      const b = await device();
      await lab.login(b, bob);
      const got = await Promise.race([
        b.event('onModifiedMessage', (one) => one.id === sent.serverMsgId),
        b.event('onTextMessage', (one) => one.id === sent.serverMsgId && one.msg === msg),
      ]);
      check.equal(got.msg, msg);
      check.deepEqual(got.ext, ext);
    },
  },
  {
    name: 'in a group every member sees the edit, of custom messages too',
    covers: ['modifyMessage', 'event:onModifiedMessage'],
    async run({ lab, people }) {
      const [[, a], [bob, b], [carol, c]] = await people(3);
      const group = await makeGroup(lab, a, { members: [bob.username, carol.username] });
      await groupEvent(c, 'directJoined', group.id);
      const id = await say(lab, b, group.id);
      await heard(c, id);
      const msg = lab.secrets.text();
      check.equal((await b.modify(id, { type: 'txt', chatType: 'groupChat', to: group.id, msg })).ok, true);
      for (const page of [a, c]) {
        const told = await page.event('onModifiedMessage', (one) => one.id === id);
        check.equal(told.msg, msg);
        check.equal(told.from, bob.username);
        check.equal(told.to, group.id);
        check.equal(told.chatType, 'groupChat');
      }
      const custom = await b.tell({ type: 'custom', chatType: 'groupChat', to: group.id, customEvent: lab.secrets.name('event'), customExts: { a: '1' } });
      const customEvent = lab.secrets.name('event');
      check.equal((await b.modify(custom.serverMsgId, { type: 'custom', chatType: 'groupChat', to: group.id, customEvent, customExts: { a: '2' } })).ok, true);
      const told = await c.event('onModifiedMessage', (one) => one.id === custom.serverMsgId);
      check.equal(told.customEvent, customEvent);
      check.deepEqual(told.customExts, { a: '2' });
    },
  },
  {
    name: 'ten edits are taken and no more; nobody edits another\'s message or one that is not there',
    async run({ lab, people }) {
      const [[alice, a], [bob, b]] = await people(2);
      const sent = await a.text(bob.username, lab.secrets.text());
      await b.event('onTextMessage', (one) => one.id === sent.serverMsgId);
      const theirs = await b.modify(sent.serverMsgId, { type: 'txt', to: alice.username, msg: lab.secrets.text() });
      check.equal(theirs.ok, false);
      check.equal(theirs.error.type, CODE.PERMISSION, JSON.stringify(theirs.error));
      for (let count = 1; count <= EDITS; count += 1) check.equal((await a.modify(sent.serverMsgId, { type: 'txt', to: bob.username, msg: lab.secrets.text() })).ok, true);
      const last = await b.event('onModifiedMessage', (one) => one.modifiedInfo.operationCount === EDITS);
      const more = await a.modify(sent.serverMsgId, { type: 'txt', to: bob.username, msg: lab.secrets.text() });
      check.equal(more.error?.type, CODE.LIMIT, JSON.stringify(more.error));
      check.equal((await history(b, alice.username))[0].msg, last.msg);
      const missing = await a.modify('123456789012345678', { type: 'txt', to: bob.username, msg: lab.secrets.text() });
      check.equal(missing.error?.type, CODE.NOT_FOUND, JSON.stringify(missing.error));
    },
  },
];
