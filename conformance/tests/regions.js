// Two data centres: an SDK that starts at the wrong one is led to its own, or is told so and stops.

import { randomBytes } from 'node:crypto';
import { learned } from '../lib/regions.js';
import { Rest, request } from '../lib/rest.js';
import { check, within } from '../lib/runner.js';
import { Tokens } from '../lib/tokens.js';

/** An app of the far data centre that both know, with two users. */
async function farApp(lab) {
  const [far] = lab.beside;
  const app = await far.createApp(`far${randomBytes(6).toString('hex')}#app`);
  lab.secrets.add('certificate', app.certificate);
  await learned(far, app);
  const document = await learned(lab.server, app);
  const rest = new Rest(far, lab.auditor, app);
  const tokens = new Tokens(app, lab.secrets);
  const users = [];
  for (let count = 0; count < 2; count += 1) {
    const username = lab.secrets.name();
    const answer = await rest.call('POST', '/users', { token: tokens.app(600), json: { username, password: lab.secrets.password() } });
    check.equal(answer.status, 200, answer.text);
    lab.secrets.add('user uuid', answer.body.entities[0].uuid);
    users.push(username);
  }
  return { far, app, document, tokens, users };
}

export const tests = [
  {
    name: "an SDK that starts from another region's DNS document ends up in its own, and chats",
    timeout: 120_000,
    async run({ lab, device }) {
      const { far, app, document, tokens, users: [anna, bert] } = await farApp(lab);
      const home = new URL(far.demo.restUrl);
      check.notEqual(home.host, new URL(lab.server.demo.restUrl).host);
      check.equal(document.rest.hosts[0].port, home.port);
      const options = { isHttpDNS: true, https: true, dns: [lab.server.demo.restUrl], url: '', apiUrl: '' };
      const [a, b] = [await device({ ...options, appKey: app.appKey }), await device({ ...options, appKey: undefined, appId: app.appId })];
      for (const [page, user] of [[a, anna], [b, bert]]) {
        const outcome = await page.login({ user, accessToken: tokens.user(user) });
        check.equal(outcome.ok, true, JSON.stringify(outcome.error));
        check.equal(await page.get('apiUrl'), far.demo.restUrl);
        check.equal(new URL(await page.get('url')).host, home.host);
      }
      const sent = await a.text(bert, lab.secrets.text());
      check.equal(sent.ok, true);
      check.equal((await b.event('onTextMessage', (one) => one.id === sent.serverMsgId)).from, anna);
    },
  },
  {
    name: 'an SDK with the hosts of the wrong region gets an error and stops',
    timeout: 120_000,
    async run({ lab, device }) {
      const { far, app, tokens, users: [anna] } = await farApp(lab);
      // With the SDK's own number of attempts, so that it is it that stops.
      const page = await device({ appKey: app.appKey });
      const outcome = await page.login({ user: anna, accessToken: tokens.user(anna) });
      check.equal(outcome.ok, false);
      check.equal(outcome.error.type, 2, JSON.stringify(outcome.error));
      await page.event('onDisconnected');
      check.equal(page.seen('onConnected').length, 0);
      const sockets = page.sockets;
      check.ok(sockets >= 1);
      // It would try again after some seconds at the most (heartbeat and back-off of the SDK).
      const further = within(8_000, 'a further attempt', page.event('onReconnecting'));
      check.equal(await further.then(() => 'again', () => 'stopped'), 'stopped');
      check.equal(page.sockets, sockets);
      check.equal(page.seen('onConnected').length, 0);

      const users = `${lab.server.demo.restUrl}/${app.orgName}/${app.appName}/users/${anna}`;
      const call = (headers) => request({ method: 'GET', url: users, headers, ca: lab.server.ca });
      for (const headers of [{}, { authorization: `Bearer ${tokens.app(600)}` }, { authorization: 'Bearer 007garbage' }]) {
        const answer = await call(headers);
        check.equal(answer.status, 421, answer.text);
        check.equal(answer.body.error, 'region_mismatch');
        check.equal(answer.body.rest_url, far.demo.restUrl);
        check.equal(answer.headers.location, far.demo.restUrl);
      }
      // Where it is at home it is let in.
      const home = await device({ appKey: app.appKey, url: far.demo.wsUrl, apiUrl: far.demo.restUrl });
      check.equal((await home.login({ user: anna, accessToken: tokens.user(anna) })).ok, true);
    },
  },
];
