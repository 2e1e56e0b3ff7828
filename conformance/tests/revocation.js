// What is revoked is out at once: a token, a device, a user, an app, by the operator's command and through REST; and
// the same for who was deleted, deactivated or has a new password. Others do not notice.

import { setTimeout as pause } from 'node:timers/promises';
import { check } from '../lib/runner.js';
import { Talk } from '../lib/talk.js';
import { isError } from './rest-users.js';

/** What the SDK documents for who was thrown out. */
const REMOVED = 207;
const PASSWORD_CHANGED = 216;
const LOGGED_OUT = 217;
/** What the SDK documents for who is not let in. */
const INVALID_TOKEN = 28;
const SERVING_DISABLED = 57;
const USER_NOT_FOUND = 204;

/** From the answer to whoever revokes until the page of whoever is thrown out has the event. */
const AT_ONCE_MS = 1_000;
/** By how much the clock of a back end may be ahead. */
const SKEW_S = 60;
/** The exit codes of a command. */
const NO = 1;
const USAGE = 2;

/** What a user says to the password grant. */
export const byPassword = ({ username }, password) => ({ grant_type: 'password', username, password });

/** Checks a call of the back end that has to succeed; resolves with when its answer was there. */
async function done(call) {
  const answer = await call;
  const at = Date.now();
  check.equal(answer.status, 200, answer.text);
  return { at, answer };
}

/** The page has been told why it is thrown out, as the SDK documents it, in time, and once. */
export async function thrownOut(page, type, at) {
  const when = await page.when('onDisconnected');
  check.ok(when - at <= AT_ONCE_MS, `${page.label} was told ${when - at} ms after the answer`);
  check.deepEqual(page.seen('onDisconnected').map((one) => one.type), [type]);
  check.ok(page.seen('onError').some((one) => one.type === type));
  check.equal((await page.call('isOpened')).result, false);
}

/**
 * The pages do not come back by themselves: while another client, whose connection breaks after theirs was ended, is
 * back again, none of them has tried.
 */
export async function stayAway(pages, control) {
  await control.severed();
  for (const page of pages) {
    check.equal(page.seen('onReconnecting').length, 0);
    check.equal(page.seen('onConnected').length, 1);
    check.equal(page.sockets, 1);
  }
}

/** Logs in with what must be refused, with that code of the SDK's; the server closes the socket. */
export async function noEntry(page, user, accessToken, code) {
  const before = page.seen('onDisconnected').length;
  const outcome = await page.login({ user: user.username, accessToken });
  check.equal(outcome.ok, false);
  check.equal(outcome.error.type, code, outcome.error.message);
  await page.several('onDisconnected', before + 1);
  check.equal(page.seen('onDisconnected').at(-1).type, code);
}

/** Lets a user in with that token, and a message from the sender reaches it. */
export async function entersAndHears(tenant, page, user, token, sender) {
  await tenant.enters(page, user, token);
  await hears(tenant, page, user, sender);
}

/** A message from the sender reaches the page of the user. */
export async function hears(tenant, page, user, sender) {
  const sent = await sender.text(user.username, tenant.lab.secrets.text());
  check.equal(sent.ok, true, JSON.stringify(sent.error));
  await page.event('onTextMessage', (one) => one.id === sent.serverMsgId);
}

/** Resolves when that second, counted since 1970, has begun. */
const untilSecond = (second) => pause(second * 1_000 - Date.now() + 5);

/** What the SDK's own REST call comes to on a page that was thrown out. */
async function sdkCallIsRefused(page) {
  const error = await page.refused('getContacts');
  check.match(JSON.stringify(error), /auth_bad_access_token|unauthorized|forbidden_op|service_resource_not_found/);
}

/** The operator's command about a user. */
const command = (...words) => (tenant, user) => tenant.lab.server.operate(['user', ...words, '--app', tenant.appKey, '--user', user.username]);

/** Gives a user a new password, and remembers the former one. */
function withNewPassword(tenant, user) {
  user.former = user.password;
  user.password = tenant.lab.secrets.password();
  return user.password;
}

/** What is done to a user, by the command and through REST, and what it comes to. */
const ACTS = [
  {
    what: 'a revoked user',
    type: LOGGED_OUT,
    command: command('revoke'),
    rest: (tenant, user) => done(tenant.ask('POST', `/token/users/${user.username}/invalid`)),
  },
  {
    what: 'a user with a new password',
    type: PASSWORD_CHANGED,
    command: (tenant, user) => tenant.lab.server.operate(['user', 'set-password', '--app', tenant.appKey, '--user', user.username, '--password-file', '-'], withNewPassword(tenant, user)),
    rest: (tenant, user) => done(tenant.ask('PUT', `/users/${user.username}/password`, { newpassword: withNewPassword(tenant, user) })),
    back: async (tenant, user) => isError(await tenant.rest.call('POST', '/token', { json: byPassword(user, user.former) }), 400, 'invalid_grant'),
  },
  {
    what: 'a deactivated user',
    type: REMOVED,
    status: 403,
    code: SERVING_DISABLED,
    command: command('deactivate'),
    rest: (tenant, user) => done(tenant.ask('POST', `/users/${user.username}/deactivate`)),
    async back(tenant, user) {
      isError(await tenant.ask('POST', '/token', { grant_type: 'inherit', username: user.username }), 403);
      isError(await tenant.rest.call('POST', '/token', { json: byPassword(user, user.password) }), 403);
      await done(tenant.ask('POST', `/users/${user.username}/activate`));
    },
  },
  {
    what: 'a deleted user',
    type: REMOVED,
    // There is nobody whom the token could be of.
    status: 404,
    code: USER_NOT_FOUND,
    command: command('delete'),
    rest: (tenant, user) => done(tenant.ask('DELETE', `/users/${user.username}`)),
    /** Whoever registers the name is another person, whom the tokens of the former one do not let in. */
    async back(tenant, user) {
      isError(await tenant.ask('POST', '/token', { grant_type: 'inherit', username: user.username }), 404);
      Object.assign(user, await tenant.user(user.username));
    },
  },
];

/** What is done to a user on two devices, while two talk in the same app and two in another one. */
async function expulsion(scope, act, by) {
  const { lab } = scope;
  const { tenant } = lab;
  const [user, peer] = [await tenant.user(), await tenant.user()];
  const pages = [await tenant.online(scope, user), await tenant.online(scope, user)];
  const sender = await tenant.online(scope, peer);
  const elsewhere = await lab.newTenant();
  const talks = [await Talk.begin(scope, tenant), await Talk.begin(scope, elsewhere)];
  const granted = await tenant.granted(byPassword(user, user.password));
  const inherited = await tenant.inherited(user);
  const tokens = [...pages.map(({ token }) => token), granted, inherited];
  for (const token of tokens) check.equal(await tenant.status(user, token), 200);

  const { at } = await act[by](tenant, user);
  // From the answer on: nothing is waited for in between.
  const { status = 401, code = INVALID_TOKEN } = act;
  const statuses = await Promise.all(tokens.map((token) => tenant.status(user, token)));
  check.deepEqual(statuses, tokens.map(() => status));
  for (const page of pages) await thrownOut(page, act.type, at);
  await stayAway(pages, sender);
  for (const talk of talks) await talk.goesOn();

  const [page, other] = pages;
  for (const one of pages) await sdkCallIsRefused(one);
  await noEntry(page, user, page.token, code);
  await act.back?.(tenant, user);
  // The app's back end: now, and by a clock that is as far ahead as it may be.
  const early = Date.now() - at < (SKEW_S - 5) * 1_000;
  check.ok(early, 'too slow to say anything of the minute');
  const made = [...tokens, tenant.tokens.user(user.username), tenant.tokens.aged(user.username, 1 - SKEW_S + Math.ceil((Date.now() - at) / 1_000), 3600)];
  for (const token of made) check.equal(await tenant.status(user, token), 401);
  for (const token of [page.token, tenant.tokens.user(user.username)]) await noEntry(page, user, token, INVALID_TOKEN);
  // The server's own clock needs no minute.
  await entersAndHears(tenant, page, user, await tenant.inherited(user), sender);
  await entersAndHears(tenant, other, user, await tenant.granted(byPassword(user, user.password)), sender);
  check.equal(sender.seen('onDisconnected').length, 0);
  for (const talk of talks) await talk.end(check);
}

const WAYS = { command: 'by the command', rest: 'through REST' };

/** A token of a user's, or of an app's back end, is revoked. */
const REVOKE_TOKEN = {
  command: (tenant, token) => tenant.lab.server.operate(['user', 'revoke-token', '--app', tenant.appKey, '--token-file', '-'], token),
  rest: async (tenant, token) => done(tenant.ask('POST', '/token/invalid', { token })),
};

/** One of two devices is revoked; resolves with how many tokens went with it. */
const REVOKE_DEVICE = {
  async command(tenant, user, resource) {
    const { at, json } = await command('revoke', '--device', resource)(tenant, user);
    return { at, tokens: json.tokens };
  },
  async rest(tenant, user, resource) {
    const { at, answer } = await done(tenant.ask('POST', `/token/users/${user.username}/devices/${resource}/invalid`));
    check.equal(answer.body.data.result, true);
    return { at, tokens: answer.body.data.tokens };
  },
};

export const tests = [
  ...ACTS.flatMap((act) =>
    Object.entries(WAYS).map(([by, words]) => ({
      name: `${act.what} is out at once, ${words}: event ${act.type}, no call, no login`,
      timeout: 90_000,
      covers: ['event:onDisconnected', 'event:onError'],
      run: (scope) => expulsion(scope, act, by),
    })),
  ),
  ...Object.entries(WAYS).map(([by, words]) => ({
    name: `a revoked token ends the sessions that it let in, ${words}; the user's others stay`,
    timeout: 90_000,
    async run(scope) {
      const { tenant } = scope.lab;
      const [user, peer] = [await tenant.user(), await tenant.user()];
      const stolen = tenant.tokens.user(user.username);
      const [page, twin, kept] = [await tenant.online(scope, user, stolen), await tenant.online(scope, user, stolen), await tenant.online(scope, user)];
      const sender = await tenant.online(scope, peer);
      const talk = await Talk.begin(scope, tenant);
      const { at } = await REVOKE_TOKEN[by](tenant, stolen);
      check.deepEqual(await Promise.all([stolen, kept.token].map((token) => tenant.status(user, token))), [401, 200]);
      for (const one of [page, twin]) await thrownOut(one, LOGGED_OUT, at);
      await stayAway([page, twin], sender);
      await sdkCallIsRefused(page);
      await noEntry(page, user, stolen, INVALID_TOKEN);
      // Nor does it renew a session; which goes on as it was.
      check.match(JSON.stringify(await kept.refused('renewToken', stolen)), /auth_bad_access_token|unauthorized/);
      check.equal(await kept.get('token'), kept.token);
      // Every other token of the user is as good as before.
      await entersAndHears(tenant, page, user, tenant.tokens.user(user.username), sender);
      // To say it again is a mistake of nobody's, and changes nothing.
      await REVOKE_TOKEN[by](tenant, stolen);
      await entersAndHears(tenant, twin, user, tenant.tokens.user(user.username), sender);
      check.equal((await kept.several('onTextMessage', 2)).length, 2);
      check.equal(kept.seen('onDisconnected').length, 0);
      await talk.end(check);
    },
  })),
  {
    name: 'a revoked token ends the sessions that it renewed, though another one let them in',
    covers: ['renewToken', 'event:onDisconnected'],
    async run(scope) {
      const { tenant } = scope.lab;
      const [user, peer] = [await tenant.user(), await tenant.user()];
      const [page, other, sender] = [await tenant.online(scope, user), await tenant.online(scope, user), await tenant.online(scope, peer)];
      const renewal = tenant.tokens.user(user.username);
      // A renewal names no device: it counts for all sessions of the user.
      await page.ask('renewToken', renewal);
      const { at } = await REVOKE_TOKEN.command(tenant, renewal);
      for (const one of [page, other]) await thrownOut(one, LOGGED_OUT, at);
      await stayAway([page, other], sender);
      check.equal(await tenant.status(user, renewal), 401);
      // The one that let it in was not revoked.
      await entersAndHears(tenant, page, user, page.token, sender);
    },
  },
  {
    name: 'a renewal by what was revoked is refused, and the session ends when it would have',
    timeout: 90_000,
    covers: ['renewToken', 'event:onTokenWillExpire', 'event:onTokenExpired'],
    async run(scope) {
      const { tenant } = scope.lab;
      const user = await tenant.user();
      const page = await scope.device();
      const revoked = tenant.tokens.user(user.username);
      await REVOKE_TOKEN.command(tenant, revoked);
      const seconds = 10;
      const token = tenant.tokens.user(user.username, seconds);
      const latest = Date.now() + seconds * 1_000;
      await tenant.enters(page, user, token);
      await page.event('onTokenWillExpire');
      check.match(JSON.stringify(await page.refused('renewToken', revoked)), /auth_bad_access_token|unauthorized/);
      const ended = await page.when('onTokenExpired');
      check.ok(ended <= latest + AT_ONCE_MS, `${ended - latest} ms after the end of the token that let it in`);
      await page.event('onDisconnected');
      await noEntry(page, user, revoked, INVALID_TOKEN);
    },
  },
  {
    name: 'after a revoked user is back: what the back end makes within the minute renews nothing',
    covers: ['renewToken'],
    async run(scope) {
      const { tenant } = scope.lab;
      const [user, peer] = [await tenant.user(), await tenant.user()];
      const [page, sender] = [await tenant.online(scope, user), await tenant.online(scope, peer)];
      const { at } = await command('revoke')(tenant, user);
      await thrownOut(page, LOGGED_OUT, at);
      // A client that is out cannot renew itself in.
      check.equal((await page.call('renewToken', tenant.tokens.user(user.username))).ok, false);
      const granted = await tenant.inherited(user);
      await entersAndHears(tenant, page, user, granted, sender);
      check.match(JSON.stringify(await page.refused('renewToken', tenant.tokens.user(user.username))), /auth_bad_access_token|unauthorized/);
      const further = await tenant.inherited(user);
      check.equal((await page.ask('renewToken', further)).token, further);
      await hears(tenant, page, user, sender);
      check.equal(page.seen('onDisconnected').length, 1);
    },
  },
  {
    name: 'a revoked token of a back end opens nothing, and no session ends',
    async run(scope) {
      const { tenant } = scope.lab;
      const [user, peer] = [await tenant.user(), await tenant.user()];
      const [page, sender] = [await tenant.online(scope, user), await tenant.online(scope, peer)];
      for (const by of Object.keys(WAYS)) {
        const [leaked, other] = [tenant.tokens.app(600), tenant.tokens.app(900)];
        const list = async (token) => (await tenant.rest.call('GET', '/users?limit=1', { token })).status;
        check.deepEqual([await list(leaked), await list(other)], [200, 200]);
        await REVOKE_TOKEN[by](tenant, leaked);
        check.deepEqual([await list(leaked), await list(other)], [401, 200]);
        isError(await tenant.ask('POST', '/token', { grant_type: 'inherit', username: user.username }, leaked), 401);
      }
      const sent = await sender.text(user.username, scope.secrets.text());
      await page.event('onTextMessage', (one) => one.id === sent.serverMsgId);
      check.equal(page.seen('onDisconnected').length, 0);
    },
  },
  ...Object.entries(WAYS).map(([by, words]) => ({
    name: `a revoked device is out at once, ${words}; the user's other device stays`,
    timeout: 90_000,
    covers: ['event:onDisconnected'],
    async run(scope) {
      const { tenant } = scope.lab;
      const [user, peer] = [await tenant.user(), await tenant.user()];
      const [lost, kept, sender] = [await tenant.online(scope, user), await tenant.online(scope, user), await tenant.online(scope, peer)];
      check.notEqual(lost.resource, kept.resource);
      const talk = await Talk.begin(scope, tenant);
      const { at, tokens } = await REVOKE_DEVICE[by](tenant, user, lost.resource);
      check.deepEqual(await Promise.all([lost, kept].map(({ token }) => tenant.status(user, token))), [401, 200]);
      check.equal(tokens, 1);
      await thrownOut(lost, LOGGED_OUT, at);
      await stayAway([lost], sender);
      await sdkCallIsRefused(lost);
      await noEntry(lost, user, lost.token, INVALID_TOKEN);
      const sent = await sender.text(user.username, scope.secrets.text());
      await kept.event('onTextMessage', (one) => one.id === sent.serverMsgId);
      // What the back end makes within the minute does not let that device in, but calls name no device, and another
      // device is another one.
      const made = tenant.tokens.user(user.username);
      const inherited = await tenant.inherited(user);
      await noEntry(lost, user, made, INVALID_TOKEN);
      check.equal(await tenant.status(user, made), 200);
      await tenant.online(scope, user, made);
      await entersAndHears(tenant, lost, user, inherited, sender);
      check.equal(kept.seen('onDisconnected').length, 0);
      check.equal(kept.sockets, 1);
      // A device that is offline has tokens that nobody knows.
      const offline = await REVOKE_DEVICE[by](tenant, user, scope.secrets.name('webim_'));
      check.equal(offline.tokens, 0);
      await talk.end(check);
    },
  })),
  {
    name: 'a device that shares its token takes the others with it that were let in by it',
    async run(scope) {
      const { tenant } = scope.lab;
      const user = await tenant.user();
      const shared = tenant.tokens.user(user.username);
      const [lost, twin, kept] = [await tenant.online(scope, user, shared), await tenant.online(scope, user, shared), await tenant.online(scope, user)];
      const { at, tokens } = await REVOKE_DEVICE.command(tenant, user, lost.resource);
      check.equal(tokens, 1);
      for (const one of [lost, twin]) await thrownOut(one, LOGGED_OUT, at);
      check.deepEqual(await Promise.all([shared, kept.token].map((token) => tenant.status(user, token))), [401, 200]);
      // Only the one device is shut out for the minute.
      await entersAndHears(tenant, twin, user, tenant.tokens.user(user.username), kept);
      await noEntry(lost, user, tenant.tokens.user(user.username), INVALID_TOKEN);
      check.equal(kept.seen('onDisconnected').length, 0);
    },
  },
  {
    name: 'a revoked app: everybody is out at once, its back end too; the other app does not notice',
    timeout: 90_000,
    covers: ['event:onDisconnected'],
    async run(scope) {
      const { lab } = scope;
      const tenant = await lab.newTenant('token_or_password');
      const [alice, bob] = [await tenant.user(), await tenant.user()];
      const [a, b] = [await tenant.online(scope, alice), await tenant.online(scope, bob)];
      const elsewhere = await Talk.begin(scope, lab.tenant);
      const backEnd = tenant.tokens.app();
      const tokens = [a.token, b.token, await tenant.inherited(alice), await tenant.granted(byPassword(alice, alice.password))];
      const { at, json } = await lab.server.operate(['app', 'revoke', '--key', tenant.appKey]);
      const statuses = await Promise.all(tokens.map((token) => tenant.status(alice, token)));
      check.deepEqual(statuses, tokens.map(() => 401));
      check.ok(Math.abs(json.revokedUntil - at) < 5_000);
      for (const page of [a, b]) await thrownOut(page, LOGGED_OUT, at);
      await stayAway([a, b], await lab.tenant.online(scope, await lab.tenant.user()));
      for (const page of [a, b]) await sdkCallIsRefused(page);
      await noEntry(a, alice, a.token, INVALID_TOKEN);
      await noEntry(a, alice, tenant.tokens.user(alice.username), INVALID_TOKEN);
      for (const token of [backEnd, tenant.tokens.app()]) isError(await tenant.ask('GET', '/users', undefined, token), 401);
      // Who proves to be somebody is given a token that is good.
      const { appId, certificate } = tenant.app;
      const anew = await tenant.granted({ grant_type: 'client_credentials', client_id: appId, client_secret: certificate });
      await tenant.enters(b, bob, await tenant.inherited(bob, anew));
      await entersAndHears(tenant, a, alice, await tenant.granted(byPassword(alice, alice.password)), b);
      await elsewhere.end(check);
    },
  },
  {
    name: 'the minute after a revocation is that of the clock skew: later tokens of the back end are good',
    async run(scope) {
      const { lab } = scope;
      const tenant = await lab.newTenant();
      const skew = 2;
      await lab.server.setApp(tenant.appKey, 'clock-skew', skew);
      const [user, peer] = [await tenant.user(), await tenant.user()];
      const [page, sender] = [await tenant.online(scope, user), await tenant.online(scope, peer)];
      const { at } = await command('revoke')(tenant, user);
      await thrownOut(page, LOGGED_OUT, at);
      const refused = tenant.tokens.user(user.username);
      await noEntry(page, user, refused, INVALID_TOKEN);
      await untilSecond(Math.floor(at / 1_000) + skew + 1);
      await entersAndHears(tenant, page, user, tenant.tokens.user(user.username), sender);
      check.equal(await tenant.status(user, refused), 401);
    },
  },
  {
    name: 'a deleted app: everybody is told 207, nothing answers for it, and its name begins anew',
    timeout: 90_000,
    covers: ['event:onDisconnected'],
    async run(scope) {
      const { lab } = scope;
      const tenant = await lab.newTenant();
      const [alice, bob] = [await tenant.user(), await tenant.user()];
      const [a, b] = [await tenant.online(scope, alice), await tenant.online(scope, bob)];
      check.equal((await a.text(bob.username, scope.secrets.text())).ok, true);
      const elsewhere = await Talk.begin(scope, lab.tenant);
      const otherwise = await lab.server.command(['app', 'delete', '--key', tenant.appKey, '--confirm', lab.tenant.appKey]);
      check.equal(otherwise.code, 2);
      check.equal(await tenant.status(alice, a.token), 200);
      const { at } = await lab.server.operate(['app', 'delete', '--key', tenant.appKey, '--confirm', tenant.appKey]);
      check.equal(await tenant.status(alice, a.token), 404);
      isError(await tenant.ask('GET', '/users'), 404);
      for (const page of [a, b]) await thrownOut(page, REMOVED, at);
      await stayAway([a, b], await lab.tenant.online(scope, await lab.tenant.user()));
      await noEntry(a, alice, a.token, INVALID_TOKEN);
      const { lines } = await lab.server.operate(['app', 'list']);
      check.equal(lines.some((one) => one.appKey === tenant.appKey), false);
      check.ok(lines.some((one) => one.appKey === lab.tenant.appKey));
      // Another app of that name is another app.
      const heir = await lab.newTenant('token', tenant.appKey);
      check.notEqual(heir.app.appId, tenant.app.appId);
      check.notEqual(heir.app.certificate, tenant.app.certificate);
      check.equal((await heir.ask('GET', '/users')).body.entities.length, 0);
      check.equal(await tenant.status(alice, a.token), 401);
      await noEntry(a, alice, a.token, INVALID_TOKEN);
      await heir.user(alice.username);
      await heir.enters(b, await heir.user(bob.username));
      const history = await b.ask('getHistoryMessages', { targetId: alice.username, chatType: 'singleChat', pageSize: 50 });
      check.deepEqual(history.messages, []);
      await elsewhere.end(check);
    },
  },
  {
    name: 'only the back end revokes, and only what there is',
    async run({ lab }) {
      const { tenant } = lab;
      const [user, other] = [await tenant.user(), await tenant.user()];
      const token = tenant.tokens.user(user.username);
      for (const path of [`/token/users/${user.username}/invalid`, `/token/users/${other.username}/invalid`, `/token/users/${user.username}/devices/web/invalid`, '/token/invalid']) {
        isError(await tenant.ask('POST', path, { token }, token), [401, 403]);
        isError(await tenant.rest.call('POST', path, { json: { token } }), 401);
        isError(await tenant.ask('POST', path, { token }, lab.other.tokens.app()), 401);
      }
      check.equal(await tenant.status(user, token), 200);
      const nobody = lab.secrets.name();
      isError(await tenant.ask('POST', `/token/users/${nobody}/invalid`), 404);
      isError(await tenant.ask('POST', `/token/users/${nobody}/devices/web/invalid`), 404);
      check.equal((await lab.server.command(['user', 'revoke', '--app', tenant.appKey, '--user', nobody])).code, NO);
      const [forged, foreign, expired] = [tenant.tokens.forged(user.username), lab.other.tokens.user(user.username), tenant.tokens.aged(user.username, 7200, 3600)];
      for (const bad of ['garbage', '', forged, foreign, expired]) {
        isError(await tenant.ask('POST', '/token/invalid', { token: bad }), 400, undefined, /token/);
        const answer = await lab.server.command(['user', 'revoke-token', '--app', tenant.appKey, '--token-file', '-'], bad);
        check.ok([NO, USAGE].includes(answer.code), `exit code ${answer.code}`);
        if (bad) check.equal(answer.stderr.includes(bad), false);
      }
      isError(await tenant.ask('POST', '/token/invalid', {}), 400, undefined, /token/);
    },
  },
];
