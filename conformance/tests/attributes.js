// What users say of themselves, read by others.

import { check } from '../lib/runner.js';

const profile = (lab) => ({
  nickname: lab.secrets.of('user attribute', 'Ünï & = +'),
  avatarurl: `https://pictures.example.org/${lab.secrets.of('user attribute')}?a=1&b=2`,
  mail: `${lab.secrets.of('user attribute')}@example.org`,
  phone: '+49 30 123456',
  gender: '2',
  sign: lab.secrets.of('user attribute', '“carpe diem” 🌻'),
  birth: '2000-02-29',
  ext: JSON.stringify({ note: lab.secrets.of('user attribute'), list: [1, 2] }),
});

export const tests = [
  {
    name: 'all attributes in one call are read by another, all or some',
    covers: ['updateUserInfo', 'fetchUserInfoById'],
    async run({ lab, people }) {
      const [[alice, a], [bob, b]] = await people(2);
      const mine = profile(lab);
      const answer = await a.ask('updateUserInfo', mine);
      for (const [key, value] of Object.entries(mine)) check.equal(answer.data[key], value, key);
      const all = (await b.ask('fetchUserInfoById', alice.username)).data;
      check.deepEqual(all[alice.username], mine);
      const some = (await b.ask('fetchUserInfoById', [alice.username, bob.username], ['nickname', 'sign'])).data;
      check.deepEqual(some[alice.username], { nickname: mine.nickname, sign: mine.sign });
      check.deepEqual(some[bob.username] ?? {}, {});
    },
  },
  {
    name: 'one attribute alone leaves the others as they were',
    covers: ['updateUserInfo', 'fetchUserInfoById'],
    async run({ lab, people }) {
      const [[alice, a], [, b]] = await people(2);
      const mine = profile(lab);
      await a.ask('updateUserInfo', mine);
      const nickname = lab.secrets.of('user attribute');
      await a.ask('updateUserInfo', 'nickname', nickname);
      check.deepEqual((await b.ask('fetchUserInfoById', [alice.username])).data[alice.username], { ...mine, nickname });
    },
  },
  {
    name: 'too much is refused, and nothing changes',
    async run({ lab, people }) {
      const [[alice, a], [, b]] = await people(2);
      const mine = profile(lab);
      await a.ask('updateUserInfo', mine);
      await a.refused('updateUserInfo', { ext: 'x'.repeat(4_000) });
      check.deepEqual((await b.ask('fetchUserInfoById', alice.username)).data[alice.username], mine);
    },
  },
  {
    name: 'the nickname of the account is set by its user',
    covers: ['updateCurrentUserNick'],
    async run({ lab, people }) {
      const [[alice, a]] = await people(2);
      const nickname = lab.secrets.of('nickname');
      const answer = await a.ask('updateCurrentUserNick', nickname);
      check.equal(answer.entities[0].nickname, nickname);
      const seen = await lab.rest.call('GET', `/users/${alice.username}`, { token: lab.admin });
      check.equal(seen.body.entities[0].nickname, nickname);
    },
  },
  {
    name: 'nobody changes the attributes of another',
    async run({ lab, people }) {
      const [[alice, a], [bob, b]] = await people(2);
      const mine = profile(lab);
      await a.ask('updateUserInfo', mine);
      const answer = await lab.rest.call('PUT', `/metadata/user/${alice.username}`, {
        token: lab.token(bob),
        body: 'nickname=taken',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      });
      check.ok([401, 403].includes(answer.status), `HTTP ${answer.status}`);
      check.deepEqual((await b.ask('fetchUserInfoById', alice.username)).data[alice.username], mine);
    },
  },
];
