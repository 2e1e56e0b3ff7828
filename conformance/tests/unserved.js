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
      const calls = [
        ['getContacts'],
        ['getBlocklist'],
        ['getServerConversations', { pageSize: 10, cursor: '' }],
        ['getPublicGroups', { limit: 10 }],
        ['getJoinedGroups', { pageNum: 0, pageSize: 10 }],
        ['getChatRooms', { pagenum: 1, pagesize: 10 }],
        ['fetchUserInfoById', bob.username],
        ['getPresenceStatus', { usernames: [bob.username] }],
        ['getReactionlist', { chatType: 'singleChat', messageId: '1' }],
      ];
      for (const [method, ...args] of calls) {
        const outcome = await page.call(method, ...args);
        check.equal(outcome.ok, false, `${method} is served now: test it where it belongs`);
        check.equal(typeof outcome.error.type, 'number', `${method}: ${JSON.stringify(outcome.error)}`);
      }
    },
  },
  {
    name: 'messages to groups and rooms, recall and edit',
    async run({ lab, device }) {
      const [alice, bob] = await lab.users(2);
      const [a, b] = [await device(), await device()];
      await lab.login(a, alice);
      await lab.login(b, bob);
      const sent = await a.text(bob.username, lab.secrets.text());
      check.equal(sent.ok, true);
      const outcomes = {
        group: await a.text('123456789012345', lab.secrets.text(), { chatType: 'groupChat' }),
        room: await a.text('123456789012346', lab.secrets.text(), { chatType: 'chatRoom' }),
        recall: await a.call('recallMessage', { mid: sent.serverMsgId, to: bob.username, chatType: 'singleChat' }),
        'joining a room': await a.call('joinChatRoom', { roomId: '123456789012347' }),
        'leaving a room': await a.call('leaveChatRoom', { roomId: '123456789012347' }),
      };
      for (const [what, outcome] of Object.entries(outcomes)) {
        check.equal(outcome.ok, false, `${what} is served now: test it where it belongs`);
        check.equal(typeof outcome.error.type, 'number', `${what}: ${JSON.stringify(outcome.error)}`);
        // 512 would mean that no answer came at all.
        check.notEqual(outcome.error.type, 512, what);
      }
      const after = await a.text(bob.username, lab.secrets.text());
      await b.event('onTextMessage', (one) => one.id === after.serverMsgId);
    },
  },
];
