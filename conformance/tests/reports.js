// Messages that a user reports to whoever runs the app.

import { check } from '../lib/runner.js';
import { settled } from '../lib/groups.js';

const REPORT_FAILED = 51;

export const tests = [
  {
    name: 'a received message can be reported, and the one who is reported is not told',
    covers: ['reportMessage'],
    async run({ lab, people }) {
      const [[, a], [bob, b]] = await people(2);
      const sent = await a.tell({ type: 'txt', to: bob.username, msg: lab.secrets.text() });
      await b.event('onTextMessage', (one) => one.id === sent.serverMsgId);
      const before = a.events.length;
      await b.ask('reportMessage', { reportType: 'adult', reportReason: lab.secrets.of('report reason', 'unwanted'), messageId: sent.serverMsgId });
      await settled(lab, a, b, bob);
      check.deepEqual(a.events.slice(before).filter((one) => one.name !== 'onReceivedMessage'), []);
    },
  },
  {
    name: 'a message that is not there, or was never one\'s to read, cannot be reported',
    async run({ lab, people }) {
      const [[, a], [bob, b], [, c]] = await people(3);
      const sent = await a.tell({ type: 'txt', to: bob.username, msg: lab.secrets.text() });
      await b.event('onTextMessage', (one) => one.id === sent.serverMsgId);
      for (const [page, messageId] of [[b, '123456789012345678'], [c, sent.serverMsgId]]) {
        const { type } = await page.refused('reportMessage', { reportType: 'adult', reportReason: lab.secrets.of('report reason'), messageId });
        check.equal(type, REPORT_FAILED);
      }
    },
  },
];
