// The life of a token during a session.

import { check } from '../lib/runner.js';

export const tests = [
  {
    name: 'a renewed token carries the session past the end of the first one',
    covers: ['renewToken', 'event:onTokenWillExpire'],
    timeout: 90_000,
    async run({ lab, device }) {
      const [alice, bob] = await lab.users(2);
      const [a, b] = [await device(), await device()];
      await lab.login(b, bob);
      const outcome = await a.login({ user: alice.username, accessToken: lab.token(alice, 8) });
      check.equal(outcome.ok, true, JSON.stringify(outcome.error));
      await a.event('onTokenWillExpire');
      const token = lab.token(alice, 3600);
      const renewed = await a.call('renewToken', token);
      check.equal(renewed.ok, true, JSON.stringify(renewed.error));
      check.equal(await a.get('token'), token);
      // Another session whose token is as old as the first one here marks the moment of its end.
      const clock = await device();
      await clock.login({ user: bob.username, accessToken: lab.token(bob, 6) });
      await clock.event('onTokenExpired');
      check.equal(a.seen('onTokenExpired').length, 0);
      const sent = await a.text(bob.username, lab.secrets.text());
      check.equal(sent.ok, true, JSON.stringify(sent.error));
      await b.event('onTextMessage', (one) => one.id === sent.serverMsgId);
      check.equal(a.seen('onDisconnected').length, 0);
    },
  },
  {
    name: 'without renewal the app is warned, then told, and the session ends',
    covers: ['event:onTokenWillExpire', 'event:onTokenExpired'],
    async run({ lab, device }) {
      const alice = await lab.user();
      const a = await device();
      const started = Date.now();
      const outcome = await a.login({ user: alice.username, accessToken: lab.token(alice, 6) });
      check.equal(outcome.ok, true, JSON.stringify(outcome.error));
      await a.event('onTokenWillExpire');
      check.equal(a.seen('onTokenExpired').length, 0);
      await a.event('onTokenExpired');
      const lasted = Date.now() - started;
      check.ok(lasted > 3_000 && lasted < 15_000, `${lasted} ms`);
      await a.event('onDisconnected');
      const again = await a.login({ user: alice.username, accessToken: await a.get('token') });
      check.equal(again.ok, false);
    },
  },
  {
    name: 'renewing with a bad token is refused and the session goes on',
    async run({ lab, device }) {
      const [alice, bob] = await lab.users(2);
      const a = await device();
      await lab.login(a, alice);
      const good = await a.get('token');
      for (const token of [lab.tokens.forged(alice.username), lab.tokens.foreign(alice.username), lab.token(bob), lab.tokens.aged(alice.username, 7200, 3600)]) {
        const outcome = await a.call('renewToken', token);
        check.equal(outcome.ok, false);
      }
      await a.call('renewToken', good);
      check.equal((await a.text(bob.username, lab.secrets.text())).ok, true);
    },
  },
  {
    name: 'the time of expiry is absolute and that of the token',
    async run({ lab }) {
      const alice = await lab.user();
      const seconds = 600;
      const token = lab.token(alice, seconds);
      const now = Date.now();
      const answer = await lab.rest.call('GET', `/sdk/users/${alice.username}/token/expires?_v=${now}`, { token });
      check.equal(answer.status, 200, answer.text);
      check.ok(Math.abs(answer.body.expire_timestamp - (now + seconds * 1000)) < 5_000);
      const bob = await lab.user();
      const foreign = await lab.rest.call('GET', `/sdk/users/${bob.username}/token/expires`, { token });
      check.ok([401, 403].includes(foreign.status), `HTTP ${foreign.status}`);
    },
  },
];
