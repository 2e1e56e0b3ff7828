// A new App Certificate while clients talk: both are good for the overlap, clients renew and stay, and who did not
// renew goes. And what else the app's owner decides about tokens, as open sessions notice it.

import { existsSync, readFileSync } from 'node:fs';
import { check } from '../lib/runner.js';
import { Talk } from '../lib/talk.js';
import { isError } from './rest-users.js';
import { byPassword, entersAndHears, hears, noEntry, stayAway, thrownOut } from './revocation.js';

/** What the SDK documents for who was thrown out, and for who is not let in. */
const LOGGED_OUT = 217;
const INVALID_TOKEN = 28;
const TOKEN_EXPIRED = 56;
/** The exit code of a command that was refused. */
const NO = 1;
/** How long until a session ends whose end came nearer: the cap of the life of tokens, and a moment. */
const LEFT_MS = 60_000 + 10_000;
/** In which a client that was told of its end has to have acted on it. */
const PROMPT_MS = 2_000;
/** The shortest cap of the life of tokens. */
const CAP_S = 60;

const listed = async (tenant) => (await tenant.lab.server.operate(['app', 'certificate', 'list', '--key', tenant.appKey])).lines;
const retire = (tenant, slot, ...more) => tenant.lab.server.operate(['app', 'certificate', 'retire', '--key', tenant.appKey, '--slot', slot, ...more]);

/** The status of a call about the users of the app with an app token. */
const asApp = async (tenant, tokens) => (await tenant.rest.call('GET', '/users?limit=1', { token: tokens.app() })).status;

/** Both sides of a talk renew with tokens of another certificate, as `onTokenWillExpire` has an app do. */
async function renew(talk, tokens) {
  for (const { user, page } of talk.sides) {
    const token = tokens.user(user.username);
    const renewed = await page.ask('renewToken', token);
    check.equal(renewed.status, true);
    check.equal(await page.get('token'), token);
    page.token = token;
  }
}

/** A call for an app token by what a back end knows of its app. */
const byCertificate = (tenant, { certificate }) => tenant.rest.call('POST', '/token', { json: { grant_type: 'client_credentials', client_id: tenant.app.appId, client_secret: certificate } });

/** An app with two who talk and one who never renews; its certificate is rotated, and its back end has the new one. */
async function rotated(scope, overlap, auth) {
  const { lab } = scope;
  const tenant = await lab.newTenant(auth);
  const talk = await Talk.begin(scope, tenant);
  const late = await tenant.user();
  const laggard = await tenant.online(scope, late);
  const former = tenant.tokens;
  const { answer, certificate } = await lab.server.rotate(tenant.appKey, overlap);
  return { tenant, talk, late, laggard, answer, former, current: tenant.use(certificate) };
}

export const tests = [
  {
    name: 'whose end came nearer, by an overlap or by a cap, and who was not told: the server ends the session',
    timeout: 240_000,
    covers: ['event:onDisconnected'],
    async run(scope) {
      const { lab } = scope;
      const [turned, capped] = [await lab.newTenant(), await lab.newTenant()];
      const sessions = [];
      for (const tenant of [turned, capped]) {
        const [user, peer] = [await tenant.user(), await tenant.user()];
        sessions.push({ tenant, user, peer, page: await scope.device({ appKey: tenant.appKey }), stays: await tenant.online(scope, peer) });
      }
      const [first, second] = sessions;
      await turned.enters(first.page, first.user);
      const { certificate, answer } = await lab.server.rotate(turned.appKey, 10);
      turned.use(certificate);
      await first.stays.ask('renewToken', turned.tokens.user(first.peer.username));
      await capped.enters(second.page, second.user, capped.tokens.aged(second.user.username, CAP_S - 20, 3600));
      await lab.server.setApp(capped.appKey, 'token-cap', CAP_S);
      check.equal(second.page.seen('onDisconnected').length, 0);
      for (const { tenant, user, page } of sessions) {
        const gone = await page.when('onDisconnected', undefined, LEFT_MS);
        check.ok(gone > answer.at);
        check.equal(await tenant.status(user, page.token), 401);
        check.equal(page.seen('onConnected').length, 1);
        check.equal(page.seen('onDisconnected')[0].type, LOGGED_OUT);
      }
      const { tenant, user, page, stays, peer } = first;
      check.equal(stays.seen('onDisconnected').length, 0);
      await entersAndHears(tenant, page, user, tenant.tokens.user(user.username), stays);
      await hears(tenant, stays, peer, page);
    },
  },
  {
    name: 'two talk through a rotation: they renew within the overlap and stay; who did not is out when it is retired',
    timeout: 120_000,
    covers: ['renewToken', 'event:onDisconnected'],
    async run(scope) {
      const { server } = scope.lab;
      const { tenant, talk, late, laggard, answer, former, current } = await rotated(scope, 3600, 'token_or_password');
      const [one, other] = answer.json.certificates;
      check.deepEqual([one.slot, one.retires, other.slot], ['primary', null, 'secondary']);
      check.ok(Math.abs(other.retires - one.created - 3_600_000) < 1_000);
      check.equal(answer.stdout.includes(current.certificate), false);
      check.deepEqual(await listed(tenant), answer.json.certificates);
      await talk.goesOn();
      // Both open everything for the overlap.
      const guest = await tenant.user();
      for (const tokens of [former, current]) {
        const page = await tenant.online(scope, guest, tokens.user(guest.username));
        await hears(tenant, page, guest, laggard);
        check.equal(await asApp(tenant, tokens), 200);
        check.equal((await byCertificate(tenant, tokens)).status, 200);
        await page.dispose();
      }
      // There is no third one.
      const file = server.certificateFile();
      check.equal((await server.command(['app', 'certificate', 'rotate', '--key', tenant.appKey, '--certificate-file', file])).code, NO);
      check.equal(existsSync(file), false);

      await renew(talk, current);
      await talk.goesOn();
      const { at } = await retire(tenant, 'secondary');
      check.equal(await tenant.status(late, laggard.token), 401);
      await thrownOut(laggard, LOGGED_OUT, at);
      await stayAway([laggard], await tenant.online(scope, guest));
      await talk.goesOn();
      await noEntry(laggard, late, former.user(late.username), INVALID_TOKEN);
      check.deepEqual([await asApp(tenant, former), await asApp(tenant, current)], [401, 200]);
      isError(await byCertificate(tenant, former), [400, 401], 'invalid_grant', /client_secret/);
      check.deepEqual((await listed(tenant)).map(({ fingerprint }) => fingerprint), [one.fingerprint]);
      await entersAndHears(tenant, laggard, late, current.user(late.username), await tenant.online(scope, guest));
      await talk.end(check);
    },
  },
  {
    name: 'a certificate that leaked takes with it all that it ever let in, also those who have renewed',
    timeout: 120_000,
    covers: ['renewToken', 'event:onDisconnected'],
    async run(scope) {
      const { tenant, talk: renewed, late, laggard, current } = await rotated(scope, 3600);
      const pages = [laggard, ...renewed.sides.map(({ page }) => page)];
      await renew(renewed, current);
      // Those who came in by the new one have nothing to do with it.
      const others = await Talk.begin(scope, tenant);
      const elsewhere = await Talk.begin(scope, scope.lab.tenant);
      await renewed.goesOn();
      await renewed.end(check);
      const { at } = await retire(tenant, 'secondary', '--leaked');
      check.equal(await tenant.status(late, laggard.token), 401);
      for (const page of pages) await thrownOut(page, LOGGED_OUT, at);
      const sender = await tenant.online(scope, await tenant.user());
      await stayAway(pages, sender);
      await others.goesOn();
      // What they renewed with is not what leaked: it lets them in again.
      const [{ user, page }] = renewed.sides;
      check.equal(await tenant.status(user, page.token), 200);
      await entersAndHears(tenant, page, user, page.token, sender);
      await noEntry(laggard, late, laggard.token, INVALID_TOKEN);
      await entersAndHears(tenant, laggard, late, current.user(late.username), sender);
      await others.end(check);
      await elsewhere.end(check);
    },
  },
  {
    name: 'no overlap: whoever has not renewed is out with the answer',
    covers: ['event:onDisconnected'],
    async run(scope) {
      const { lab } = scope;
      const tenant = await lab.newTenant();
      const [alice, bob] = [await tenant.user(), await tenant.user()];
      const [a, b] = [await tenant.online(scope, alice), await tenant.online(scope, bob)];
      // What Stoa itself has issued for the back end has no part in its certificate.
      await b.ask('renewToken', await tenant.inherited(bob));
      const { answer, certificate } = await lab.server.rotate(tenant.appKey, 0);
      check.equal(await tenant.status(alice, a.token), 401);
      await thrownOut(a, LOGGED_OUT, answer.at);
      check.equal(answer.json.certificates.length, 1);
      tenant.use(certificate);
      await entersAndHears(tenant, a, alice, tenant.tokens.user(alice.username), b);
      check.equal(b.seen('onDisconnected').length, 0);
    },
  },
  {
    name: 'a certificate is added, takes the first place, and the former one is retired',
    timeout: 90_000,
    covers: ['renewToken', 'event:onDisconnected'],
    async run(scope) {
      const { lab } = scope;
      const tenant = await lab.newTenant();
      const former = tenant.tokens;
      const late = await tenant.user();
      const laggard = await tenant.online(scope, late);
      const talk = await Talk.begin(scope, tenant);
      const file = lab.server.certificateFile();
      await lab.server.operate(['app', 'certificate', 'add', '--key', tenant.appKey, '--certificate-file', file]);
      tenant.use(readFileSync(file, 'utf8').trim());
      const [first, second] = await listed(tenant);
      await lab.server.operate(['app', 'certificate', 'swap', '--key', tenant.appKey]);
      check.deepEqual((await listed(tenant)).map(({ fingerprint }) => fingerprint), [second.fingerprint, first.fingerprint]);
      check.deepEqual([await asApp(tenant, former), await asApp(tenant, tenant.tokens)], [200, 200]);
      await renew(talk, tenant.tokens);
      await talk.goesOn();
      check.equal(laggard.seen('onDisconnected').length, 0);
      const { at } = await retire(tenant, 'secondary');
      check.deepEqual([await asApp(tenant, former), await asApp(tenant, tenant.tokens)], [401, 200]);
      await thrownOut(laggard, LOGGED_OUT, at);
      // The last one stays.
      const last = await lab.server.command(['app', 'certificate', 'retire', '--key', tenant.appKey, '--slot', 'primary']);
      check.equal(last.code, NO);
      await talk.goesOn();
      await talk.end(check);
    },
  },
  {
    name: 'a short overlap ends by itself: for calls, logins, and clients that came in by the former certificate',
    timeout: 90_000,
    covers: ['renewToken', 'event:onTokenWillExpire', 'event:onTokenExpired', 'event:onDisconnected'],
    async run(scope) {
      const { tenant, talk, late, laggard, answer, former } = await rotated(scope, 20);
      const [, { retires: ends }] = answer.json.certificates;
      await renew(talk, tenant.tokens);
      // Who comes in now is told the end of the overlap as the end of the token.
      const guest = await tenant.user();
      const told = await tenant.online(scope, guest, former.user(guest.username));
      const when = await tenant.rest.call('GET', `/sdk/users/${guest.username}/token/expires`, { token: told.token });
      check.equal(when.body.expire_timestamp, ends);
      check.equal(await tenant.status(late, laggard.token), 200);
      check.ok(Date.now() < ends, 'too slow for the overlap');
      await told.event('onTokenWillExpire');
      const expired = await told.when('onTokenExpired');
      check.ok(Math.abs(expired - ends) < PROMPT_MS, `${expired - ends} ms after the end`);
      await told.event('onDisconnected');
      check.deepEqual([await tenant.status(late, laggard.token), await asApp(tenant, former), await asApp(tenant, tenant.tokens)], [401, 401, 200]);
      await noEntry(told, guest, former.user(guest.username), INVALID_TOKEN);
      await talk.goesOn();
      await talk.end(check);
    },
  },
  {
    name: 'a shorter cap holds for open sessions: who is over it is out at once, who asks is told the new end',
    timeout: 90_000,
    covers: ['renewToken', 'event:onTokenWillExpire', 'event:onTokenExpired', 'event:onDisconnected'],
    async run(scope) {
      const { lab } = scope;
      const tenant = await lab.newTenant();
      const [alice, bob] = [await tenant.user(), await tenant.user()];
      const over = await tenant.online(scope, alice, tenant.tokens.aged(alice.username, CAP_S + 1, 3600));
      const fresh = await tenant.online(scope, alice);
      const sender = await tenant.online(scope, bob);
      const { at } = await lab.server.setApp(tenant.appKey, 'token-cap', CAP_S);
      check.deepEqual([await tenant.status(alice, over.token), await tenant.status(alice, fresh.token)], [401, 200]);
      await thrownOut(over, LOGGED_OUT, at);
      await stayAway([over], await tenant.online(scope, await tenant.user()));
      await noEntry(over, alice, over.token, TOKEN_EXPIRED);
      await hears(tenant, fresh, alice, sender);
      // By renewal, by login, and for what the server issues itself.
      const renewed = await fresh.ask('renewToken', tenant.tokens.user(alice.username));
      check.ok(Math.abs(renewed.expire - Date.now() - CAP_S * 1_000) < PROMPT_MS);
      const granted = await tenant.inherited(alice);
      const until = await tenant.rest.call('GET', `/sdk/users/${alice.username}/token/expires`, { token: granted });
      check.ok(until.body.expire_timestamp - Date.now() <= CAP_S * 1_000);
      const nearly = tenant.tokens.aged(bob.username, CAP_S - 8, 3600);
      const { expire } = await sender.ask('renewToken', nearly);
      check.ok(Math.abs(expire - Date.now() - 8_000) < PROMPT_MS, `${expire - Date.now()} ms`);
      await sender.event('onTokenWillExpire');
      const closed = await sender.when('onTokenExpired');
      check.ok(Math.abs(closed - expire) < PROMPT_MS, `${closed - expire} ms after the end`);
      await sender.event('onDisconnected');
      check.equal(await tenant.status(bob, nearly), 401);
      check.equal(fresh.seen('onDisconnected').length, 0);
    },
  },
  {
    name: 'an app that takes only tokens from now on ends what a password let in, and nothing else',
    timeout: 90_000,
    covers: ['event:onDisconnected'],
    async run(scope) {
      const { lab } = scope;
      const tenant = await lab.newTenant('token_or_password');
      const user = await tenant.user();
      const talk = await Talk.begin(scope, tenant);
      const byPass = await scope.device({ appKey: tenant.appKey });
      const outcome = await byPass.login({ user: user.username, pwd: user.password });
      check.equal(outcome.ok, true, JSON.stringify(outcome.error));
      await byPass.event('onConnected');
      const token = lab.secrets.token(await byPass.get('token'));
      const { at } = await lab.server.setApp(tenant.appKey, 'auth', 'token');
      check.equal(await tenant.status(user, token), 401);
      await thrownOut(byPass, LOGGED_OUT, at);
      await noEntry(byPass, user, token, INVALID_TOKEN);
      isError(await tenant.rest.call('POST', '/token', { json: byPassword(user, user.password) }), [400, 401, 403]);
      await tenant.enters(byPass, user);
      await talk.goesOn();
      await talk.end(check);
    },
  },
];
