// What a group says of itself: name, description, picture, custom data, announcement.

import { GROUP_CODE, groupEvent, makeGroup } from '../lib/groups.js';
import { check } from '../lib/runner.js';

export const tests = [
  {
    name: 'changed details reach every member with what they are now',
    covers: ['modifyGroup', 'event:onGroupEvent/updateInfo'],
    async run({ lab, people, another }) {
      const [[alice, a], [bob, b], [carol, c]] = await people(3);
      const a2 = await another(alice);
      const group = await makeGroup(lab, a, { members: [bob.username, carol.username] });
      const groupId = group.id;
      await groupEvent(c, 'directJoined', groupId);
      const now = {
        groupName: lab.secrets.of('group name', '新しい名前'),
        description: lab.secrets.of('group description'),
        ext: lab.secrets.of('group custom data'),
        avatar: `https://pictures.example.org/${lab.secrets.of('group avatar')}`,
      };
      const answer = await a.ask('modifyGroup', { groupId, ...now });
      check.equal(answer.data.groupname, true);
      check.equal(answer.data.description, true);
      for (const page of [b, c, a2]) {
        const told = await groupEvent(page, 'updateInfo', groupId);
        check.equal(told.from, alice.username);
        check.equal(told.detail.name, now.groupName);
        check.equal(told.detail.description, now.description);
        check.equal(told.detail.ext, now.ext);
        check.equal(told.detail.avatar, now.avatar);
        check.equal(typeof told.detail.lastModified, 'number');
      }
      const [info] = (await b.ask('getGroupInfo', { groupId })).data;
      check.equal(info.name, now.groupName);
      check.equal(info.description, now.description);
      check.equal(info.custom, now.ext);
      check.equal(info.avatar, now.avatar);
      // One field alone leaves the others.
      const groupName = lab.secrets.of('group name');
      await a.ask('modifyGroup', { groupId, groupName });
      await groupEvent(b, 'updateInfo', groupId, (one) => one.detail.name === groupName);
      const [after] = (await c.ask('getGroupInfo', { groupId })).data;
      check.equal(after.name, groupName);
      check.equal(after.description, now.description);
      check.equal((await b.refused('modifyGroup', { groupId, groupName: 'mine' })).type, GROUP_CODE.PERMISSION);
    },
  },
  {
    name: 'what is too long is refused, and nothing changes',
    async run({ lab, people }) {
      const [[, a], [bob, b]] = await people(2);
      const group = await makeGroup(lab, a, { members: [bob.username] });
      const groupId = group.id;
      await groupEvent(b, 'directJoined', groupId);
      for (const given of [{ groupName: 'n'.repeat(129) }, { description: 'd'.repeat(513) }, { ext: 'e'.repeat(9_000) }]) {
        const { message } = await a.refused('modifyGroup', { groupId, ...given });
        check.ok(message.length > 0);
      }
      await a.refused('updateGroupAnnouncement', { groupId, announcement: 'a'.repeat(513) });
      const [info] = (await b.ask('getGroupInfo', { groupId })).data;
      check.equal(info.name, group.groupName);
      check.equal(info.description, group.description);
      check.equal(info.custom, group.extension);
    },
  },
  {
    name: 'an announcement reaches the members, is read by them, and is taken back by an empty one',
    covers: ['updateGroupAnnouncement', 'fetchGroupAnnouncement', 'event:onGroupEvent/updateAnnouncement', 'event:onGroupEvent/deleteAnnouncement'],
    async run({ lab, people, device }) {
      const [[alice, a], [bob, b]] = await people(2);
      const carol = await lab.user();
      const group = await makeGroup(lab, a, { members: [bob.username, carol.username] });
      const groupId = group.id;
      await groupEvent(b, 'directJoined', groupId);
      check.equal((await b.ask('fetchGroupAnnouncement', { groupId })).data.announcement, '');
      const announcement = lab.secrets.of('group announcement', 'mañana\n10:00 🎉');
      check.equal((await a.ask('updateGroupAnnouncement', { groupId, announcement })).data.result, true);
      const told = await groupEvent(b, 'updateAnnouncement', groupId);
      check.equal(told.from, alice.username);
      check.equal(told.announcement, announcement);
      check.equal((await b.ask('fetchGroupAnnouncement', { groupId })).data.announcement, announcement);
      check.equal((await b.refused('updateGroupAnnouncement', { groupId, announcement: 'mine' })).type, GROUP_CODE.PERMISSION);
      // A member who was away learns of it.
      const c = await device();
      await lab.login(c, carol);
      check.equal((await groupEvent(c, 'updateAnnouncement', groupId)).announcement, announcement);
      await a.ask('updateGroupAnnouncement', { groupId, announcement: '' });
      for (const page of [b, c]) await groupEvent(page, 'deleteAnnouncement', groupId);
      check.equal((await b.ask('fetchGroupAnnouncement', { groupId })).data.announcement, '');
    },
  },
];
