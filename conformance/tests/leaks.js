// After all the others: nothing that a user gave is readable on disk or in a log, neither after an
// orderly end nor after a crash.

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Needles, scan, spellings } from '../lib/leakscan.js';
import { check } from '../lib/runner.js';

/** What no log may hold besides: parts of query strings, and secrets of the protocol. */
const LOG_NEEDLES = [['_v=1', 'query string'], ['cursor=', 'query string'], ['Bearer 007', 'token'], ['$t$007', 'token']];

const SAMPLES = 50;

function report(lab, when, result) {
  console.log(`        ${lab.server.name}, ${when}: ${result.files} files, ${result.bytes} bytes, ${result.found.length} finds`);
  const shown = result.found.slice(0, 10).map(({ file, kind, spelling, offset, inName }) => `${kind} as ${spelling} in ${inName ? 'the name of ' : ''}${path.relative(lab.server.dir, file)} at ${offset}`);
  check.deepEqual(shown, []);
}

function searchAll(lab, needles, plain, when) {
  const { data, keys, logs, manifest } = lab.server;
  const atRest = scan(needles, [data, keys], [manifest]);
  check.ok(atRest.files > 0 && atRest.bytes > 0);
  report(lab, `data and keys ${when}`, atRest);
  const logged = scan(needles, [logs]);
  report(lab, `logs ${when}`, logged);
  report(lab, `logs ${when} (query strings and message ids)`, scan(plain, [logs]));
}

export const tests = [
  {
    name: 'the search itself finds every spelling, also across the seams of reading',
    async run({ secrets }) {
      const dir = mkdtempSync(path.join(os.tmpdir(), 'stoa-conformance-canary-'));
      try {
        const values = [...secrets.values].slice(0, SAMPLES);
        if (values.length === 0) values.push(['canary-0123456789-é😀', 'canary']);
        const needles = new Needles(values);
        let planted = 0;
        for (const [value] of values) {
          for (const [spelling, bytes] of spellings(value)) {
            const file = path.join(dir, 'hidden');
            const seam = 8 << 20;
            // Around the seam between two pieces once for each spelling of the first value, else anywhere.
            const before = planted < 10 ? seam - Math.ceil(bytes.length / 2) : 13;
            writeFileSync(file, Buffer.concat([Buffer.alloc(before, 0x55), bytes, Buffer.alloc(7, 0xaa)]));
            const { found } = scan(needles, [dir]);
            check.ok(found.some((one) => one.offset === before), `${spelling} not found`);
            planted += 1;
          }
        }
        writeFileSync(path.join(dir, 'hidden'), Buffer.alloc(1000, 0x41));
        check.equal(scan(needles, [dir]).found.length, 0);
        // Base64 of a value inside a longer text, at each of the three offsets.
        for (const lead of ['', 'a', 'ab', 'abc']) {
          writeFileSync(path.join(dir, 'hidden'), Buffer.from(`${lead}${values[0][0]}tail`).toString('base64'));
          check.ok(scan(needles, [dir]).found.length > 0, `base64 after ${lead.length} bytes not found`);
        }
      } finally {
        rmSync(dir, { recursive: true });
      }
    },
  },
  {
    name: 'after a crash, and after an orderly end, nothing is readable',
    timeout: 300_000,
    async run({ labs, secrets }) {
      const needles = new Needles(secrets.values);
      const logOnly = [...LOG_NEEDLES, ...[...secrets.messageIds].map((id) => [id, 'message id'])];
      const plain = new Needles(logOnly, (value) => new Map([['raw', Buffer.from(value)]]));
      const kinds = new Map();
      for (const kind of secrets.values.values()) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      console.log(`        ${needles.count} spellings of ${secrets.values.size} values: ${[...kinds].map(([kind, count]) => `${count} × ${kind}`).join(', ')}`);
      for (const lab of labs) {
        await lab.browser.close();
        await lab.server.kill();
        searchAll(lab, needles, plain, 'after kill -9');
        await lab.server.start();
        const answer = await lab.rest.call('GET', '/users?limit=100', { token: lab.admin });
        check.equal(answer.status, 200, answer.text);
        const how = await lab.server.stop();
        check.equal(how.code, 0);
        check.ok(how.ms < 5_000, `ended after ${Math.round(how.ms)} ms`);
        searchAll(lab, needles, plain, 'after SIGTERM');
      }
    },
  },
  {
    name: 'the key directory is closed to others, and no log speaks of a panic',
    async run({ labs }) {
      for (const { server } of labs) {
        check.equal((statSync(server.keys).mode & 0o077).toString(8), '0');
        for (const name of readdirSync(server.logs)) {
          const text = readFileSync(path.join(server.logs, name), 'utf8');
          check.equal(/panicked at/.test(text), false, text.match(/.*panicked at.*\n.*/)?.[0]);
        }
      }
    },
  },
];
