// What the server does not serve (yet) is refused: an app gets an error that it can show, and no
// promise of the SDK is left hanging. When one of these is served, its line goes from here.

import { check } from '../lib/runner.js';

export const tests = [
  {
    name: 'calls over REST',
    async run({ lab, device }) {
      const [alice, bob] = await lab.users(2);
      const page = await device();
      await lab.login(page, alice);
      const conversation = { conversationId: bob.username, type: 'singleChat' };
      const calls = [
        ['getReactionlist', { chatType: 'singleChat', messageId: '1' }],
        ['addReaction', { messageId: '1', reaction: '👍' }],
        ['getReactionDetail', { messageId: '1', reaction: '👍' }],
        ['createChatThread', { parentId: '1', messageId: '1', name: 't' }],
        ['getJoinedChatThreads', { pageSize: 10 }],
        ['getChatThreadDetail', { chatThreadId: '1' }],
        ['setSilentModeForAll', { options: { paramType: 0, remindType: 'NONE' } }],
        ['getSilentModeForAll'],
        ['getSilentModeForConversation', conversation],
        ['getPushPerformLanguage'],
        ['uploadPushToken', { deviceId: 'd', deviceToken: 't', notifierName: 'n' }],
        ['blockGroupMessages', { groupId: '1' }],
        ['getSupportedLanguages'],
        ['translateMessage', { text: 'hello', languages: ['de'] }],
        ['getRTCToken', 'channel'],
        ['getUserIdByRTCUIds', [1]],
      ];
      const served = [];
      for (const [method, ...args] of calls) {
        const outcome = await page.call(method, ...args);
        if (outcome.ok) served.push(method);
        else check.equal(typeof outcome.error.type, 'number', `${method}: ${JSON.stringify(outcome.error)}`);
      }
      check.deepEqual(served, [], 'served now: test them where they belong');
    },
  },
  {
    name: 'a text to be translated',
    async run({ lab, device }) {
      const [alice, bob] = await lab.users(2);
      const [a, b] = [await device(), await device()];
      await lab.login(a, alice);
      await lab.login(b, bob);
      const outcome = await a.text(bob.username, lab.secrets.text(), { msgConfig: { languages: ['de'] } });
      check.equal(outcome.ok, false, 'translation is served now: test it where it belongs');
      check.equal(typeof outcome.error.type, 'number', JSON.stringify(outcome.error));
      // 512 would mean that no answer came at all.
      check.notEqual(outcome.error.type, 512);
      const after = await a.text(bob.username, lab.secrets.text());
      await b.event('onTextMessage', (one) => one.id === after.serverMsgId);
    },
  },
];
