// A second data centre: another server in another region, which exchanges the directory with the first.

import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { request } from './rest.js';
import { Server } from './server.js';

/** How long the exchange may take at the most; it asks every five seconds. */
const LEARNS_MS = 60_000;

/** Addresses that are free, all of them different. */
async function freeAddresses(count) {
  const held = await Promise.all(Array.from({ length: count }, async () => {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return server;
  }));
  const addresses = held.map((server) => `127.0.0.1:${server.address().port}`);
  await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))));
  return addresses;
}

/** Makes `near` a data centre of `eu`, and one of `na` beside it; neither is started. Each has the same table of both. */
export async function besideInAnotherRegion(near) {
  const far = new Server(near.binary, `${near.name}-far`, near.logLevel);
  const centres = [['eu', near], ['na', far]];
  const addresses = await freeAddresses(2 * centres.length);
  const table = [];
  for (const [region, server] of centres) {
    server.settings = ['--region', region];
    server.listen = addresses.pop();
    server.directory = addresses.pop();
    const { json } = await server.operate(['region', 'identity']);
    table.push(`${region} = { rest = "${server.listen}", ws = "${server.listen}", directory = "${server.directory}", signing-key = "${json.signingKey}", certificate = "${json.certificate}" }`);
  }
  for (const [, server] of centres) server.settings.push('--regions', table.join('\n'), '--directory-listen', server.directory);
  return far;
}

/** The DNS document of `server` for an app, once it has learned of it. */
export async function learned(server, { appKey }) {
  const deadline = Date.now() + LEARNS_MS;
  for (;;) {
    const answer = await request({ method: 'GET', url: `${server.demo.restUrl}/easemob/server.json?app_key=${encodeURIComponent(appKey)}`, ca: server.ca });
    if (answer.status === 200) return answer.body;
    if (Date.now() > deadline) throw new Error(`${server.name} does not learn where ${appKey} is: HTTP ${answer.status}`);
    await pause(50);
  }
}
