// What was recorded of every page, frame and answer while the other tests ran.

import { check } from '../lib/runner.js';

export const tests = [
  {
    name: 'the SDK contacted no host but ours',
    async run({ labs }) {
      for (const lab of labs) {
        check.deepEqual(lab.hosts.foreign, []);
        for (const host of lab.hosts.contacted.keys()) check.ok(lab.hosts.allowed.has(host));
        if (lab.devices > 0) check.ok(lab.hosts.contacted.size >= 2, 'no request was seen');
        console.log(`        hosts: ${[...lab.hosts.contacted].map(([host, count]) => `${host} (${count})`).join(', ')}`);
      }
    },
  },
  {
    name: 'no frame and no answer broke a rule that the SDK depends on',
    async run({ auditor }) {
      console.log(`        ${Object.entries(auditor.counts).map(([what, count]) => `${count} ${what}`).join(', ')}`);
      check.deepEqual(auditor.problems, []);
      for (const what of ['sessions', 'received', 'metas', 'acks', 'pulls', 'provisions', 'responses']) check.ok(auditor.counts[what] > 0, `no ${what} seen`);
    },
  },
  {
    name: 'no page threw',
    async run({ labs }) {
      check.deepEqual(labs.flatMap((lab) => lab.pageErrors), []);
    },
  },
];
