// Files shared in a group: put there, listed, fetched by others, taken away.

import { GROUP_CODE, groupEvent, makeGroup } from '../lib/groups.js';
import { check } from '../lib/runner.js';

const describe = (lab, more = {}) => ({ name: `${lab.secrets.of('file name').replaceAll(' ', '-')}.txt`, type: 'text/plain', mark: lab.secrets.of('file content'), size: 20_000, ...more });

export const tests = [
  {
    name: 'a file is shared, every member is told and fetches the same bytes, and it is taken away',
    covers: [
      'uploadGroupSharedFile',
      'getGroupSharedFilelist',
      'downloadGroupSharedFile',
      'deleteGroupSharedFile',
      'event:onGroupEvent/uploadFile',
      'event:onGroupEvent/deleteFile',
    ],
    async run({ lab, people }) {
      const [[alice, a], [bob, b], [carol, c]] = await people(3);
      const group = await makeGroup(lab, a, { members: [bob.username, carol.username] });
      const groupId = group.id;
      await groupEvent(c, 'directJoined', groupId);
      const file = describe(lab);
      const put = await b.upload('uploadGroupSharedFile', { groupId }, file);
      check.equal(put.ok, true, JSON.stringify(put.error));
      const { data } = put.result;
      check.equal(data.file_name, file.name);
      check.equal(data.file_size, file.size);
      check.equal(data.group_id, groupId);
      for (const page of [a, c]) check.equal((await groupEvent(page, 'uploadFile', groupId)).from, bob.username);
      const [listed] = (await c.ask('getGroupSharedFilelist', { groupId, pageNum: 1, pageSize: 10 })).data;
      check.equal(listed.file_id, data.file_id);
      check.equal(listed.file_name, file.name);
      check.equal(listed.file_owner, bob.username);
      check.equal(listed.file_size, file.size);
      check.ok(Math.abs(Number(listed.created) - Date.now()) < 120_000);
      const got = await c.downloadBy('downloadGroupSharedFile', { groupId, fileId: data.file_id });
      check.equal(got.ok, true, JSON.stringify(got.error));
      check.equal(got.result.digest, put.digest);
      check.equal(got.result.size, file.size);
      // A member takes away only what is his; the owner takes away anything.
      check.equal((await c.refused('deleteGroupSharedFile', { groupId, fileId: data.file_id })).type, GROUP_CODE.PERMISSION);
      const gone = await a.ask('deleteGroupSharedFile', { groupId, fileId: data.file_id });
      check.equal(gone.data.result, true);
      for (const page of [b, c]) check.equal((await groupEvent(page, 'deleteFile', groupId)).from, alice.username);
      check.deepEqual((await c.ask('getGroupSharedFilelist', { groupId, pageNum: 1, pageSize: 10 })).data, []);
      const late = await a.downloadBy('downloadGroupSharedFile', { groupId, fileId: data.file_id });
      check.equal(late.ok, false);
    },
  },
  {
    name: 'the list comes in pages; a stranger neither lists, fetches nor shares',
    covers: ['getGroupSharedFilelist'],
    async run({ lab, people }) {
      const [[, a], [bob, b], [, stranger]] = await people(3);
      const group = await makeGroup(lab, a, { members: [bob.username] });
      const groupId = group.id;
      await groupEvent(b, 'directJoined', groupId);
      const ids = [];
      for (let count = 0; count < 5; count += 1) ids.push((await a.upload('uploadGroupSharedFile', { groupId }, describe(lab, { size: 100 + count }))).result.data.file_id);
      const listed = [];
      for (let pageNum = 1; pageNum <= 3; pageNum += 1) listed.push(...(await b.ask('getGroupSharedFilelist', { groupId, pageNum, pageSize: 2 })).data.map((one) => one.file_id));
      check.deepEqual([...listed].sort(), [...ids].sort());
      await stranger.refused('getGroupSharedFilelist', { groupId, pageNum: 1, pageSize: 10 });
      check.equal((await stranger.downloadBy('downloadGroupSharedFile', { groupId, fileId: ids[0] })).ok, false);
      const put = await stranger.upload('uploadGroupSharedFile', { groupId }, describe(lab));
      check.equal(put.ok && Boolean(put.result.data?.file_id), false);
      check.equal((await b.ask('getGroupSharedFilelist', { groupId, pageNum: 1, pageSize: 10 })).data.length, 5);
    },
  },
];
