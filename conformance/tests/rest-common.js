// What holds for every REST call: tokens, tenants, methods, CORS, and the DNS document.

import { check } from '../lib/runner.js';
import { isError } from './rest-users.js';

const HEADERS = ['authorization', 'content-type', 'accept', 'restrict-access', 'share-secret', 'x-requested-with'];

export const tests = [
  {
    name: 'no token, a bad one, and one that is over are refused with 401',
    async run({ lab }) {
      const user = await lab.user();
      const path = `/users/${user.username}`;
      isError(await lab.rest.call('GET', path), 401, ['unauthorized', 'auth_bad_access_token']);
      isError(await lab.rest.call('GET', path, { token: 'nonsense' }), 401, 'auth_bad_access_token');
      isError(await lab.rest.call('GET', path, { token: lab.tokens.forged(user.username) }), 401, 'auth_bad_access_token');
      isError(await lab.rest.call('GET', path, { token: lab.tokens.foreign(user.username) }), 401, 'auth_bad_access_token');
      isError(await lab.rest.call('GET', path, { token: lab.tokens.aged(user.username, 7200, 3600) }), 401, 'unauthorized', /expired/);
      isError(await lab.rest.call('GET', path, { headers: { authorization: 'Basic YWJjOmRlZg==' } }), 401);
      check.equal((await lab.rest.call('GET', path, { headers: { authorization: `Bearer ${lab.admin}` } })).status, 200);
    },
  },
  {
    name: 'another org or app is not found',
    async run({ lab }) {
      const { restUrl, orgName } = lab.server.demo;
      for (const base of [`${restUrl}/nobody/nothing`, `${restUrl}/${orgName}/other`]) {
        isError(await lab.rest.call('GET', `${base}/users`, { token: lab.admin }), [401, 404]);
      }
      isError(await lab.rest.call('POST', `${restUrl}/nobody/nothing/token`, { json: { grant_type: 'password', username: 'x', password: 'y' } }), 404, 'organization_application_not_found');
    },
  },
  {
    name: 'a wrong method or path is refused in JSON',
    async run({ lab }) {
      isError(await lab.rest.call('PATCH', '/users', { token: lab.admin, json: {} }), [404, 405]);
      isError(await lab.rest.call('PUT', '/token', { token: lab.admin, json: {} }), [404, 405]);
      isError(await lab.rest.call('GET', '/no/such/thing', { token: lab.admin }), 404);
      isError(await lab.rest.call('GET', `${lab.server.demo.restUrl}/`, { token: lab.admin }), 404);
    },
  },
  {
    name: 'a browser on another origin may call: preflight and answer',
    async run({ lab }) {
      const origin = 'https://app.example';
      for (const [method, path] of [['POST', '/token'], ['GET', '/users/x'], ['PUT', '/users/x/password'], ['DELETE', '/users/x'], ['POST', '/users/x/messageroaming']]) {
        const answer = await lab.rest.call('OPTIONS', path, {
          headers: { origin, 'access-control-request-method': method, 'access-control-request-headers': HEADERS.join(',') },
        });
        check.ok([200, 204].includes(answer.status), `HTTP ${answer.status}`);
        check.ok(['*', origin].includes(answer.headers['access-control-allow-origin']));
        const methods = answer.headers['access-control-allow-methods'].toUpperCase();
        for (const one of ['GET', 'POST', 'PUT', 'DELETE']) check.ok(methods.includes(one), `${methods} lacks ${one}`);
        const allowed = answer.headers['access-control-allow-headers'].toLowerCase();
        for (const one of HEADERS) check.ok(allowed.includes(one), `${allowed} lacks ${one}`);
      }
      const user = await lab.user();
      for (const token of [lab.admin, 'bad']) {
        const answer = await lab.rest.call('GET', `/users/${user.username}`, { token, headers: { origin } });
        check.ok(['*', origin].includes(answer.headers['access-control-allow-origin']), 'the answer itself lacks the CORS header');
      }
      const dns = await lab.rest.call('GET', `${lab.server.demo.restUrl}/easemob/server.json?app_key=demo%23stoa`, { headers: { origin } });
      check.ok(['*', origin].includes(dns.headers['access-control-allow-origin']));
    },
  },
  {
    name: 'the DNS document names our hosts and switches reports off',
    async run({ lab }) {
      const { demo } = lab.server;
      const { name, port } = lab.server.host;
      for (const query of [`app_key=${encodeURIComponent(demo.appKey)}`, `app_id=${demo.appId}&sdk_version=4.10.0&file_version=1`]) {
        const answer = await lab.rest.call('GET', `${demo.restUrl}/easemob/server.json?${query}&_v=${Date.now()}`);
        check.equal(answer.status, 200, answer.text);
        check.equal(answer.body.app_key, demo.appKey);
        for (const kind of ['rest', 'msync-wx']) {
          const hosts = answer.body[kind].hosts.filter((one) => one.protocol === 'https');
          check.ok(hosts.length >= 1);
          for (const one of hosts) {
            check.equal(one.domain || one.ip, name);
            check.equal(String(one.port), String(port));
          }
        }
        check.equal(answer.body.enableReportLogs, 'false');
        check.equal(answer.body.enableDataReport, 'false');
        check.equal(typeof answer.body.uploadinparts_enable, 'string');
      }
      isError(await lab.rest.call('GET', `${demo.restUrl}/easemob/server.json?app_key=nobody%23nothing`), [400, 404]);
      isError(await lab.rest.call('GET', `${demo.restUrl}/easemob/server.json`), [400, 404]);
    },
  },
  {
    name: 'answers say that they are JSON and are not to be kept',
    async run({ lab }) {
      const user = await lab.user();
      const answer = await lab.rest.call('GET', `/users/${user.username}`, { token: lab.admin });
      check.match(answer.headers['content-type'], /^application\/json/);
      const refused = await lab.rest.call('GET', `/users/${user.username}`);
      check.match(refused.headers['content-type'], /^application\/json/);
    },
  },
];
