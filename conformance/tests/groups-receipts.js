// Who has read a message of a group: counted for its sender, listed on request.

import { groupEvent, heard, makeGroup, say } from '../lib/groups.js';
import { check } from '../lib/runner.js';

const receipt = (lab, groupId, id) => ({ type: 'read', chatType: 'groupChat', to: groupId, id, ackContent: lab.secrets.of('receipt content') });

export const tests = [
  {
    name: 'the sender is told how many have read, nobody else is, and the list names them',
    covers: ['getGroupMsgReadUser', 'event:onReadMessage'],
    async run({ lab, people }) {
      const [[, a], [bob, b], [carol, c]] = await people(3);
      const group = await makeGroup(lab, a, { members: [bob.username, carol.username] });
      await groupEvent(c, 'directJoined', group.id);
      const id = await say(lab, a, group.id, { msgConfig: { allowGroupAck: true } });
      for (const page of [b, c]) check.equal((await heard(page, id)).msgConfig.allowGroupAck, true);
      const first = receipt(lab, group.id, id);
      await b.tell(first);
      const told = await a.event('onReadMessage', (one) => one.mid === id && one.groupReadCount?.[id] === 1);
      check.equal(told.ackContent, first.ackContent);
      await c.tell(receipt(lab, group.id, id));
      await a.event('onReadMessage', (one) => one.mid === id && one.groupReadCount?.[id] === 2);
      // The same reader counts once.
      await b.tell(receipt(lab, group.id, id));
      const { data } = await a.ask('getGroupMsgReadUser', { groupId: group.id, msgId: id });
      check.equal(Number(data.total), 2);
      check.equal(data.is_last, true);
      check.equal(data.userlist.length, 2);
      for (const user of [bob, carol]) check.ok(JSON.stringify(data.userlist).includes(user.username));
      check.equal(c.seen('onReadMessage').length + b.seen('onReadMessage').length, 0);
    },
  },
  {
    name: 'a sender who was away learns of the receipts at the next login',
    covers: ['event:onReadMessage'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b]] = await people(2);
      const group = await makeGroup(lab, a, { members: [bob.username] });
      await groupEvent(b, 'directJoined', group.id);
      const id = await say(lab, a, group.id, { msgConfig: { allowGroupAck: true } });
      await heard(b, id);
      await a.close();
      await a.event('onDisconnected');
      await lab.offline(alice);
      await b.tell(receipt(lab, group.id, id));
      await lab.login(a, alice);
      await a.event('onReadMessage', (one) => one.mid === id && one.groupReadCount?.[id] === 1);
      check.equal(a.seen('onReadMessage').length, 1);
    },
  },
];
