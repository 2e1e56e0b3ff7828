// REST bodies that no honest client sends: never a server error, and a message that helps.

import { check } from '../lib/runner.js';
import { isError } from './rest-users.js';

const JSON_REFUSED = [400, 413, 415, 422];

export const tests = [
  {
    name: 'a field of the wrong type is named, with what is allowed',
    async run({ lab }) {
      const user = await lab.user();
      const call = (method, path, json) => lab.rest.call(method, path, { token: lab.admin, json });
      for (const wrong of [7, true, null, {}, []]) {
        isError(await call('POST', '/users', { username: wrong, password: 'x' }), 400, undefined, /username/);
        isError(await call('PUT', `/users/${user.username}/password`, { newpassword: wrong }), 400, undefined, /newpassword/);
        isError(await call('POST', '/token', { grant_type: 'password', username: wrong, password: 'x' }), 400, undefined, /username/);
        if (!Array.isArray(wrong)) isError(await call('POST', '/users/batch/status', { usernames: wrong }), 400, undefined, /usernames/);
      }
      isError(await call('POST', '/users/batch/status', { usernames: [7] }), 400, undefined, /usernames/);
      isError(await call('POST', '/users', { username: lab.secrets.name(), password: 42 }), 400, undefined, /password.*string/i);
      isError(await call('POST', '/token', { grant_type: 'password', username: user.username, password: user.password, ttl: 'long' }), 400, undefined, /ttl/);
      isError(await call('POST', '/users', [{ username: lab.secrets.name(), password: 'x' }, 'not an object']), 400);
    },
  },
  {
    name: 'a body that is not JSON, or not an object, is refused as such',
    async run({ lab }) {
      for (const body of ['', '{', 'null', '"text"', '7', 'true', '{"username":}', '\u0000', Buffer.from([0xff, 0xfe, 0x00]), '{"username":"a"} trailing', "{'username':'a'}", Buffer.from('{"username":"\xff\xfe"}', 'latin1')]) {
        for (const path of ['/users', '/token']) {
          isError(await lab.rest.call('POST', path, { token: lab.admin, body }), JSON_REFUSED);
        }
      }
      isError(await lab.rest.call('POST', '/users', { token: lab.admin, body: '{"username":' }), 400, 'json_parse');
    },
  },
  {
    name: 'a duplicate key is refused by name',
    async run({ lab }) {
      const [one, two] = [lab.secrets.name(), lab.secrets.name()];
      isError(await lab.rest.call('POST', '/users', { token: lab.admin, body: `{"username":"${one}","password":"pw","username":"${two}"}` }), 400, undefined, /username/);
      isError(await lab.rest.call('POST', '/token', { body: `{"grant_type":"password","grant_type":"inherit","username":"${one}","password":"x"}` }), 400, undefined, /grant_type/);
      for (const name of [one, two]) check.equal((await lab.rest.call('GET', `/users/${name}`, { token: lab.admin })).status, 404);
    },
  },
  {
    name: '10 MB are refused, and the next call is served',
    async run({ lab }) {
      const big = 'x'.repeat(10 << 20);
      for (const [path, json] of [['/users', { username: big }], ['/token', { grant_type: 'password', username: big, password: 'x' }]]) {
        let answer;
        try {
          answer = await lab.rest.call('POST', path, { token: lab.admin, json });
        } catch (error) {
          // The server may hang up on a body that it will not read.
          check.ok(['ECONNRESET', 'EPIPE', 'ECONNABORTED'].includes(error.code), error.code);
          continue;
        }
        isError(answer, [400, 413]);
      }
      check.equal((await lab.rest.call('GET', '/users?limit=1', { token: lab.admin })).status, 200);
    },
  },
  {
    name: 'deep nesting is refused',
    async run({ lab }) {
      for (const depth of [200, 5_000, 100_000]) {
        isError(await lab.rest.call('POST', '/users', { token: lab.admin, body: `${'['.repeat(depth)}${']'.repeat(depth)}` }), JSON_REFUSED);
        isError(await lab.rest.call('POST', '/token', { body: `{"grant_type":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}}` }), JSON_REFUSED);
      }
    },
  },
  {
    name: 'numbers beyond all bounds are refused, not bent',
    async run({ lab }) {
      const user = await lab.user();
      for (const ttl of ['1e400', '-1', '99999999999999999999', '1.5']) {
        const answer = await lab.rest.call('POST', '/token', { body: `{"grant_type":"password","username":"${user.username}","password":"${user.password}","ttl":${ttl}}` });
        isError(answer, 400);
      }
    },
  },
  {
    name: 'history asked for with nonsense is refused by field',
    async run({ lab }) {
      const [alice, bob] = await lab.users(2);
      const ask = (json) =>
        lab.rest.call('POST', `/users/${alice.username}/messageroaming`, {
          token: lab.token(alice),
          json: { queue: `${bob.username}@easemob.com`, start: -1, pull_number: 20, is_positive: false, end: -1, ...json },
        });
      check.equal((await ask({})).status, 200);
      isError(await ask({ pull_number: 'many' }), 400, undefined, /pull_number/);
      isError(await ask({ queue: 7 }), 400, undefined, /queue/);
      isError(await ask({ queue: undefined }), 400, undefined, /queue/);
      isError(await ask({ start: 'not a cursor' }), 400, undefined, /start/);
      isError(await ask({ is_positive: 'maybe' }), 400, undefined, /is_positive/);
    },
  },
  {
    name: 'paths and headers out of bounds get an answer, not an error of the server',
    async run({ lab }) {
      const paths = ['/users/%00', '/users/%ff%fe', `/users/${'a'.repeat(4_000)}`, '/users/..%2f..%2fetc%2fpasswd', '/users/%E2%80%AE', '/users/a%2Fb', '/users//status'];
      for (const path of paths) {
        const answer = await lab.rest.call('GET', path, { token: lab.admin });
        check.ok(answer.status >= 400 && answer.status < 500, `${path}: HTTP ${answer.status}`);
      }
      const long = await lab.rest.call('GET', '/users?limit=1', { token: 'x'.repeat(20_000) }).catch((error) => error);
      check.ok(long instanceof Error || [400, 401, 431].includes(long.status), `HTTP ${long.status}`);
      const type = await lab.rest.call('POST', '/users', { token: lab.admin, body: '<user/>', headers: { 'content-type': 'application/xml' } });
      isError(type, [400, 415]);
    },
  },
];
