import { expect, test } from 'vitest';
import { ClassError } from './errors';
import { Conversations, type ConversationsMeans } from './conversations';
import type { Role, Tree } from './types';

const settle = () => new Promise((resolve) => setTimeout(resolve));
const said = (id: string, from: string, role: string, at: number): Tree => ({ peerMessageId: id, message: `text ${id}`, sendTime: at, fromUser: { userUuid: from, userName: from.toUpperCase(), role } });

function made(role: Role, id: string, api: Partial<Record<string, (...given: string[]) => Promise<Tree>>>) {
  const told: string[] = [];
  const means: ConversationsMeans = { api: () => api as never, me: { id, name: id.toUpperCase(), role }, now: () => 50, told: (from, text) => told.push(`${from}: ${text}`) };
  return { told, conversations: new Conversations(means) };
}

test('a student has one conversation, with all who teach', async () => {
  const { conversations, told } = made('student', 'sam', {
    conversation: async () => ({ list: [said('2', 'ada', 'assistant', 20), said('1', 'sam', 'audience', 10)] }),
    sayPrivately: async () => ({ peerMessageId: '4' }),
  });
  await conversations.load();
  conversations.heard(said('3', 'tina', 'host', 30));
  expect(told).toEqual(['TINA: text 3']);
  expect(conversations.snapshot().all.get('sam')?.unread).toBe(1);
  await conversations.look('sam', 'SAM');
  conversations.say('sam', 'SAM', 'thanks');
  expect(conversations.snapshot().all.get('sam')?.messages?.at(-1)?.state).toBe('sending');
  await settle();
  const { messages, unread } = conversations.snapshot().all.get('sam') ?? {};
  expect([messages?.map(({ key, state }) => `${key} ${state}`), unread]).toEqual([['1 sent', '2 sent', '4 sent'], 0]);
});

test('those who teach see all, and read again what a colleague has answered', async () => {
  let last = 10;
  const { conversations, told } = made('teacher', 'tina', {
    conversations: async (next) => (next ? { list: [{ userUuid: 'sam', userName: 'SAM', lastMessageTs: last }], nextId: null } : { list: [{ userUuid: 'mei', userName: 'MEI', lastMessageTs: 5 }], nextId: 'mei' }),
    conversation: async (student) => ({ list: student === 'sam' && last > 10 ? [said('2', 'ada', 'assistant', last), said('1', 'sam', 'audience', 10)] : [said('1', student ?? '', 'audience', 10)] }),
  });
  await conversations.load();
  expect([...conversations.snapshot().all.keys()]).toEqual(['mei', 'sam']);
  await conversations.look('sam', 'SAM');
  last = 20;
  conversations.heard(said('2', 'ada', 'assistant', 20));
  await settle();
  expect(conversations.snapshot().all.get('sam')?.messages?.map(({ key }) => key)).toEqual(['1', '2']);
  conversations.heard(said('3', 'mei', 'audience', 30));
  expect([told, conversations.snapshot().all.get('mei')?.unread]).toEqual([['MEI: text 3'], 1]);
});

test('what was not sent says so, stays when the conversation is read anew, and can be sent again', async () => {
  let away = true;
  const { conversations } = made('student', 'sam', {
    conversation: async () => ({ list: [] }),
    sayPrivately: async () => {
      if (away) throw new ClassError(undefined, 0, 'away');
      return { peerMessageId: '9' };
    },
  });
  conversations.say('sam', 'SAM', 'hello');
  await settle();
  await conversations.look('sam', 'SAM');
  const [failed] = conversations.snapshot().all.get('sam')?.messages ?? [];
  expect(failed?.state).toBe('failed');
  away = false;
  conversations.again('sam', failed?.key ?? '');
  await settle();
  expect(conversations.snapshot().all.get('sam')?.messages?.map(({ key, state }) => `${key} ${state}`)).toEqual(['9 sent']);
});
