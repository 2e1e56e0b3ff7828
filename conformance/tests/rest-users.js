// Users through REST, as a back end manages them, and what it means for their sessions.

import { check } from '../lib/runner.js';

const PASSWORD_CHANGED = 216;
const LOGGED_OUT = 217;
const REMOVED = 207;
const INVALID_TOKEN = 28;

/** The fields of a user object. */
function isUser(entity, username) {
  check.equal(entity.username, username);
  check.equal(entity.type, 'user');
  check.match(entity.uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/);
  check.equal(typeof entity.created, 'number');
  check.equal(typeof entity.modified, 'number');
  check.ok(Math.abs(entity.created - Date.now()) < 600_000);
  check.equal(typeof entity.activated, 'boolean');
}

/** The common envelope. */
function isEnvelope(body, lab, action) {
  const { demo } = lab.server;
  check.equal(body.action, action);
  check.equal(body.organization, demo.orgName);
  check.equal(body.applicationName, demo.appName);
  check.equal(typeof body.application, 'string');
  check.equal(typeof body.uri, 'string');
  check.ok(Math.abs(body.timestamp - Date.now()) < 60_000);
  check.equal(typeof body.duration, 'number');
}

/** A refusal: the status, and the fields of the error envelope. */
export function isError(answer, statuses, error, text) {
  check.ok([statuses].flat().includes(answer.status), `HTTP ${answer.status} ${answer.text.slice(0, 300)}, wanted ${statuses}`);
  check.equal(typeof answer.body, 'object', `not JSON: ${answer.text.slice(0, 100)}`);
  check.equal(typeof answer.body.error, 'string');
  check.equal(typeof answer.body.error_description, 'string');
  check.equal(typeof answer.body.timestamp, 'number');
  check.equal(typeof answer.body.duration, 'number');
  check.equal(typeof answer.body.exception, 'string');
  if (error) check.ok([error].flat().includes(answer.body.error), `error ${answer.body.error}, wanted ${error}: ${answer.text.slice(0, 300)}`);
  if (text) check.match(answer.body.error_description, text);
}

const hasUsers = (scope) => ({ ...scope, token: scope.lab.admin, call: (method, path, more) => scope.lab.rest.call(method, path, { token: scope.lab.admin, ...more }) });

export const tests = [
  {
    name: 'register one',
    async run(scope) {
      const { lab, call } = hasUsers(scope);
      const username = lab.secrets.name();
      const password = lab.secrets.password();
      const nickname = lab.secrets.text('Ünï');
      const answer = await call('POST', '/users', { json: { username, password, nickname } });
      check.equal(answer.status, 200, answer.text);
      isEnvelope(answer.body, lab, 'post');
      check.equal(answer.body.path, '/users');
      check.equal(answer.body.entities.length, 1);
      isUser(answer.body.entities[0], username);
      check.equal(answer.body.entities[0].activated, true);
      lab.secrets.add('user uuid', answer.body.entities[0].uuid);
      check.equal(answer.text.includes(password), false);
      const again = await call('POST', '/users', { json: { username, password } });
      isError(again, 400, 'duplicate_unique_property_exists', /unique/);
      const got = await call('GET', `/users/${username}`);
      check.equal(got.body.entities[0].nickname, nickname);
    },
  },
  {
    name: 'register many: those that exist are named, the others are made',
    async run(scope) {
      const { lab, call } = hasUsers(scope);
      const known = await lab.user();
      const names = Array.from({ length: 12 }, () => lab.secrets.name());
      const answer = await call('POST', '/users', { json: [...names, known.username].map((username) => ({ username, password: lab.secrets.password() })) });
      check.equal(answer.status, 200, answer.text);
      isEnvelope(answer.body, lab, 'post');
      check.deepEqual(answer.body.entities.map((one) => one.username).sort(), [...names].sort());
      for (const entity of answer.body.entities) isUser(entity, entity.username);
      check.deepEqual(answer.body.data.map((one) => one.username), [known.username]);
      check.match(answer.body.data[0].registerUserFailReason, /already exists/);
      for (const entity of answer.body.entities) lab.secrets.add('user uuid', entity.uuid);
      const none = await call('POST', '/users', { json: [{ username: lab.secrets.name(), password: lab.secrets.password() }] });
      check.deepEqual(none.body.data, []);
      const most = await call('POST', '/users', { json: Array.from({ length: 61 }, () => ({ username: lab.secrets.name(), password: lab.secrets.password() })) });
      isError(most, 400, undefined, /60/);
    },
  },
  {
    name: 'names that are not legal are refused by name and rule',
    async run(scope) {
      const { lab, call } = hasUsers(scope);
      const long = 'n'.repeat(65);
      for (const username of ['', long, 'has space', 'slash/ed', 'ümlaut', 'emoji😀', 'a#b', 'x\u0000y']) {
        isError(await call('POST', '/users', { json: { username, password: lab.secrets.password() } }), 400, 'illegal_argument', /username|legal/i);
      }
      isError(await call('POST', '/users', { json: { password: lab.secrets.password() } }), 400, 'illegal_argument', /username/);
      isError(await call('POST', '/users', { json: { username: lab.secrets.name(), password: 'p'.repeat(200) } }), 400, undefined, /password/);
      const longest = lab.secrets.name().padEnd(64, 'x');
      const answer = await call('POST', '/users', { json: { username: lab.secrets.add('user name', longest), password: lab.secrets.password() } });
      check.equal(answer.status, 200, answer.text);
    },
  },
  {
    name: 'who may register: an app token, not a user, not anyone',
    async run({ lab }) {
      const user = await lab.user();
      const json = () => ({ username: lab.secrets.name(), password: lab.secrets.password() });
      isError(await lab.rest.call('POST', '/users', { json: json() }), 401, ['unauthorized', 'auth_bad_access_token']);
      isError(await lab.rest.call('POST', '/users', { json: json(), token: lab.token(user) }), [401, 403]);
      isError(await lab.rest.call('POST', '/users', { json: json(), token: lab.tokens.forged('') }), 401);
      isError(await lab.rest.call('POST', '/users', { json: json(), token: lab.tokens.foreign('') }), 401);
      isError(await lab.rest.call('POST', '/users', { json: json(), token: 'garbage' }), 401);
    },
  },
  {
    name: 'get one, by an app token and by the user',
    async run(scope) {
      const { lab, call } = hasUsers(scope);
      const [user, other] = await lab.users(2);
      const answer = await call('GET', `/users/${user.username}`);
      check.equal(answer.status, 200, answer.text);
      isEnvelope(answer.body, lab, 'get');
      isUser(answer.body.entities[0], user.username);
      check.equal(answer.body.entities[0].uuid, user.uuid);
      check.equal(answer.body.count, 1);
      check.equal((await call('GET', `/users/${user.username}`, { token: lab.token(user) })).status, 200);
      isError(await call('GET', `/users/${other.username}`, { token: lab.token(user) }), [401, 403]);
      isError(await call('GET', `/users/${lab.secrets.name()}`), 404, 'service_resource_not_found');
    },
  },
  {
    name: 'list by cursor: everyone once, in order of registration, no cursor at the end',
    async run(scope) {
      const { lab, call } = hasUsers(scope);
      const made = [];
      for (let count = 0; count < 7; count += 1) made.push((await lab.user()).username);
      const all = [];
      let cursor;
      for (let page = 0; page < 500; page += 1) {
        const answer = await call('GET', `/users?limit=50${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`);
        check.equal(answer.status, 200, answer.text);
        check.ok(answer.body.entities.length <= 50);
        check.equal(answer.body.count, answer.body.entities.length);
        all.push(...answer.body.entities);
        if (!('cursor' in answer.body)) break;
        check.notEqual(answer.body.cursor, cursor);
        cursor = answer.body.cursor;
      }
      const names = all.map((one) => one.username);
      check.equal(new Set(names).size, names.length);
      check.deepEqual(names.filter((name) => made.includes(name)), made);
      for (let at = 1; at < all.length; at += 1) check.ok(all[at].created >= all[at - 1].created);
      check.equal((await call('GET', '/users')).body.entities.length, 10);
      check.equal((await call('GET', '/users?limit=3&cursor=undefined')).body.entities.length, 3);
      for (const query of ['limit=0', 'limit=101', 'limit=-1', 'limit=many']) isError(await call('GET', `/users?${query}`), 400, undefined, /limit/);
      isError(await call('GET', '/users?cursor=%00nonsense'), 400, undefined, /cursor/);
      isError(await call('GET', '/users', { token: lab.token(await lab.user()) }), [401, 403]);
    },
  },
  {
    name: 'delete: the user is gone, the session ends, and the name begins anew',
    async run(scope) {
      const { lab, call, device } = hasUsers(scope);
      const [user, peer] = await lab.users(2);
      const [page, sender] = [await device(), await device()];
      await lab.login(page, user);
      await lab.login(sender, peer);
      const before = await sender.text(user.username, lab.secrets.text());
      check.equal(before.ok, true);
      const token = lab.token(user);
      const answer = await call('DELETE', `/users/${user.username}`);
      check.equal(answer.status, 200, answer.text);
      isEnvelope(answer.body, lab, 'delete');
      check.equal(answer.body.entities[0].username, user.username);
      check.equal((await page.event('onDisconnected')).type, REMOVED);
      isError(await call('GET', `/users/${user.username}`), 404, 'service_resource_not_found');
      isError(await call('DELETE', `/users/${user.username}`), 404, 'service_resource_not_found');
      isError(await call('GET', `/users/${user.username}`, { token }), [401, 404]);
      const late = await device({ autoReconnectNumMax: 0 });
      check.equal((await late.login({ user: user.username, accessToken: token })).error.type, 204);
      const anew = await call('POST', '/users', { json: { username: user.username, password: lab.secrets.password() } });
      check.equal(anew.status, 200, anew.text);
      lab.secrets.add('user uuid', anew.body.entities[0].uuid);
      check.notEqual(anew.body.entities[0].uuid, user.uuid);
      // For a minute the back end's tokens of that name could still be those of whoever had it before.
      const heir = await device();
      check.equal((await heir.login({ user: user.username, accessToken: lab.token(user) })).error.type, INVALID_TOKEN);
      await lab.tenant.enters(heir, user, await lab.tenant.inherited(user));
      const history = await heir.call('getHistoryMessages', { targetId: peer.username, chatType: 'singleChat', pageSize: 50 });
      check.deepEqual(history.result.messages, []);
    },
  },
  {
    name: 'delete by uuid, and several by cursor',
    async run(scope) {
      const { lab, call } = hasUsers(scope);
      const user = await lab.user();
      check.equal((await call('DELETE', `/users/${user.uuid}`)).status, 200);
      isError(await call('GET', `/users/${user.username}`), 404);
    },
  },
  {
    name: 'a new password ends the sessions with 216, and the old one is void',
    async run(scope) {
      const { lab, call, device } = hasUsers(scope);
      const user = await lab.user();
      const [page, second] = [await device(), await device()];
      await lab.login(page, user);
      await lab.login(second, user);
      const newpassword = lab.secrets.password();
      const answer = await call('PUT', `/users/${user.username}/password`, { json: { newpassword } });
      check.equal(answer.status, 200, answer.text);
      check.equal(answer.body.action, 'set user password');
      for (const one of [page, second]) check.equal((await one.event('onDisconnected')).type, PASSWORD_CHANGED);
      check.equal((await page.login({ user: user.username, pwd: user.password })).ok, false);
      const outcome = await page.login({ user: user.username, pwd: newpassword });
      check.equal(outcome.ok, true, JSON.stringify(outcome.error));
      lab.secrets.token(await page.get('token'));
      isError(await call('PUT', `/users/${user.username}/password`, { json: {} }), 400, undefined, /newpassword/);
      isError(await call('PUT', `/users/${lab.secrets.name()}/password`, { json: { newpassword } }), [400, 404]);
      isError(await call('PUT', `/users/${user.username}/password`, { json: { newpassword }, token: lab.token(user) }), [401, 403]);
    },
  },
  {
    name: 'a token from a password grant is void after the password changed',
    async run(scope) {
      const { lab, call } = hasUsers(scope);
      const user = await lab.user();
      const grant = await lab.rest.call('POST', '/token', { json: { grant_type: 'password', username: user.username, password: user.password } });
      check.equal(grant.status, 200, grant.text);
      const token = lab.secrets.token(grant.body.access_token);
      check.equal((await call('GET', `/users/${user.username}`, { token })).status, 200);
      check.equal((await call('PUT', `/users/${user.username}/password`, { json: { newpassword: lab.secrets.password() } })).status, 200);
      isError(await call('GET', `/users/${user.username}`, { token }), 401);
    },
  },
  {
    name: 'forced logout ends every session with 217; by GET and by POST',
    async run(scope) {
      const { lab, call, device } = hasUsers(scope);
      for (const method of ['GET', 'POST']) {
        const user = await lab.user();
        const [one, two] = [await device(), await device()];
        await lab.login(one, user);
        await lab.login(two, user);
        const answer = await call(method, `/users/${user.username}/disconnect`);
        check.equal(answer.status, 200, answer.text);
        check.equal(answer.body.data.result, true);
        for (const page of [one, two]) check.equal((await page.event('onDisconnected')).type, LOGGED_OUT);
      }
      isError(await call('GET', `/users/${lab.secrets.name()}/disconnect`), 404, 'service_resource_not_found');
    },
  },
  {
    name: 'forced logout of one device leaves the other',
    async run(scope) {
      const { lab, call, device } = hasUsers(scope);
      const [user, peer] = await lab.users(2);
      const [gone, stays, sender] = [await device(), await device(), await device()];
      await lab.login(gone, user);
      await lab.login(stays, user);
      await lab.login(sender, peer);
      const answer = await call('DELETE', `/users/${user.username}/disconnect/${gone.resource}`);
      check.equal(answer.status, 200, answer.text);
      check.equal(answer.body.data.result, true);
      check.equal((await gone.event('onDisconnected')).type, LOGGED_OUT);
      const sent = await sender.text(user.username, lab.secrets.text());
      await stays.event('onTextMessage', (one) => one.id === sent.serverMsgId);
      check.equal(stays.seen('onDisconnected').length, 0);
    },
  },
  {
    name: 'deactivate ends the session and refuses logins until activate',
    async run(scope) {
      const { lab, call, device } = hasUsers(scope);
      const user = await lab.user();
      const page = await device({ autoReconnectNumMax: 0 });
      await lab.login(page, user);
      const answer = await call('POST', `/users/${user.username}/deactivate`);
      check.equal(answer.status, 200, answer.text);
      check.equal(answer.body.action, 'Deactivate user');
      check.equal(answer.body.entities[0].activated, false);
      await page.event('onDisconnected');
      check.equal((await page.login({ user: user.username, accessToken: lab.token(user) })).ok, false);
      check.equal((await page.login({ user: user.username, pwd: user.password })).ok, false);
      check.equal((await call('GET', `/users/${user.username}`)).body.entities[0].activated, false);
      const back = await call('POST', `/users/${user.username}/activate`);
      check.equal(back.status, 200, back.text);
      check.equal(back.body.action, 'activate user');
      // What was made before stays revoked; what the server issues now is good.
      check.equal((await page.login({ user: user.username, accessToken: lab.token(user) })).error.type, INVALID_TOKEN);
      const outcome = await page.login({ user: user.username, accessToken: await lab.tenant.inherited(user) });
      check.equal(outcome.ok, true, JSON.stringify(outcome.error));
    },
  },
  {
    name: 'online status, of one and of many, and the devices',
    async run(scope) {
      const { lab, call, device } = hasUsers(scope);
      const [on, off] = await lab.users(2);
      const unknown = lab.secrets.name();
      const page = await device();
      await lab.login(page, on);
      const status = async (name) => (await call('GET', `/users/${name}/status`)).body.data[name];
      check.equal(await status(on.username), 'online');
      check.equal(await status(off.username), 'offline');
      const batch = await call('POST', '/users/batch/status', { json: { usernames: [on.username, off.username, unknown] } });
      check.equal(batch.status, 200, batch.text);
      check.equal(batch.body.action, 'get batch user status');
      check.deepEqual(batch.body.data, [{ [on.username]: 'online' }, { [off.username]: 'offline' }, { [unknown]: 'offline' }]);
      isError(await call('POST', '/users/batch/status', { json: { usernames: Array.from({ length: 101 }, (_, at) => `u${at}`) } }), 400, undefined, /100|usernames/);
      isError(await call('POST', '/users/batch/status', { json: {} }), 400, undefined, /usernames/);
      const devices = await call('GET', `/users/${on.username}/resources`);
      check.equal(devices.status, 200, devices.text);
      check.deepEqual(devices.body.data.map((one) => one.res), [page.resource]);
      check.equal(devices.body.data[0].device_name, 'webim');
      check.match(devices.body.data[0].device_uuid, /^web_/);
      check.deepEqual((await call('GET', `/users/${off.username}/resources`)).body.data, []);
      await page.close();
      await lab.offline(on);
      check.equal(await status(on.username), 'offline');
    },
  },
];
