// Login: each way in, and each refusal with the code that the SDK documents for it.

import { check } from '../lib/runner.js';

const CODE = { AUTH_FAILED: 2, INVALID_PARAMETER: -3, INVALID_TOKEN: 28, TOKEN_EXPIRED: 56, USER_NOT_FOUND: 204, REST: 1 };

/** Logs in with what must be refused, and checks the code of the rejection and of the disconnect. */
async function refused({ device }, options, codes, configure = {}) {
  const page = await device({ label: 'refused', autoReconnectNumMax: 0, ...configure });
  const outcome = await page.login(options);
  check.equal(outcome.ok, false);
  check.ok(codes.includes(outcome.error.type), `code ${outcome.error.type} "${outcome.error.message}", wanted one of ${codes}`);
  check.equal(page.seen('onConnected').length, 0);
  // The SDK leaves the socket open: it is the server that has to close it.
  if (outcome.error.type !== CODE.REST) await page.event('onDisconnected');
  return outcome.error;
}

export const tests = [
  {
    name: 'the page runs the published SDK',
    async run({ device }) {
      const page = await device();
      check.equal(await page.get('version'), '1.4.0');
    },
  },
  {
    name: 'by a token with the user name',
    covers: ['open', 'addEventHandler', 'event:onConnected'],
    async run({ lab, device }) {
      const user = await lab.user();
      const page = await device();
      const outcome = await page.login({ user: user.username, accessToken: lab.tokens.user(user.username) });
      check.equal(outcome.ok, true, JSON.stringify(outcome.error));
      await page.event('onConnected');
      check.match(outcome.resource, /^webim_web_/);
    },
  },
  {
    name: "by a token with the user's uuid",
    async run({ lab, device }) {
      const user = await lab.user();
      const page = await device();
      const outcome = await page.login({ user: user.username, accessToken: lab.tokens.user(user.uuid) });
      check.equal(outcome.ok, true, JSON.stringify(outcome.error));
      await page.event('onConnected');
      const peer = await lab.user();
      const sent = await page.text(peer.username, lab.secrets.text());
      check.equal(sent.ok, true);
      check.equal(sent.message.from === '' || sent.message.from === user.username, true);
    },
  },
  {
    name: "by the demo users' names and passwords",
    async run({ lab, device }) {
      for (const { username, password } of lab.server.demo.users) {
        const page = await device();
        const outcome = await page.login({ user: username, pwd: password });
        check.equal(outcome.ok, true, JSON.stringify(outcome.error));
        await page.event('onConnected');
        lab.secrets.token(await page.get('token'));
      }
    },
  },
  {
    name: 'by a password given at registration',
    async run({ lab, device }) {
      const user = await lab.user();
      const page = await device();
      const outcome = await page.login({ user: user.username, pwd: user.password });
      check.equal(outcome.ok, true, JSON.stringify(outcome.error));
      await page.event('onConnected');
      lab.secrets.token(await page.get('token'));
      check.match(await page.get('token'), /^007/);
    },
  },
  {
    name: 'with the addresses from the DNS document',
    async run({ lab, device }) {
      const user = await lab.user();
      const { demo } = lab.server;
      const page = await device({ isHttpDNS: true, https: true, dns: [demo.restUrl], url: '', apiUrl: '' });
      await lab.login(page, user);
      check.equal(await page.get('apiUrl'), demo.restUrl);
      const url = new URL(await page.get('url'));
      check.equal(url.pathname, '/websocket');
      check.equal(url.host, new URL(demo.restUrl).host);
      const sent = await page.text((await lab.user()).username, lab.secrets.text());
      check.equal(sent.ok, true);
    },
  },
  {
    name: 'with the App ID, its app key from the DNS document',
    async run({ lab, device }) {
      const user = await lab.user();
      const { demo } = lab.server;
      const page = await device({ appKey: undefined, appId: demo.appId, isHttpDNS: true, https: true, dns: [demo.restUrl], url: '', apiUrl: '' });
      await lab.login(page, user);
      check.equal(await page.get('appKey'), demo.appKey);
      const sent = await page.text((await lab.user()).username, lab.secrets.text());
      check.equal(sent.ok, true);
    },
  },
  {
    name: 'a wrong password is refused',
    async run(scope) {
      const user = await scope.lab.user();
      const error = await refused(scope, { user: user.username, pwd: scope.secrets.password() }, [CODE.REST]);
      check.match(JSON.stringify(error), /invalid password/);
    },
  },
  {
    name: 'the password of an unknown user is refused in the same words as a wrong one',
    async run(scope) {
      const known = await scope.lab.user();
      const one = await refused(scope, { user: known.username, pwd: scope.secrets.password() }, [CODE.REST]);
      const other = await refused(scope, { user: scope.secrets.name(), pwd: scope.secrets.password() }, [CODE.REST]);
      check.equal(other.message, one.message);
    },
  },
  {
    name: 'a token with a wrong signature is refused with 28',
    covers: ['event:onError', 'event:onDisconnected'],
    async run(scope) {
      const user = await scope.lab.user();
      await refused(scope, { user: user.username, accessToken: scope.lab.tokens.forged(user.username) }, [CODE.INVALID_TOKEN]);
    },
  },
  {
    name: 'an expired token is refused with 56',
    async run(scope) {
      const user = await scope.lab.user();
      await refused(scope, { user: user.username, accessToken: scope.lab.tokens.aged(user.username, 7200, 3600) }, [CODE.TOKEN_EXPIRED]);
    },
  },
  {
    name: 'a token older than 24 hours is refused with 56 whatever it says of itself',
    async run(scope) {
      const user = await scope.lab.user();
      await refused(scope, { user: user.username, accessToken: scope.lab.tokens.aged(user.username, 86_400 + 60, 30 * 86_400) }, [CODE.TOKEN_EXPIRED]);
    },
  },
  {
    name: 'a token from the future is refused with 28',
    async run(scope) {
      const user = await scope.lab.user();
      await refused(scope, { user: user.username, accessToken: scope.lab.tokens.aged(user.username, -600, 3600) }, [CODE.INVALID_TOKEN]);
    },
  },
  {
    name: "another app's token is refused with 28",
    async run(scope) {
      const user = await scope.lab.user();
      await refused(scope, { user: user.username, accessToken: scope.lab.tokens.foreign(user.username) }, [CODE.INVALID_TOKEN]);
    },
  },
  {
    name: "another user's token is refused with 28",
    async run(scope) {
      const [user, other] = await scope.lab.users(2);
      await refused(scope, { user: user.username, accessToken: scope.lab.token(other) }, [CODE.INVALID_TOKEN]);
    },
  },
  {
    name: 'an app token is refused',
    async run(scope) {
      const user = await scope.lab.user();
      await refused(scope, { user: user.username, accessToken: scope.lab.tokens.app() }, [CODE.INVALID_TOKEN, CODE.AUTH_FAILED]);
    },
  },
  {
    name: 'a token that is none is refused with 28',
    async run(scope) {
      const user = await scope.lab.user();
      for (const accessToken of ['not-a-token', '007AAAA', `006${'0'.repeat(64)}`, '007'.padEnd(20_000, 'A')]) {
        await refused(scope, { user: user.username, accessToken }, [CODE.INVALID_TOKEN]);
      }
    },
  },
  {
    name: 'an unknown user is refused with 204',
    async run(scope) {
      const name = scope.secrets.name();
      await refused(scope, { user: name, accessToken: scope.lab.tokens.user(name) }, [CODE.USER_NOT_FOUND]);
    },
  },
  {
    name: 'a wrong app key is refused',
    async run(scope) {
      const user = await scope.lab.user();
      for (const appKey of ['demo#other', 'other#stoa', 'nobody#nothing']) {
        await refused(scope, { user: user.username, accessToken: scope.lab.token(user) }, [CODE.AUTH_FAILED, CODE.INVALID_TOKEN, CODE.INVALID_PARAMETER], { appKey });
      }
    },
  },
  {
    name: 'registration from a page is refused where the app does not allow it',
    async run({ lab, device }) {
      const page = await device();
      const username = lab.secrets.name();
      const outcome = await page.call('registerUser', { username, password: lab.secrets.password(), nickname: 'x' });
      check.equal(outcome.ok, false);
      check.match(JSON.stringify(outcome.error), /[Rr]egistration/);
      check.equal((await lab.rest.call('GET', `/users/${username}`, { token: lab.admin })).status, 404);
    },
  },
];
