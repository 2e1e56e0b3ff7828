// The way to the server: TLS 1.2 and 1.3 with a chain that verifies, and nothing in clear.

import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import http from 'node:http';
import { check } from '../lib/runner.js';

function handshake(lab, more = {}) {
  const { name, port } = lab.server.host;
  const socket = tls.connect({ host: name, port, ca: lab.server.ca, ...more });
  return new Promise((resolve, reject) => {
    socket.once('secureConnect', () => {
      const result = { protocol: socket.getProtocol(), authorized: socket.authorized, certificate: socket.getPeerCertificate() };
      socket.destroy();
      resolve(result);
    });
    socket.once('error', reject);
  });
}

export const tests = [
  {
    name: 'the chain verifies against the CA file, for the address that is given out',
    async run({ lab }) {
      for (const version of ['TLSv1.2', 'TLSv1.3']) {
        const { protocol, authorized } = await handshake(lab, { minVersion: version, maxVersion: version });
        check.equal(protocol, version);
        check.equal(authorized, true);
      }
      const { demo } = lab.server;
      check.equal(new URL(demo.restUrl).protocol, 'https:');
      check.equal(new URL(demo.wsUrl).protocol, 'wss:');
      check.ok(['/ws', '/websocket'].includes(new URL(demo.wsUrl).pathname));
    },
  },
  {
    name: 'without the CA, or for another name, it does not verify',
    async run({ lab }) {
      await check.rejects(handshake(lab, { ca: undefined }), /self-signed|unable to (get|verify)/i);
      await check.rejects(handshake(lab, { servername: 'chat.example.org' }), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
    },
  },
  {
    name: 'older TLS is refused',
    async run({ lab }) {
      await check.rejects(handshake(lab, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }));
    },
  },
  {
    name: 'plain HTTP on the same port gets no answer from the application',
    async run({ lab }) {
      const { name, port } = lab.server.host;
      const outcome = await new Promise((resolve) => {
        http
          .get({ host: name, port, path: '/healthz', timeout: 10_000 }, (response) => resolve(response.resume().statusCode))
          .on('timeout', function () {
            this.destroy(new Error('timeout'));
          })
          .on('error', (error) => resolve(error));
      });
      check.ok(outcome instanceof Error || outcome >= 300, `plain HTTP answered ${outcome}`);
      const socket = net.connect(port, name);
      await once(socket, 'connect');
      let received = Buffer.alloc(0);
      socket.on('data', (part) => (received = Buffer.concat([received, part])));
      socket.on('error', () => {});
      const closed = once(socket, 'close');
      socket.end('GET /websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n');
      await closed;
      check.equal(received.includes('101'), false);
    },
  },
  {
    name: 'health is public and says nothing of users',
    async run({ lab }) {
      const answer = await lab.rest.call('GET', `${lab.server.demo.restUrl}/healthz`);
      check.equal(answer.status, 200);
      check.equal(answer.text.includes(lab.server.demo.users[0].username), false);
    },
  },
  {
    name: 'the demo manifest is for its owner only',
    async run({ lab }) {
      const { statSync } = await import('node:fs');
      check.equal((statSync(lab.server.manifest).mode & 0o777).toString(8), '600');
      const { demo } = lab.server;
      check.match(demo.appId, /^[0-9a-f]{32}$/i);
      check.match(demo.certificate, /^[0-9a-f]{32}$/i);
      check.equal(demo.appKey, `${demo.orgName}#${demo.appName}`);
      check.equal(demo.appKey, 'demo#stoa');
      check.equal(demo.users.length, 2);
      check.notEqual(demo.users[0].password, demo.users[1].password);
      for (const user of demo.users) check.ok(user.password.length >= 12);
    },
  },
];
