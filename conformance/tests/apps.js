// Two apps on one server: the same names in both, and nothing passes from one to the other.

import { check } from '../lib/runner.js';
import { isError } from './rest-users.js';

/** Registers a user of the given name in both apps. */
async function namesakes(lab) {
  const username = lab.secrets.name();
  const result = { username };
  for (const [which, rest, tokens] of [['here', lab.rest, lab.tokens], ['there', lab.other.rest, lab.other.tokens]]) {
    const answer = await rest.call('POST', '/users', { token: tokens.app(), json: { username, password: lab.secrets.password() } });
    check.equal(answer.status, 200, answer.text);
    result[which] = lab.secrets.add('user uuid', answer.body.entities[0].uuid);
  }
  check.notEqual(result.here, result.there);
  return result;
}

async function online(device, lab, user, app) {
  const page = await device({ appKey: app.appKey });
  const outcome = await page.login({ user: user.username, accessToken: app.tokens.user(user.username) });
  check.equal(outcome.ok, true, JSON.stringify(outcome.error));
  await page.event('onConnected');
  return page;
}

const apps = (lab) => [{ appKey: lab.server.demo.appKey, tokens: lab.tokens }, lab.other];

export const tests = [
  {
    name: 'namesakes in two apps: each gets the messages of its own app only',
    async run({ lab, device }) {
      const [alice, bob] = [await namesakes(lab), await namesakes(lab)];
      const pairs = [];
      for (const app of apps(lab)) pairs.push({ a: await online(device, lab, alice, app), b: await online(device, lab, bob, app) });
      for (const { a } of pairs) {
        const texts = Array.from({ length: 10 }, () => lab.secrets.text());
        const sent = await a.sendAll(texts.map((msg) => ({ type: 'txt', to: bob.username, msg })));
        check.equal(sent.every((one) => one.ok), true);
        a.sent = { texts, ids: sent.map((one) => one.serverMsgId) };
      }
      for (const { a, b } of pairs) {
        const got = await b.several('onTextMessage', 10);
        check.deepEqual(got.map((one) => one.msg), a.sent.texts);
        const history = await b.call('getHistoryMessages', { targetId: alice.username, chatType: 'singleChat', pageSize: 50, searchDirection: 'down' });
        check.deepEqual(history.result.messages.map((one) => one.id), a.sent.ids);
        check.equal(b.seen('onTextMessage').length, 10);
      }
    },
  },
  {
    name: 'a token of one app opens nothing in the other',
    async run({ lab, device }) {
      const user = await namesakes(lab);
      const [here, there] = apps(lab);
      for (const [app, stranger] of [[here, there], [there, here]]) {
        for (const id of [user.username, user.here, user.there]) {
          const page = await device({ appKey: app.appKey, autoReconnectNumMax: 0 });
          const outcome = await page.login({ user: user.username, accessToken: stranger.tokens.user(id) });
          check.equal(outcome.ok, false);
          check.equal(outcome.error.type, 28);
          await page.event('onDisconnected');
          await page.dispose();
        }
      }
      for (const [rest, tokens] of [[lab.rest, lab.other.tokens], [lab.other.rest, lab.tokens]]) {
        for (const token of [tokens.app(), tokens.user(user.username)]) {
          isError(await rest.call('GET', `/users/${user.username}`, { token }), 401);
          isError(await rest.call('GET', '/users', { token }), 401);
          isError(await rest.call('DELETE', `/users/${user.username}`, { token }), 401);
          isError(await rest.call('POST', '/token', { token, json: { grant_type: 'inherit', username: user.username } }), 401);
        }
      }
    },
  },
  {
    name: 'the uuid of a namesake in the other app is nobody here',
    async run({ lab, device }) {
      const user = await namesakes(lab);
      const page = await device({ autoReconnectNumMax: 0 });
      const outcome = await page.login({ user: user.username, accessToken: lab.tokens.user(user.there) });
      check.equal(outcome.ok, false);
      check.ok([28, 204].includes(outcome.error.type), `code ${outcome.error.type}`);
      isError(await lab.rest.call('DELETE', `/users/${user.there}`, { token: lab.tokens.app() }), 404);
      check.equal((await lab.other.rest.call('GET', `/users/${user.username}`, { token: lab.other.tokens.app() })).status, 200);
    },
  },
  {
    name: 'deleting a user in one app leaves the namesake in the other, online',
    async run({ lab, device }) {
      const [user, peer] = [await namesakes(lab), await namesakes(lab)];
      const [here, there] = apps(lab);
      const [gone, stays, writer] = [await online(device, lab, user, here), await online(device, lab, user, there), await online(device, lab, peer, there)];
      check.equal((await lab.rest.call('DELETE', `/users/${user.username}`, { token: lab.tokens.app() })).status, 200);
      await gone.event('onDisconnected');
      const sent = await writer.text(user.username, lab.secrets.text());
      await stays.event('onTextMessage', (one) => one.id === sent.serverMsgId);
      check.equal(stays.seen('onDisconnected').length, 0);
      const status = await lab.other.rest.call('GET', `/users/${user.username}/status`, { token: lab.other.tokens.app() });
      check.equal(status.body.data[user.username], 'online');
    },
  },
  {
    name: 'lists hold the users of their own app',
    async run({ lab }) {
      const only = lab.secrets.name();
      const made = await lab.other.rest.call('POST', '/users', { token: lab.other.tokens.app(), json: { username: only } });
      check.equal(made.status, 200, made.text);
      lab.secrets.add('user uuid', made.body.entities[0].uuid);
      isError(await lab.rest.call('GET', `/users/${only}`, { token: lab.tokens.app() }), 404);
      const list = await lab.other.rest.call('GET', '/users?limit=100', { token: lab.other.tokens.app() });
      const names = list.body.entities.map((one) => one.username);
      check.ok(names.includes(only));
      check.equal(names.includes(lab.server.demo.users[0].username), false);
    },
  },
  {
    name: 'an app that takes only tokens grants none for a password',
    async run({ lab, device }) {
      const username = lab.secrets.name();
      const password = lab.secrets.password();
      const made = await lab.other.rest.call('POST', '/users', { token: lab.other.tokens.app(), json: { username, password } });
      check.equal(made.status, 200, made.text);
      lab.secrets.add('user uuid', made.body.entities[0].uuid);
      const answer = await lab.other.rest.call('POST', '/token', { json: { grant_type: 'password', username, password } });
      isError(answer, [400, 401, 403]);
      const page = await device({ appKey: lab.other.appKey });
      check.equal((await page.login({ user: username, pwd: password })).ok, false);
      isError(await lab.other.rest.call('POST', '/users', { json: { username: lab.secrets.name(), password } }), 401);
    },
  },
  {
    name: 'the DNS document leads each App ID to its own app key',
    async run({ lab }) {
      for (const { appId, appKey } of [lab.server.demo, lab.other]) {
        const answer = await lab.rest.call('GET', `${lab.server.demo.restUrl}/easemob/server.json?app_id=${appId}&sdk_version=4.10.0&file_version=1`);
        check.equal(answer.body.app_key, appKey);
      }
    },
  },
];
