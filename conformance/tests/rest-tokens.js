// POST /token: the three grants, and who gets none.

import { check } from '../lib/runner.js';
import { isError } from './rest-users.js';

const DAY = 86_400;

export const tests = [
  {
    name: 'password: a token that works for REST and for login',
    async run({ lab, device }) {
      const user = await lab.user();
      const answer = await lab.rest.call('POST', '/token', { json: { grant_type: 'password', username: user.username, password: user.password, timestamp: Date.now() } });
      check.equal(answer.status, 200, answer.text);
      const token = lab.secrets.token(answer.body.access_token);
      check.match(token, /^007/);
      check.ok(answer.body.expires_in > 0 && answer.body.expires_in <= DAY);
      check.equal(answer.body.user.username, user.username);
      check.equal(answer.body.user.uuid, user.uuid);
      check.equal(answer.body.user.activated, true);
      check.equal((await lab.rest.call('GET', `/users/${user.username}`, { token })).status, 200);
      isError(await lab.rest.call('GET', '/users', { token }), [401, 403]);
      const page = await device();
      const outcome = await page.login({ user: user.username, accessToken: token });
      check.equal(outcome.ok, true, JSON.stringify(outcome.error));
    },
  },
  {
    name: 'password: the lifetime asked for, up to a day',
    async run({ lab }) {
      const user = await lab.user();
      const grant = async (ttl) => {
        const answer = await lab.rest.call('POST', '/token', { json: { grant_type: 'password', username: user.username, password: user.password, ttl } });
        check.equal(answer.status, 200, answer.text);
        lab.secrets.token(answer.body.access_token);
        return answer.body.expires_in;
      };
      check.equal(await grant(600), 600);
      check.equal(await grant(10 * DAY), DAY);
      check.equal(await grant(0), DAY);
    },
  },
  {
    name: 'password: wrong, unknown and missing are refused without a hint',
    async run({ lab }) {
      const user = await lab.user();
      const grant = (json) => lab.rest.call('POST', '/token', { json: { grant_type: 'password', ...json } });
      const wrong = await grant({ username: user.username, password: lab.secrets.password() });
      const unknown = await grant({ username: lab.secrets.name(), password: lab.secrets.password() });
      for (const answer of [wrong, unknown]) isError(answer, 400, 'invalid_grant', /invalid (username or )?password/);
      check.equal(wrong.body.error_description, unknown.body.error_description);
      isError(await grant({ username: user.username }), 400, undefined, /password/);
      isError(await grant({ password: user.password }), 400, undefined, /username/);
    },
  },
  {
    name: 'client credentials: an app token; wrong ones get none',
    async run({ lab }) {
      const { appId, certificate } = lab.server.demo;
      const grant = (json) => lab.rest.call('POST', '/token', { json: { grant_type: 'client_credentials', ...json } });
      const answer = await grant({ client_id: appId, client_secret: certificate });
      check.equal(answer.status, 200, answer.text);
      const token = lab.secrets.token(answer.body.access_token);
      check.equal(typeof answer.body.application, 'string');
      check.ok(answer.body.expires_in > 0);
      check.equal((await lab.rest.call('GET', '/users?limit=1', { token })).status, 200);
      isError(await grant({ client_id: appId, client_secret: 'f'.repeat(32) }), [400, 401], 'invalid_grant', /client_secret/);
      isError(await grant({ client_id: 'f'.repeat(32), client_secret: certificate }), [400, 401], 'invalid_grant', /client_id/);
      isError(await grant({ client_id: appId }), 400, undefined, /client_secret/);
      isError(await grant({ client_secret: certificate }), 400, undefined, /client_id/);
    },
  },
  {
    name: 'inherit: a back end gets a user\'s token, and can have the user made',
    async run({ lab, device }) {
      const user = await lab.user();
      const grant = (json, token = lab.admin) => lab.rest.call('POST', '/token', { token, json: { grant_type: 'inherit', ...json } });
      const answer = await grant({ username: user.username });
      check.equal(answer.status, 200, answer.text);
      lab.secrets.token(answer.body.access_token);
      check.equal(answer.body.user.username, user.username);
      const page = await device();
      check.equal((await page.login({ user: user.username, accessToken: answer.body.access_token })).ok, true);
      const fresh = lab.secrets.name();
      isError(await grant({ username: fresh }), 404);
      const made = await grant({ username: fresh, autoCreateUser: true });
      check.equal(made.status, 200, made.text);
      lab.secrets.token(made.body.access_token);
      lab.secrets.add('user uuid', made.body.user.uuid);
      check.equal((await lab.rest.call('GET', `/users/${fresh}`, { token: lab.admin })).status, 200);
      isError(await grant({ username: user.username }, lab.token(user)), [401, 403]);
      isError(await grant({ username: user.username }, ''), 401);
    },
  },
  {
    name: 'a grant of another kind is refused by name',
    async run({ lab }) {
      for (const grant_type of ['refresh_token', '', 7, null, undefined]) {
        isError(await lab.rest.call('POST', '/token', { json: { grant_type } }), 400, undefined, /grant_type/);
      }
    },
  },
];
