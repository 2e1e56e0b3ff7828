// Messages in a group: to whom, since when, after an absence, and when the group is closed.

import { everyContent, GROUP_CODE, groupEvent, heard, makeGroup, say, settled, texts } from '../lib/groups.js';
import { check } from '../lib/runner.js';

const history = async (device, id) => {
  const { messages } = await device.ask('getHistoryMessages', { targetId: id, chatType: 'groupChat', pageSize: 50, searchDirection: 'down' });
  return messages.map((one) => one.id);
};

export const tests = [
  {
    name: 'every content type reaches every device of every member, and nobody else',
    covers: ['send', 'event:onTextMessage', 'event:onCmdMessage', 'event:onCustomMessage', 'event:onLocationMessage', 'event:onFileMessage'],
    async run({ lab, people, another }) {
      const [[alice, a1], [bob, b1], [, stranger]] = await people(3);
      const [a2, b2] = [await another(alice), await another(bob)];
      const group = await makeGroup(lab, a1, { members: [bob.username] });
      await groupEvent(b1, 'directJoined', group.id);
      for (const [event, parameters, key] of everyContent(lab)) {
        const ext = { note: lab.secrets.text(), deep: { list: [1, null] } };
        const sent = await a1.tell({ ...parameters, ext, chatType: 'groupChat', to: group.id });
        for (const page of [b1, b2, a2]) {
          const got = await page.event(event, (one) => one.id === sent.serverMsgId);
          check.equal(got.from, alice.username);
          check.equal(got.to, group.id);
          check.equal(got.chatType, 'groupChat');
          check.equal(got[key], parameters[key]);
          check.deepEqual(got.ext, ext);
        }
        check.equal(a1.seen(event, (one) => one.id === sent.serverMsgId).length, 0);
        check.equal(stranger.seen(event).length, 0);
      }
    },
  },
  {
    name: 'several write at once: everybody gets everything, each writer in order',
    async run({ lab, people }) {
      const all = await people(4);
      const [[, a], ...others] = all;
      const group = await makeGroup(lab, a, { members: others.map(([user]) => user.username) });
      for (const [, page] of others) await groupEvent(page, 'directJoined', group.id);
      const lines = all.map(() => Array.from({ length: 25 }, () => ({ type: 'txt', chatType: 'groupChat', to: group.id, msg: lab.secrets.text() })));
      const results = await Promise.all(all.map(([, page], at) => page.sendAll(lines[at])));
      check.equal(results.flat().every((one) => one.ok), true, JSON.stringify(results.flat().find((one) => !one.ok)));
      const orders = [];
      for (const [, page] of all) {
        const got = await page.several('onTextMessage', 75);
        for (const [at, [user]] of all.entries()) {
          const mine = got.filter((one) => one.from === user.username);
          if (mine.length > 0) check.deepEqual(mine.map((one) => one.msg), lines[at].map((one) => one.msg));
        }
        check.equal(new Set(got.map((one) => one.id)).size, 75);
        orders.push(got.map((one) => one.id));
      }
      // One log for all: what two members both got, they got in the same order.
      for (const order of orders) {
        const common = order.filter((id) => orders[0].includes(id));
        check.deepEqual(common, orders[0].filter((id) => order.includes(id)));
      }
    },
  },
  {
    name: 'a member who was away gets everything on return, in order, once',
    async run({ lab, people }) {
      const [[, a], [bob, b]] = await people(2);
      const group = await makeGroup(lab, a, { members: [bob.username] });
      await groupEvent(b, 'directJoined', group.id);
      await b.close();
      await b.event('onDisconnected');
      await lab.offline(bob);
      const sent = await a.sendAll(Array.from({ length: 60 }, () => ({ type: 'txt', chatType: 'groupChat', to: group.id, msg: lab.secrets.text() })));
      check.equal(sent.every((one) => one.ok), true);
      await lab.login(b, bob);
      await b.several('onTextMessage', 60);
      const next = await say(lab, a, group.id);
      await heard(b, next);
      check.deepEqual(texts(b, group.id), [...sent.map((one) => one.serverMsgId), next]);
    },
  },
  {
    name: 'what happened to a group while a member was away is told on return, in order',
    covers: ['event:onGroupEvent/updateInfo', 'event:onGroupEvent/setAdmin', 'event:onGroupEvent/muteAllMembers', 'event:onGroupEvent/removeMember'],
    async run({ lab, people }) {
      const [[, a], [bob, b]] = await people(2);
      const group = await makeGroup(lab, a, { members: [bob.username] });
      const groupId = group.id;
      await groupEvent(b, 'directJoined', groupId);
      await b.close();
      await b.event('onDisconnected');
      await lab.offline(bob);
      const groupName = lab.secrets.of('group name');
      await a.ask('modifyGroup', { groupId, groupName });
      await a.ask('setGroupAdmin', { groupId, username: bob.username });
      await a.ask('disableSendGroupMsg', { groupId });
      await a.ask('removeGroupMember', { groupId, username: bob.username });
      await lab.login(b, bob);
      await groupEvent(b, 'removeMember', groupId);
      check.equal((await groupEvent(b, 'updateInfo', groupId)).detail.name, groupName);
      await groupEvent(b, 'setAdmin', groupId);
      await groupEvent(b, 'muteAllMembers', groupId);
      const order = b.seen('onGroupEvent', (one) => one.id === groupId).map((one) => one.operation).filter((one) => one !== 'directJoined');
      check.deepEqual(order.filter((one) => ['updateInfo', 'muteAllMembers'].includes(one)), ['updateInfo', 'muteAllMembers']);
    },
  },
  {
    name: 'a member sees what lies between joining and leaving, live, offline and in history',
    covers: ['getHistoryMessages', 'joinGroup', 'leaveGroup'],
    async run({ lab, people }) {
      const [[, a], [bob, b], [carol, c]] = await people(3);
      const group = await makeGroup(lab, a, { members: [carol.username] });
      const { id } = group;
      await groupEvent(c, 'directJoined', id);
      const before = await say(lab, a, id);
      await heard(c, before);
      await b.ask('joinGroup', { groupId: id, message: '' });
      const during = await say(lab, a, id);
      await heard(b, during);
      const own = await say(lab, b, id);
      await heard(c, own);
      await b.ask('leaveGroup', { groupId: id });
      const between = await say(lab, a, id);
      await heard(c, between);
      await b.refused('getHistoryMessages', { targetId: id, chatType: 'groupChat', pageSize: 50 }).then(
        () => {},
        // Where it is not refused it shows no more than was seen.
        async () => check.deepEqual(await history(b, id), [during, own]),
      );
      await b.ask('joinGroup', { groupId: id, message: '' });
      const after = await say(lab, a, id);
      await heard(b, after);
      check.deepEqual(texts(b, id), [during, after]);
      const seen = await history(b, id);
      check.ok(seen.includes(after));
      check.ok(!seen.includes(before) && !seen.includes(between), 'history shows what was written while not a member');
      check.deepEqual(await history(c, id), [before, during, own, between, after]);
      check.deepEqual(await history(a, id), [before, during, own, between, after]);
    },
  },
  {
    name: 'who shields a group gets nothing of it until the shield is lifted',
    covers: ['blockGroupMessage', 'unblockGroupMessage'],
    async run({ lab, people }) {
      const [[, a], [bob, b], [carol, c]] = await people(3);
      const group = await makeGroup(lab, a, { members: [bob.username, carol.username] });
      const { id } = group;
      await groupEvent(c, 'directJoined', id);
      await b.ask('blockGroupMessage', { groupId: id });
      check.equal((await b.ask('getGroupInfo', { groupId: id })).data[0].shieldgroup, true);
      const hidden = await say(lab, a, id);
      await heard(c, hidden);
      await settled(lab, a, b, bob);
      check.deepEqual(texts(b, id), []);
      // Still a member: the shield is one way.
      await heard(c, await say(lab, b, id));
      await b.ask('unblockGroupMessage', { groupId: id });
      check.equal((await b.ask('getGroupInfo', { groupId: id })).data[0].shieldgroup, false);
      const shown = await say(lab, a, id);
      await heard(b, shown);
      check.deepEqual(texts(b, id).filter((one) => one !== hidden), [shown]);
    },
  },
  {
    name: 'a group that the back end disables is closed for writing until enabled',
    covers: ['getGroupInfo', 'getJoinedGroups'],
    async run({ lab, people }) {
      const [[, a], [bob, b]] = await people(2);
      const group = await makeGroup(lab, a, { members: [bob.username] });
      const { id } = group;
      await groupEvent(b, 'directJoined', id);
      const off = await lab.rest.call('POST', `/chatgroups/${id}/disable`, { token: lab.admin });
      check.equal(off.status, 200, off.text);
      check.equal(off.body.data.disabled, true);
      for (const page of [a, b]) {
        const refused = await page.text(id, lab.secrets.text(), { chatType: 'groupChat' });
        check.equal(refused.error?.type, GROUP_CODE.DISABLED, JSON.stringify(refused.error));
      }
      check.equal((await b.ask('getGroupInfo', { groupId: id })).data[0].disabled, true);
      check.equal((await b.ask('getJoinedGroups', { pageNum: 0, pageSize: 10, needAffiliations: true, needRole: true })).entities[0].disabled, true);
      check.equal((await a.refused('inviteUsersToGroup', { groupId: id, users: [(await lab.user()).username] })).type, GROUP_CODE.DISABLED);
      const on = await lab.rest.call('POST', `/chatgroups/${id}/enable`, { token: lab.admin });
      check.equal(on.body.data.disabled, false);
      await heard(b, await say(lab, a, id));
    },
  },
  {
    name: 'a message to a group that is not there, or is another app\'s, is refused',
    async run({ lab, people, device }) {
      const [[alice, a]] = await people(1);
      const namesake = await device({ appKey: lab.other.appKey });
      const made = await lab.other.rest.call('POST', '/users', { token: lab.other.tokens.app(600), json: { username: alice.username, password: lab.secrets.password() } });
      check.equal(made.status, 200, made.text);
      const outcome = await namesake.login({ user: alice.username, accessToken: lab.other.tokens.user(alice.username) });
      check.equal(outcome.ok, true, JSON.stringify(outcome.error));
      const group = await makeGroup(lab, namesake);
      for (const to of ['999999999999999', group.id, 'no-number']) {
        const refused = await a.text(to, lab.secrets.text(), { chatType: 'groupChat' });
        check.equal(refused.ok, false);
        check.ok([GROUP_CODE.NOT_FOUND, -3].includes(refused.error.type), JSON.stringify(refused.error));
      }
      check.equal((await a.refused('getGroupInfo', { groupId: group.id })).type, GROUP_CODE.NOT_FOUND);
      check.equal((await a.refused('joinGroup', { groupId: group.id, message: '' })).type, GROUP_CODE.NOT_FOUND);
    },
  },
];
