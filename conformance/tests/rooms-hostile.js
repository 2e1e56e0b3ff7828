// Frames about rooms that no honest client sends, while others talk in a room and must not notice.

import { makeGroup } from '../lib/groups.js';
import { makeRoom, NO_ROOM } from '../lib/rooms.js';
import { check, within } from '../lib/runner.js';
import { dec, encode, MessageBody, MucBody, Ns } from '../lib/wire.js';

const CREATE = 0;
const JOIN = 2;
const LEAVE = 3;
const PRESENCE = 17;
const GROUP_BODY = 2;
const ROOM_BODY = 3;
const RECALL_BODY = 6;

/** A raw session that behaves, logged in as a new user. */
async function session({ lab, socket }, label) {
  const user = await lab.user();
  const raw = await socket({ label });
  const answer = await raw.login({ user: user.username, token: lab.token(user), resource: lab.secrets.name('webim_') });
  check.equal(answer.status.errorCode, 0, answer.status.reason);
  raw.follow();
  return { user, raw };
}

const jid = (lab, name, domain = 'conference.easemob.com') => ({ appKey: lab.server.demo.appKey, name, domain });

/** The meta of what a user asks of a room by frame. */
function asked(lab, raw, id, operation, more = {}) {
  const body = { mucId: jid(lab, id), operation, from: { name: raw.user }, isChatroom: true, ext: '', leaveOtherRooms: false, ...more };
  return { ns: Ns.MUC, from: jid(lab, raw.user, 'easemob.com'), to: { domain: 'easemob.com' }, payload: encode(MucBody, body) };
}

/** The meta of a text in a room. */
function said(lab, raw, id, more = {}, body = {}) {
  const payload = encode(MessageBody, { type: ROOM_BODY, from: { name: raw.user }, to: { name: id }, contents: [{ type: 0, text: lab.secrets.text() }], ...body });
  return { ns: Ns.CHAT, to: jid(lab, id), payload, routetype: 0, ...more };
}

async function good(ack) {
  const { status, serverId } = await ack;
  check.equal(status.errorCode ?? 0, 0, status.reason);
  return dec(serverId);
}

/** Refused with a code, or the socket closed: never taken. */
async function refused(raw, meta, what) {
  const outcome = await within(20_000, what, Promise.race([raw.meta(meta).catch(() => undefined), raw.closed.then(() => undefined)]));
  if (outcome) check.notEqual(outcome.status.errorCode ?? 0, 0, `${what} was taken`);
  else check.ok(raw.isClosed, `${what}: neither an answer nor a close`);
}

/** Two in a room who hear each other before and after what `attack` does. */
async function beside(scope, attack) {
  const { lab } = scope;
  const [a, b] = [await session(scope, 'owner'), await session(scope, 'guest')];
  const { id } = await makeRoom(lab, a.user);
  await good(b.raw.meta(asked(lab, b.raw, id, JOIN)));
  const talk = async () => {
    for (const [from, to] of [[a, b], [b, a]]) {
      const messageId = await good(from.raw.meta(said(lab, from.raw, id)));
      check.equal((await to.raw.arrival(messageId, 'what is said in the room')).from.name, from.user.username);
    }
  };
  await talk();
  await attack({ id, a, b });
  await talk();
}

/** The texts of the room that came to a session: pairs of sender and id. */
const texts = (raw, id) =>
  raw.frames.flatMap(({ sync }) => (sync && dec(sync.metaId) === '0' ? sync.metas : [])).filter((meta) => meta.ns === Ns.CHAT && MessageBody.decode(meta.payload).to?.name === id);

/** The events of the room that came to a session. */
const events = (raw, id) =>
  raw.frames.flatMap(({ sync }) => (sync && dec(sync.metaId) === '0' ? sync.metas : [])).filter((meta) => meta.ns === Ns.MUC).map((meta) => MucBody.decode(meta.payload)).filter((body) => body.mucId.name === id);

export const tests = [
  {
    name: 'what is asked of no room, or of nothing, is refused, and the session goes on or ends',
    async run(scope) {
      const { lab } = scope;
      await beside(scope, async ({ id }) => {
        const attacks = {
          'no id': { mucId: undefined },
          'an empty id': { mucId: jid(lab, '') },
          'an unknown id': { mucId: jid(lab, NO_ROOM) },
          'an id that is no number': { mucId: jid(lab, '../../etc/passwd') },
          'a long id': { mucId: jid(lab, '9'.repeat(5_000)) },
          'an id of zeros': { mucId: jid(lab, '000000') },
          'much that is brought along': { mucId: jid(lab, id), ext: 'x'.repeat(60_000) },
        };
        for (const [what, more] of Object.entries(attacks)) {
          const { raw } = await session(scope, 'intruder');
          await refused(raw, asked(lab, raw, id, JOIN, more), what);
          if (!raw.isClosed) await refused(raw, said(lab, raw, id), `a text after ${what}`);
        }
        const { raw } = await session(scope, 'intruder');
        for (const size of [0, 1, 7, 300]) if (!raw.isClosed) await refused(raw, { ...asked(lab, raw, id, JOIN), payload: Buffer.alloc(size, 0xff) }, `${size} bytes of nothing`);
      });
    },
  },
  {
    name: 'no frame does what only REST may do: operations other than coming and going change nothing',
    async run(scope) {
      const { lab } = scope;
      await beside(scope, async ({ id, a, b }) => {
        const { raw } = await session(scope, 'intruder');
        await good(raw.meta(asked(lab, raw, id, JOIN)));
        for (const by of [raw, a.raw]) {
          for (let operation = 0; operation <= 45; operation += 1) {
            if (operation === JOIN || operation === LEAVE) continue;
            await refused(by, asked(lab, by, id, operation, { to: [jid(lab, b.user.username, 'easemob.com')] }), `operation ${operation}`);
          }
        }
        const [info] = (await lab.rest.call('GET', `/chatrooms/${id}`, { token: lab.admin })).body.data;
        check.equal(info.affiliations_count, 3);
        check.equal(info.owner, a.user.username);
        check.equal(info.mute, false);
        check.deepEqual([...new Set(events(b.raw, id).map((one) => one.operation))], [PRESENCE]);
      });
    },
  },
  {
    name: 'nobody comes, goes or speaks in another\'s name',
    async run(scope) {
      const { lab } = scope;
      await beside(scope, async ({ id, a, b }) => {
        const { user, raw } = await session(scope, 'intruder');
        const as = { from: { name: b.user.username } };
        // It is the session that leaves, which is not there.
        await raw.meta({ ...asked(lab, raw, id, LEAVE, as), from: jid(lab, b.user.username, 'easemob.com') });
        await good(raw.meta({ ...asked(lab, raw, id, JOIN, { from: { name: a.user.username } }), from: jid(lab, a.user.username, 'easemob.com') }));
        const messageId = await good(raw.meta({ ...said(lab, raw, id, {}, as), from: jid(lab, b.user.username, 'easemob.com') }));
        const meta = await a.raw.arrival(messageId, 'what the intruder said');
        check.equal(meta.from.name, user.username);
        check.equal(MessageBody.decode(meta.payload).from.name, user.username);
        const told = events(a.raw, id);
        check.deepEqual(told.filter((one) => one.operation === PRESENCE).map((one) => one.from.name), [b.user.username, user.username]);
        check.deepEqual(told.filter((one) => ![CREATE, PRESENCE].includes(one.operation)), []);
        const names = (await lab.rest.call('GET', `/chatrooms/${id}/users?pagenum=1&pagesize=10`, { token: lab.admin })).body.data.map((one) => one.owner ?? one.member);
        check.deepEqual(names.sort(), [a.user.username, b.user.username, user.username].sort());
      });
    },
  },
  {
    name: 'a room is no group and a group no room, whatever a body says of itself',
    async run(scope) {
      const { lab } = scope;
      const [[, owner]] = await scope.people(1);
      const group = await makeGroup(lab, owner);
      await beside(scope, async ({ id, a, b }) => {
        const before = texts(b.raw, id).length;
        const ack = await a.raw.meta(said(lab, a.raw, id, {}, { type: GROUP_BODY }));
        if ((ack.status.errorCode ?? 0) === 0) {
          // Where it is taken it is the room's: an app looks for it there.
          const meta = await b.raw.arrival(dec(ack.serverId));
          check.equal(MessageBody.decode(meta.payload).type, ROOM_BODY, 'a text of a room that an app shows as a group\'s');
        } else {
          check.equal(texts(b.raw, id).length, before);
        }
        await refused(b.raw, said(lab, b.raw, group.id), 'a text to a group as to a room');
        await refused(b.raw, asked(lab, b.raw, group.id, JOIN), 'joining a group as a room');
        const { raw } = await session(scope, 'intruder');
        await refused(raw, said(lab, raw, id, {}, { type: GROUP_BODY }), 'a text to a room as to a group');
        for (const path of [`/chatgroups/${id}`, `/chatrooms/${group.id}`, `/chatrooms/${group.id}/users`]) check.equal((await lab.rest.call('GET', path, { token: lab.admin })).status, 404, path);
      });
      check.equal(owner.seen('onTextMessage').length, 0);
    },
  },
  {
    name: 'a message that is sent again is told once; one that names thousands, or nobody who is there, is no harm',
    async run(scope) {
      const { lab } = scope;
      await beside(scope, async ({ id, a, b }) => {
        const meta = { ...said(lab, a.raw, id), id: String(600_000_000_000 + Math.floor(Math.random() * 1e9)) };
        const first = await good(a.raw.meta(meta));
        await b.raw.arrival(first);
        check.equal(await good(a.raw.meta(meta)), first);
        await refused(a.raw, said(lab, a.raw, id, { routetype: 2, directedUsers: Array.from({ length: 5_000 }, (_, at) => `u${at}`) }), 'thousands of names');
        const nobody = await a.raw.meta(said(lab, a.raw, id, { routetype: 2, directedUsers: [lab.secrets.name()] }));
        check.equal(typeof nobody.status.errorCode, 'number');
        const big = await a.raw.meta(said(lab, a.raw, id, {}, { contents: [{ type: 0, text: 'x'.repeat(20_000) }] }));
        check.notEqual(big.status.errorCode ?? 0, 0, 'a very long text was taken');
        check.equal(texts(b.raw, id).filter((one) => dec(one.id) === first).length, 1);
      });
    },
  },
  {
    name: 'the queue of a room gives nothing to who asks, in it or not',
    async run(scope) {
      const { lab } = scope;
      await beside(scope, async ({ id, b }) => {
        const { raw } = await session(scope, 'intruder');
        for (const one of [raw, b.raw]) {
          const from = one.frames.length;
          one.pull(jid(lab, id));
          const { sync } = await one.frame((frame) => frame.sync?.queue?.name === id && frame.sync.metas.length === 0, { from, what: 'the answer to a pull' });
          check.equal(sync.isLast, true);
        }
        await refused(raw, said(lab, raw, id, {}, { type: RECALL_BODY, ackMessageId: '123456789012345678' }), 'a recall from outside');
        check.equal(texts(raw, id).length, 0);
        check.equal(events(raw, id).length, 0);
      });
    },
  },
  {
    name: 'who comes and goes without end is no harm to those who stay',
    async run(scope) {
      const { lab } = scope;
      await beside(scope, async ({ id, a }) => {
        const { user, raw } = await session(scope, 'restless');
        for (let round = 0; round < 40 && !raw.isClosed; round += 1) {
          await Promise.race([Promise.all([JOIN, LEAVE, JOIN, LEAVE].map((operation) => raw.meta(asked(lab, raw, id, operation)))), raw.closed]).catch(() => {});
        }
        const [info] = (await lab.rest.call('GET', `/chatrooms/${id}`, { token: lab.admin })).body.data;
        check.equal(info.affiliations_count, 2);
        // Each coming that was told of was followed by a going: nobody is left believing that he is there.
        const last = () => events(a.raw, id).filter((one) => one.from.name === user.username || one.members?.includes(user.username)).at(-1);
        if (last() && last().operation === PRESENCE) {
          await a.raw.frame(({ sync }) => sync?.metas.some((meta) => meta.ns === Ns.MUC && MucBody.decode(meta.payload).operation === 18), { what: 'the last going' });
        }
      });
    },
  },
];
