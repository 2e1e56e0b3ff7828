// Messages in a group for some of its members only.

import { groupEvent, heard, makeGroup, say, texts } from '../lib/groups.js';
import { check } from '../lib/runner.js';

const MAX_LIMIT = 50;

export const tests = [
  {
    name: 'only the named members get it, live, later and in history; the sender\'s other device too',
    covers: ['send'],
    async run({ lab, people, another, device }) {
      const [[alice, a1], [bob, b], [carol, c]] = await people(3);
      const dave = await lab.user();
      const a2 = await another(alice);
      const group = await makeGroup(lab, a1, { members: [bob.username, carol.username, dave.username] });
      const { id } = group;
      await groupEvent(c, 'directJoined', id);
      const whisper = await say(lab, a1, id, { receiverList: [bob.username, dave.username] });
      const got = await heard(b, whisper);
      check.equal(got.from, alice.username);
      check.equal(got.to, id);
      check.equal(got.chatType, 'groupChat');
      await heard(a2, whisper);
      const loud = await say(lab, a1, id);
      for (const page of [b, c]) await heard(page, loud);
      check.deepEqual(texts(c, id), [loud]);
      const d = await device();
      await lab.login(d, dave);
      await heard(d, loud);
      check.deepEqual(texts(d, id), [whisper, loud]);
      const history = async (page) => (await page.ask('getHistoryMessages', { targetId: id, chatType: 'groupChat', pageSize: 50, searchDirection: 'down' })).messages.map((one) => one.id);
      check.equal((await history(c)).includes(whisper), false);
      check.equal((await history(c)).includes(loud), true);
    },
  },
  {
    name: 'too many names are refused',
    async run({ lab, people }) {
      const [[, a], [bob, b]] = await people(2);
      const group = await makeGroup(lab, a, { members: [bob.username] });
      await groupEvent(b, 'directJoined', group.id);
      const refused = await a.text(group.id, lab.secrets.text(), { chatType: 'groupChat', receiverList: Array.from({ length: 500 }, (_, at) => `${bob.username}${at}`) });
      check.equal(refused.ok, false);
      check.equal(refused.error.type, MAX_LIMIT, JSON.stringify(refused.error));
    },
  },
];
