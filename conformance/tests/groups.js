// Groups: made, listed, written to, left and dissolved.

import { GROUP_CODE, groupEvent, groupSeen, heard, makeGroup, membersOf, say, settled, texts } from '../lib/groups.js';
import { check } from '../lib/runner.js';

export const tests = [
  {
    name: 'a group with members: they are told, and a message reaches each of them',
    covers: ['createGroupVNext', 'getGroupMembers', 'send', 'event:onGroupEvent', 'event:onGroupEvent/directJoined', 'event:onGroupChange'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [carol, c], [, d]] = await people(4);
      const group = await makeGroup(lab, a, { members: [bob.username, carol.username] });
      check.match(group.id, /^\d+$/);
      for (const page of [b, c]) {
        const told = await groupEvent(page, 'directJoined', group.id);
        check.equal(told.from, alice.username);
        check.equal(told.name, group.groupName);
        check.equal((await page.event('onGroupChange', (one) => one.gid === group.id)).type, 'direct_joined');
      }
      check.deepEqual(await membersOf(b, group.id), { [alice.username]: 'owner', [bob.username]: 'member', [carol.username]: 'member' });
      const first = await say(lab, a, group.id);
      const second = await say(lab, c, group.id);
      for (const page of [b]) check.equal((await heard(page, first)).to, group.id);
      check.equal((await heard(a, second)).from, carol.username);
      await heard(b, second);
      check.deepEqual(texts(b, group.id), [first, second]);
      check.deepEqual(texts(a, group.id), [second]);
      await settled(lab, a, b, bob);
      check.equal(d.seen('onGroupEvent').length + d.seen('onTextMessage').length, 0);
    },
  },
  {
    name: 'the owner\'s other device is told of a new group, and gets what the first one writes',
    covers: ['event:onGroupEvent/create'],
    async run({ lab, people, another }) {
      const [[alice, a1], [bob, b]] = await people(2);
      const a2 = await another(alice);
      const group = await makeGroup(lab, a1, { members: [bob.username] });
      await groupEvent(a2, 'create', group.id);
      const id = await say(lab, a1, group.id);
      check.equal((await heard(a2, id)).from, alice.username);
      await heard(b, id);
      check.equal(groupSeen(a1, 'create', group.id).length, 0);
      check.equal(groupSeen(b, 'create', group.id).length, 0);
    },
  },
  {
    name: 'by the older call, with the older names of its settings',
    covers: ['createGroup', 'getGroupInfo'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b]] = await people(2);
      const data = {
        groupname: lab.secrets.of('group name'),
        desc: lab.secrets.of('group description'),
        members: [bob.username],
        public: false,
        approval: false,
        allowinvites: true,
        inviteNeedConfirm: false,
        maxusers: 10,
        ext: lab.secrets.of('group custom data'),
      };
      const answer = await a.ask('createGroup', { data });
      const groupId = answer.data.groupid;
      await groupEvent(b, 'directJoined', groupId);
      const [info] = (await b.ask('getGroupInfo', { groupId })).data;
      check.equal(info.id, groupId);
      check.equal(info.name, data.groupname);
      check.equal(info.description, data.desc);
      check.equal(info.custom, data.ext);
      check.equal(info.owner, alice.username);
      check.equal(info.maxusers, 10);
      check.equal(info.public, false);
      check.equal(info.allowinvites, true);
      check.equal(info.affiliations_count, 2);
      check.equal(info.disabled, false);
      check.equal(info.mute, false);
    },
  },
  {
    name: 'the details show what was given, to members and in one call for several groups',
    covers: ['getGroupInfo'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b]] = await people(2);
      const one = await makeGroup(lab, a, { members: [bob.username], needApprovalToJoin: true, maxMemberCount: 50 });
      const two = await makeGroup(lab, a, { members: [bob.username] });
      const { data } = await b.ask('getGroupInfo', { groupId: [one.id, two.id] });
      check.deepEqual(data.map(({ id }) => id).sort(), [one.id, two.id].sort());
      const info = data.find(({ id }) => id === one.id);
      for (const [key, value] of Object.entries({ name: one.groupName, description: one.description, custom: one.extension, avatar: one.avatar, owner: alice.username, maxusers: 50, membersonly: true, public: true, affiliations_count: 2 })) {
        check.equal(info[key], value, key);
      }
      check.deepEqual(info.affiliations.map(({ owner, member }) => owner ?? member).sort(), [alice.username, bob.username].sort());
      check.ok(info.affiliations.every(({ joined_time: time }) => Math.abs(Number(time) - Date.now()) < 120_000));
      check.ok(Math.abs(Number(info.created) - Date.now()) < 120_000);
      const gone = await b.refused('getGroupInfo', { groupId: '999999999999999' });
      check.equal(gone.type, GROUP_CODE.NOT_FOUND);
    },
  },
  {
    name: 'the lists of joined groups: by page, with role and size, and how many',
    covers: ['getGroup', 'getJoinedGroups', 'getJoinedGroupsCount'],
    async run({ lab, people }) {
      const [[, a], [bob, b]] = await people(2);
      const own = await makeGroup(lab, b);
      const groups = [];
      for (let count = 0; count < 4; count += 1) groups.push(await makeGroup(lab, a, { members: [bob.username] }));
      await groupEvent(b, 'directJoined', groups[3].id);
      const expected = new Map([own, ...groups].map(({ id, groupName }) => [id, groupName]));
      check.equal((await b.ask('getJoinedGroupsCount')).data, 5);
      const old = (await b.ask('getGroup')).data;
      check.deepEqual(new Map(old.map(({ groupid, groupname }) => [groupid, groupname])).size, 5);
      for (const { groupid, groupname } of old) check.equal(groupname, expected.get(groupid));
      // Two at a time, from page 0: everyone once.
      const plain = [];
      for (let pageNum = 0; pageNum < 3; pageNum += 1) plain.push(...(await b.ask('getJoinedGroups', { pageNum, pageSize: 2 })).data);
      check.deepEqual(plain.map(({ groupid }) => groupid).sort(), [...expected.keys()].sort());
      const rich = (await b.ask('getJoinedGroups', { pageNum: 0, pageSize: 10, needAffiliations: true, needRole: true })).entities;
      check.deepEqual(rich.map(({ groupId }) => groupId).sort(), [...expected.keys()].sort());
      for (const one of rich) {
        check.equal(one.groupName, expected.get(one.groupId));
        check.equal(one.role, one.groupId === own.id ? 'owner' : 'member');
        check.equal(one.affiliationsCount, one.groupId === own.id ? 1 : 2);
        check.equal(one.disabled, false);
        check.equal(one.public, true);
        check.equal(one.approval, false);
        check.equal(one.maxUsers, 200);
        check.equal(typeof one.description, 'string');
        check.equal(typeof one.allowInvites, 'boolean');
      }
    },
  },
  {
    name: 'public groups are found by everybody, private ones by nobody',
    covers: ['getPublicGroups'],
    async run({ lab, people }) {
      const [[, a], [, b]] = await people(2);
      const open = [];
      for (let count = 0; count < 3; count += 1) open.push(await makeGroup(lab, a));
      const hidden = await makeGroup(lab, a, { isPublic: false });
      const found = new Map();
      let cursor;
      let pages = 0;
      do {
        const answer = await b.ask('getPublicGroups', { limit: 2, ...(cursor && { cursor }) });
        check.ok(answer.data.length <= 2);
        for (const { groupid, groupname } of answer.data) {
          check.equal(found.has(groupid), false, 'a group came twice');
          found.set(groupid, groupname);
        }
        cursor = answer.cursor;
        pages += 1;
        check.ok(pages < 200, 'the list never ends');
      } while (cursor);
      for (const { id, groupName } of open) check.equal(found.get(id), groupName);
      check.equal(found.has(hidden.id), false);
    },
  },
  {
    name: 'who leaves is told to the others, hears nothing more and may not write; the owner stays',
    covers: ['leaveGroup', 'event:onGroupEvent/memberAbsence'],
    async run({ lab, people }) {
      const [[, a], [bob, b], [carol, c]] = await people(3);
      const group = await makeGroup(lab, a, { members: [bob.username, carol.username] });
      await groupEvent(c, 'directJoined', group.id);
      await b.ask('leaveGroup', { groupId: group.id });
      for (const page of [a, c]) check.equal((await groupEvent(page, 'memberAbsence', group.id)).from, bob.username);
      const id = await say(lab, a, group.id);
      await heard(c, id);
      await settled(lab, a, b, bob);
      check.deepEqual(texts(b, group.id), []);
      const refused = await b.text(group.id, lab.secrets.text(), { chatType: 'groupChat' });
      check.equal(refused.ok, false);
      check.equal(refused.error.type, GROUP_CODE.NOT_MEMBER);
      await a.refused('leaveGroup', { groupId: group.id });
      check.deepEqual(Object.keys(await membersOf(a, group.id)).length, 2);
    },
  },
  {
    name: 'a dissolved group is gone for everybody, and only its owner dissolves it',
    covers: ['destroyGroup', 'event:onGroupEvent/destroy'],
    async run({ lab, people, another }) {
      const [[alice, a], [bob, b], [carol, c]] = await people(3);
      const a2 = await another(alice);
      const group = await makeGroup(lab, a, { members: [bob.username, carol.username] });
      await groupEvent(b, 'directJoined', group.id);
      check.equal((await b.refused('destroyGroup', { groupId: group.id })).type, GROUP_CODE.PERMISSION);
      await a.ask('destroyGroup', { groupId: group.id });
      for (const page of [b, c, a2]) check.equal((await groupEvent(page, 'destroy', group.id)).from, alice.username);
      const refused = await b.text(group.id, lab.secrets.text(), { chatType: 'groupChat' });
      check.equal(refused.error?.type, GROUP_CODE.NOT_FOUND);
      check.equal((await b.refused('getGroupInfo', { groupId: group.id })).type, GROUP_CODE.NOT_FOUND);
      check.equal((await b.ask('getJoinedGroupsCount')).data, 0);
    },
  },
  {
    name: 'members by page and by cursor, everyone once, the owner as such',
    covers: ['listGroupMembers', 'getGroupMembers'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b]] = await people(2);
      const others = await lab.users(5);
      const group = await makeGroup(lab, a, { members: [bob.username, ...others.map((one) => one.username)] });
      await groupEvent(b, 'directJoined', group.id);
      const everybody = [alice, bob, ...others].map((one) => one.username).sort();
      const listed = [];
      for (let pageNum = 1; pageNum <= 3; pageNum += 1) listed.push(...(await b.ask('listGroupMembers', { groupId: group.id, pageNum, pageSize: 3 })).data);
      check.deepEqual(listed.map(({ owner, member }) => owner ?? member).sort(), everybody);
      check.deepEqual(listed.filter(({ owner }) => owner).map(({ owner }) => owner), [alice.username]);
      const got = [];
      let cursor;
      do {
        const { data } = await b.ask('getGroupMembers', { groupId: group.id, limit: 3, ...(cursor && { cursor }) });
        got.push(...data.members);
        check.ok(data.members.length <= 3 && got.length <= everybody.length);
        cursor = data.cursor;
      } while (cursor);
      check.deepEqual(got.map(({ userId }) => userId).sort(), everybody);
      check.equal(got.find(({ userId }) => userId === alice.username).role, 'owner');
      check.ok(got.every(({ joinedTime }) => Math.abs(Number(joinedTime) - Date.now()) < 120_000));
    },
  },
  {
    name: 'a stranger learns and changes nothing',
    async run({ lab, people }) {
      const [[, a], [bob, b], [, stranger]] = await people(3);
      const group = await makeGroup(lab, a, { members: [bob.username], isPublic: false });
      await groupEvent(b, 'directJoined', group.id);
      const groupId = group.id;
      for (const [method, parameters] of [
        ['getGroupMembers', { groupId }],
        ['modifyGroup', { groupId, groupName: 'taken' }],
        ['removeGroupMember', { groupId, username: bob.username }],
        ['inviteUsersToGroup', { groupId, users: [bob.username] }],
        ['setGroupAdmin', { groupId, username: bob.username }],
        ['disableSendGroupMsg', { groupId }],
        ['updateGroupAnnouncement', { groupId, announcement: 'taken' }],
        ['changeGroupOwner', { groupId, newOwner: bob.username }],
        ['destroyGroup', { groupId }],
      ]) {
        const { type } = await stranger.refused(method, parameters);
        check.ok([GROUP_CODE.PERMISSION, GROUP_CODE.NOT_MEMBER, GROUP_CODE.NOT_FOUND].includes(type), `${method}: ${type}`);
      }
      const [info] = (await b.ask('getGroupInfo', { groupId })).data;
      check.equal(info.name, group.groupName);
      check.equal(info.mute, false);
      check.equal(info.affiliations_count, 2);
    },
  },
];
