// Several messages merged into one: uploaded by the SDK, fetched and taken apart by another.

import { groupEvent, makeGroup } from '../lib/groups.js';
import { check } from '../lib/runner.js';

const texts = (lab) => ({ title: lab.secrets.text('title'), summary: lab.secrets.text('summary'), compatibleText: lab.secrets.text() });

export const tests = [
  {
    name: 'a combined message arrives as one, and its parts are what was merged',
    covers: ['send', 'downloadAndParseCombineMessage', 'event:onCombineMessage'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [carol, c]] = await people(3);
      const parts = [];
      for (const more of [{ type: 'txt', msg: lab.secrets.text('😀'), ext: { a: 1 } }, { type: 'custom', customEvent: lab.secrets.name('event'), customExts: { k: 'v' } }, { type: 'loc', lat: 1, lng: 2, addr: lab.secrets.text(), buildingName: 'b' }]) {
        const sent = await a.tell({ ...more, to: bob.username });
        parts.push({ ...sent.message, from: alice.username });
      }
      const said = texts(lab);
      const sent = await a.tell({ type: 'combine', to: carol.username, ...said, messageList: parts });
      const got = await c.event('onCombineMessage', (one) => one.id === sent.serverMsgId);
      for (const [key, value] of Object.entries(said)) check.equal(got[key], value, key);
      check.equal(got.combineLevel, 1);
      check.equal(got.from, alice.username);
      check.ok(got.url.startsWith(`${lab.rest.base}/chatfiles/`), got.url);
      const inside = await c.ask('downloadAndParseCombineMessage', { url: got.url, secret: got.secret });
      check.deepEqual(inside.map(({ type }) => type), ['txt', 'custom', 'loc']);
      check.equal(inside[0].msg, parts[0].msg);
      check.deepEqual(inside[0].ext, { a: 1 });
      check.equal(inside[1].customEvent, parts[1].customEvent);
      check.equal(inside[2].addr, parts[2].addr);
      check.ok(inside.every((one) => one.from === alice.username && one.to === bob.username));
    },
  },
  {
    name: 'one combined message inside another, in a group, for a member who was away',
    covers: ['downloadAndParseCombineMessage', 'event:onCombineMessage'],
    async run({ lab, people, device }) {
      const [[alice, a], [bob, b]] = await people(2);
      const carol = await lab.user();
      const group = await makeGroup(lab, a, { members: [bob.username, carol.username] });
      await groupEvent(b, 'directJoined', group.id);
      const to = { chatType: 'groupChat', to: group.id };
      const plain = await a.tell({ type: 'txt', msg: lab.secrets.text(), ...to });
      const inner = await a.tell({ type: 'combine', ...texts(lab), messageList: [{ ...plain.message, from: alice.username }], ...to });
      const outer = await a.tell({ type: 'combine', ...texts(lab), messageList: [{ ...inner.message, from: alice.username }, { ...plain.message, from: alice.username }], ...to });
      const c = await device();
      await lab.login(c, carol);
      const got = await c.event('onCombineMessage', (one) => one.id === outer.serverMsgId);
      check.equal(got.combineLevel, 2);
      const level1 = await c.ask('downloadAndParseCombineMessage', { url: got.url, secret: got.secret });
      check.deepEqual(level1.map(({ type }) => type), ['combine', 'txt']);
      const level2 = await c.ask('downloadAndParseCombineMessage', { url: level1[0].url, secret: level1[0].secret });
      check.deepEqual(level2.map(({ msg }) => msg), [plain.message.msg]);
    },
  },
];
