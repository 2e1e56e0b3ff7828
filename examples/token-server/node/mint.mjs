// Mints a user token over mutual TLS and prints it. Only what Node.js brings along.
//
//   node mint.mjs https://127.0.0.1:8444 DIR USER-ID
//
// DIR is what `stoa token-server client issue --out DIR` has written.

import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { join } from 'node:path';

const [url, dir, user] = process.argv.slice(2);
if (!user) {
  console.error('usage: node mint.mjs URL DIR USER-ID');
  process.exit(2);
}

// One agent for the whole process: it keeps connections open, so that the handshake is made once.
const agent = new Agent({
  keepAlive: true,
  ca: readFileSync(join(dir, 'ca.pem')),
  cert: readFileSync(join(dir, 'client.pem')),
  key: readFileSync(join(dir, 'client-key.pem')),
});

function call(path, body) {
  return new Promise((resolve, reject) => {
    const sent = request(
      new URL(path, url),
      { agent, method: 'POST', headers: { 'content-type': 'application/json' }, timeout: 10_000 },
      (answer) => {
        const parts = [];
        answer.on('data', (part) => parts.push(part));
        answer.on('error', reject);
        answer.on('end', () => {
          const text = Buffer.concat(parts).toString();
          if (answer.statusCode !== 200) {
            reject(new Error(`HTTP ${answer.statusCode}: ${text}`));
            return;
          }
          resolve(JSON.parse(text));
        });
      },
    );
    sent.on('timeout', () => sent.destroy(new Error('the token server does not answer')));
    sent.on('error', reject);
    sent.end(JSON.stringify(body));
  });
}

try {
  // The id that your own app knows the person by. It never enters the chat.
  const minted = await call('/v1/tokens', { user, ttl: 3600 });
  console.log(minted.token);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  agent.destroy();
}
