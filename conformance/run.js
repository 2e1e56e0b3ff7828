#!/usr/bin/env node
// Runs the suite and prints its count. See README.md.
//
//   node run.js [--only REGEXP] [--keep] [--lanes N]
//
//   UPDATE=1   rewrites docs/compatibility.md, and the table behind it where more works than it says
//   STOA_BIN   the binary to test (default ../target/debug/stoa)
//   CHROMIUM   the browser (default /usr/bin/chromium)

import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { Auditor } from './lib/auditor.js';
import { Compatibility } from './lib/compatibility.js';
import { Lab } from './lib/lab.js';
import { besideInAnotherRegion } from './lib/regions.js';
import { assertions, check, runAll } from './lib/runner.js';
import { Secrets } from './lib/secrets.js';
import { surface } from './lib/surface.js';
import * as audit from './tests/audit.js';
import * as classMedia from './tests/class-media.js';
import * as classPage from './tests/class-page.js';
import * as classTeaching from './tests/class-teaching.js';
import * as demoPage from './tests/demo-page.js';
import * as leaks from './tests/leaks.js';
import * as regions from './tests/regions.js';
import * as restart from './tests/restart.js';

const SHARED = [
  'tls', 'login', 'connection', 'sessions', 'messages', 'offline', 'devices', 'receipts', 'history', 'tokens', 'unserved', 'old-names', 'apps',
  'groups', 'groups-join', 'groups-roles', 'groups-mute', 'groups-lists', 'groups-info', 'groups-files', 'groups-attributes', 'groups-messages', 'groups-receipts',
  'rooms', 'rooms-join', 'rooms-roles', 'rooms-mute', 'rooms-lists', 'rooms-info', 'rooms-attributes', 'rooms-messages', 'rooms-rest', 'rooms-hostile',
  'contacts', 'blocks', 'attributes', 'presence', 'edits', 'directed', 'combine', 'deletion', 'conversations', 'pins', 'reports', 'attachments', 'files-rest',
  'rest-users', 'rest-tokens', 'rest-common', 'revocation', 'rotation', 'hostile-frames', 'hostile-rest',
];

const { values: options } = parseArgs({
  options: { only: { type: 'string' }, keep: { type: 'boolean', default: false }, lanes: { type: 'string', default: '3' } },
});
const binary = process.env.STOA_BIN ?? fileURLToPath(new URL('../target/debug/stoa', import.meta.url));
const chromium = process.env.CHROMIUM ?? '/usr/bin/chromium';
for (const [what, file] of [['server binary (STOA_BIN)', binary], ['browser (CHROMIUM)', chromium]]) {
  if (!existsSync(file)) {
    console.error(`no ${what} at ${file}`);
    process.exit(2);
  }
}

// An interrupted run leaves no server behind: `exit` handlers of the servers end them.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130));

const wanted = (test) => !options.only || new RegExp(options.only).test(test.name);
const named = (prefix, tests) => tests.map((test) => ({ ...test, name: `${prefix}: ${test.name}` })).filter(wanted);

const started = performance.now();
const auditor = new Auditor();
const secrets = new Secrets();
const labs = [];
const compatibility = new Compatibility(surface());
const total = { passed: 0, failed: 0, failures: [] };
const tally = ({ passed, failed, failures, shown }) => {
  compatibility.note(shown);
  total.passed += passed;
  total.failed += failed;
  total.failures.push(...failures);
};

const lab = async (name, logLevel, beside) => {
  const one = await Lab.start({ binary, chromium, name, logLevel, auditor, secrets, beside });
  labs.push(one);
  return one;
};

try {
  const files = await Promise.all(SHARED.map(async (name) => named(name, (await import(`./tests/${name}.js`)).tests)));
  const shared = files.flat();
  const unknown = compatibility.unknownClaims(shared);
  if (unknown.length > 0) throw new Error(unknown.join('\n'));
  if (shared.length > 0) {
    tally(await runAll(shared, { lab: await lab('main', 'trace'), secrets }, Number(options.lanes)));
  }
  // Restarts need a server of their own each, and the machine to themselves.
  for (const [name, tests] of Object.entries(restart.suites)) {
    const chosen = named('restart', tests);
    if (chosen.length > 0) tally(await runAll(chosen, { lab: await lab(name, 'debug'), secrets }, 1));
  }
  const demo = named('demo-page', demoPage.tests);
  if (demo.length > 0) tally(await runAll(demo, { lab: await lab('demo-page', 'trace'), secrets, binary }, 1));
  const classes = [...named('class-page', classPage.tests), ...named('class-teaching', classTeaching.tests), ...named('class-media', classMedia.tests)];
  if (classes.length > 0) tally(await runAll(classes, { lab: await lab('class-page', 'trace'), secrets, binary }, 1));
  const elsewhere = named('regions', regions.tests);
  if (elsewhere.length > 0) tally(await runAll(elsewhere, { lab: await lab('regions', 'trace', besideInAnotherRegion), secrets }, 1));
  // Only a whole run can say what works.
  if (!options.only) tally(await runAll(named('compatibility', compatibility.tests(check, Boolean(process.env.UPDATE))), {}, 1));
  // What was recorded while all the others ran, and what they left behind.
  for (const [name, tests] of [['audit', audit.tests], ['leaks', leaks.tests]]) {
    tally(await runAll(named(name, tests), { labs, auditor, secrets }, 1));
  }
} catch (error) {
  total.failed += 1;
  total.failures.push({ name: 'the run itself', error });
  console.error(error);
} finally {
  for (const one of labs) await one.dispose({ keep: options.keep }).catch(() => {});
}

if (options.keep) for (const one of labs) console.log(`kept: ${one.server.dir}`);
for (const { name, error } of total.failures) console.log(`failed: ${name}: ${String(error?.message ?? error).split('\n')[0]}`);
console.log(`${assertions} assertions in ${((performance.now() - started) / 1000).toFixed(0)} s`);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed > 0 ? 1 : 0);
