// Reads every frame of every session and notes each one that would break, mislead or hang the SDK.
//
// The rules are those that the unmodified SDK was seen to depend on: a status in every answer, a
// queue beside every meta, a sender and a unique id in every meta, an answer to everything that was
// sent or asked for, and none of the answers after which the app waits for ever. A problem is noted
// with its evidence and fails the run at the end, whichever test happened to provoke it.

import { Command, CommNotice, CommSyncDL, CommSyncUL, CommUnreadDL, dec, has, MessageBody, MSync, MucBody, Ns, Provision } from './wire.js';

/** Reasons with which an ack may carry errorCode 7; after any other the SDK never settles the promise. */
const PERMISSION_REASONS = ['sensitive words', 'blocked by mod_antispam', 'user is mute', 'traffic limit', 'Sorry, data is too large'];
/** Reasons with which a login may be refused with FAIL and PERMISSION_DENIED so that the app learns why. */
const LOGIN_REASONS = [
  'Sorry, user register limit',
  'Sorry, user register rate limit',
  'Sorry, token expired',
  'Sorry, token or password does not match login info',
  'Sorry, user not found',
];
/** An app of another data centre: the SDK knows no better than that it failed, and the frame says where to go. */
const ELSEWHERE = /^the app \S+ lives in the region '\w+' and is served there alone/;
const HIGHEST_STATUS = 19;
/** The SDK gives up on an ack after 15 s; the server has promised 10. */
const ANSWER_MS = 10_000;
const SHOWN_OF_A_SORT = 3;
const TRACED = 25;
/** Operations on rooms and groups: the one that is asked for by frame, and those whose events carry JSON. */
const JOIN = 2;
const MUTED = 23;
const SET_ATTRIBUTES = 43;
const REMOVED_ATTRIBUTES = 44;
/** The type of body that a room's message has. */
const CHATROOM = 3;

export class Auditor {
  constructor() {
    this.problems = [];
    this.sorts = new Map();
    /** The ids of all rooms that were made: what is said there is told without being kept for a queue. */
    this.rooms = new Set();
    this.counts = { sessions: 0, sent: 0, received: 0, metas: 0, acks: 0, pulls: 0, provisions: 0, responses: 0 };
  }

  /** Notes a problem; of each sort the first few suffice. */
  problem(where, text) {
    const sort = text.split('\n')[0].replace(/\d+/g, '#');
    const before = this.sorts.get(sort) ?? 0;
    this.sorts.set(sort, before + 1);
    if (before < SHOWN_OF_A_SORT) this.problems.push(`${where}: ${text}`);
  }

  /** A new socket; `instance` is shared by all sockets of one SDK object, whose memory spans reconnects. */
  session(where, instance = {}) {
    this.counts.sessions += 1;
    return new SessionAudit(this, where, instance);
  }

  /** One REST answer, from a page or from Node. `body` is the parsed object, or undefined if it was none. */
  response(where, status, body) {
    this.counts.responses += 1;
    if (status === 406 && body?.error_code !== 90004) this.problem(where, 'HTTP 406 without error_code 90004 hangs the SDK');
    // A part of a file is asked for by `Range` alone, which the SDK never does.
    const isPart = status === 206 && / GET \/chatfiles\//.test(where);
    if (status > 200 && status < 300 && status !== 204 && !isPart) this.problem(where, `success with HTTP ${status}; the SDK takes only 200`);
    if (status >= 500) this.problem(where, `HTTP ${status}`);
  }
}

class SessionAudit {
  constructor(auditor, where, instance) {
    this.auditor = auditor;
    this.where = where;
    this.instance = instance;
    instance.lastKey ??= new Map();
    this.pulls = new Map();
    this.unacked = new Map();
    this.seen = new Map();
    this.restarts = new Map();
    /** Queues that were announced or asked for: what is in them is kept until it is acknowledged. */
    this.kept = new Set();
    /** Rooms by id: how often this session has joined, when last, and how often each meta came. */
    this.visits = new Map();
    this.trace = [];
  }

  problem(text) {
    this.auditor.problem(this.where, process.env.AUDIT_TRACE ? `${text}\n    ${this.trace.join('\n    ')}` : text);
  }

  /** Keeps the last frames in words, for AUDIT_TRACE=1. */
  note(line) {
    this.trace.push(`${Math.round(performance.now())} ${line}`);
    if (this.trace.length > TRACED) this.trace.shift();
  }

  /** A frame from the client. Hostile clients are audited too, hence nothing here may throw. */
  sent(bytes) {
    this.auditor.counts.sent += 1;
    let frame, payload;
    try {
      frame = MSync.decode(bytes);
      if (frame.command === Command.PROVISION) this.user = frame.guid;
      if (frame.command !== Command.SYNC) return;
      payload = CommSyncUL.decode(frame.payload);
    } catch {
      return;
    }
    const now = performance.now();
    this.note(`> SYNC ${has(payload, 'meta') ? `meta ${dec(payload.meta.id)} ns ${payload.meta.ns}` : `queue ${payload.queue?.name} key ${has(payload, 'key') ? dec(payload.key) : 'none'}`}`);
    if (has(payload, 'meta') && (payload.meta.ns === Ns.CHAT || payload.meta.ns === Ns.MUC)) this.unacked.set(dec(payload.meta.id), now);
    if (has(payload, 'meta') && payload.meta.ns === Ns.MUC) this.asked(payload.meta.payload);
    if (has(payload, 'queue') && !has(payload, 'meta')) {
      this.auditor.counts.pulls += 1;
      this.pulls.set(payload.queue.name, now);
      this.kept.add(payload.queue.name);
      // A pull without a key starts again at the cursor: what is unacknowledged may come again.
      if (!has(payload, 'key')) this.restarts.set(payload.queue.name, (this.restarts.get(payload.queue.name) ?? 0) + 1);
    }
  }

  asked(payload) {
    try {
      const { operation, mucId } = MucBody.decode(payload);
      if (operation !== JOIN || !mucId?.name) return;
      const visit = this.visit(mucId.name);
      visit.joins += 1;
      visit.at = Date.now();
    } catch {
      // A hostile client's.
    }
  }

  visit(room) {
    if (!this.visits.has(room)) this.visits.set(room, { joins: 0, wasThere: false, at: 0, counts: new Map() });
    return this.visits.get(room);
  }

  /**
   * A meta in the queue of a room comes once when it is said to who is there, and once more with each joining, which
   * brings what was said last. The SDK drops what it has had, so that no test sees a second one.
   */
  toldInRoom(room, id) {
    const visit = this.visit(room);
    if (visit.joins === 0) visit.wasThere = true;
    const count = (visit.counts.get(id) ?? 0) + 1;
    visit.counts.set(id, count);
    if (count > visit.joins + Number(visit.wasThere)) this.problem(`meta ${id} of a room told ${count} times, after joining ${visit.joins} times`);
  }

  /** A frame from the server. */
  received(bytes) {
    this.auditor.counts.received += 1;
    try {
      const frame = MSync.decode(bytes);
      if (frame.command === Command.PROVISION) this.provision(Provision.decode(frame.payload));
      else if (frame.command === Command.UNREAD) this.unread(CommUnreadDL.decode(frame.payload));
      else if (frame.command === Command.NOTICE) this.notice(CommNotice.decode(frame.payload));
      else this.sync(CommSyncDL.decode(frame.payload));
    } catch (error) {
      this.problem(`a frame that does not decode: ${error.message}`);
    }
  }

  provision(answer) {
    this.auditor.counts.provisions += 1;
    if (!has(answer, 'status')) return this.problem('login answer without status');
    const { errorCode, reason } = answer.status;
    if (errorCode === 0) {
      if (!answer.resource) this.problem('login answer without resource');
      if (!has(answer, 'authToken')) return this.problem('login answer without the time of expiry');
      const expiry = JSON.parse(answer.authToken).expires_in;
      if (!(expiry > Date.now() - 5_000 && expiry < Date.now() + 90 * 86_400_000)) {
        this.problem(`expires_in ${expiry} is not an absolute time in ms`);
      }
    } else if (errorCode === 1 && !LOGIN_REASONS.includes(reason) && !ELSEWHERE.test(reason)) {
      this.problem(`login refused with FAIL and a reason the SDK does not know: ${reason}`);
    } else if (errorCode > HIGHEST_STATUS) {
      this.problem(`login refused with the unknown code ${errorCode}`);
    }
  }

  unread(answer) {
    this.note(`< UNREAD ${answer.unread.map((one) => `${one.queue?.name} ${one.n}`)}`);
    for (const { queue } of answer.unread ?? []) this.announced(queue, 'an unread entry');
    const clock = Number(dec(answer.timestamp));
    if (clock && Math.abs(clock - Date.now()) > 60_000) this.problem(`UNREAD timestamp ${clock} is not the clock in ms`);
  }

  notice(answer) {
    this.note(`< NOTICE ${answer.queue?.name}`);
    this.announced(answer.queue, 'a NOTICE');
  }

  announced(queue, what) {
    if (!queue?.name) return this.problem(`${what} without a queue name`);
    if (this.auditor.rooms.has(queue.name)) this.problem(`${what} of a room: nothing waits for anybody there`);
    this.kept.add(queue.name);
    return undefined;
  }

  sync(answer) {
    this.note(`< SYNC queue ${answer.queue?.name} ack ${dec(answer.metaId)} metas ${answer.metas.length}${answer.metas.length ? ` (${dec(answer.metas[0].id)} to ${dec(answer.metas.at(-1).id)}, ns ${answer.metas[0].ns})` : ''} next ${dec(answer.nextKey)} last ${answer.isLast}`);
    if (!has(answer, 'status')) this.problem('a SYNC answer without status');
    const code = answer.status?.errorCode ?? 0;
    const metaId = dec(answer.metaId);
    if (metaId !== '0') this.ack(answer, metaId, code);
    else this.page(answer);
    const ids = new Set();
    for (const meta of answer.metas) this.meta(meta, ids, metaId === '0' ? answer.queue?.name : undefined);
  }

  ack(answer, metaId, code) {
    this.auditor.counts.acks += 1;
    const since = this.unacked.get(metaId);
    if (since !== undefined && performance.now() - since > ANSWER_MS) this.problem(`a meta answered after ${Math.round(performance.now() - since)} ms`);
    this.unacked.delete(metaId);
    if (code === 7 && !PERMISSION_REASONS.includes(answer.status.reason)) {
      this.problem(`ack with errorCode 7 and the reason "${answer.status.reason}" hangs the SDK`);
    }
    if (code < 0 || code > HIGHEST_STATUS) this.problem(`ack with the unknown code ${code}`);
    if (code === 0) {
      if (dec(answer.serverId) === '0') this.problem('ack without a server id');
      const stamp = Number(dec(answer.timestamp));
      if (Math.abs(stamp - Date.now()) > 60_000 && stamp !== 0) {
        // A resent message is acknowledged with the id and time it already has: minutes, never years.
        if (Math.abs(stamp - Date.now()) > 900_000) this.problem(`ack timestamp ${stamp} is not the clock in ms`);
      }
    }
  }

  page(answer) {
    if (answer.metas.length > 0 && !has(answer, 'queue')) return this.problem('metas without a queue');
    if (!has(answer, 'queue')) return undefined;
    const { name } = answer.queue;
    this.pulls.delete(name);
    if (answer.isLast) this.restarts.delete(name);
    if (answer.isLast && answer.metas.length > 0) this.unkept(name, answer.metas);
    if (!answer.isLast && this.auditor.rooms.has(name)) this.problem('a page of a room that is not marked last: the SDK would acknowledge it');
    if (!answer.isLast) {
      const key = dec(answer.nextKey);
      if (key === '0') this.problem('a page that is not the last without nextKey');
      if (this.instance.lastKey.get(name) === key) this.problem(`nextKey ${key} repeated: the SDK does not acknowledge it`);
      this.instance.lastKey.set(name, key);
    }
    return undefined;
  }

  /**
   * Metas in a page marked last, which the SDK does not acknowledge. What is told to who is in a room comes so, in
   * that room's queue; and, in a queue that is never announced, what is lost when it is not taken: how a session
   * ends, and messages for who is online, which a test says that it has sent.
   */
  unkept(name, metas) {
    if (this.auditor.rooms.has(name)) {
      for (const meta of metas) {
        if (!isOfRoom(meta, name)) this.problem(`a meta (ns ${meta.ns}) of something else in the queue of a room`);
        else if (meta.ns === Ns.CHAT && this.isOwn(meta, name)) this.problem('a message of a room sent back to the device that it comes from');
      }
    } else if (this.kept.has(name) || (!this.instance.lossAllowed && metas.some((meta) => meta.ns === Ns.CHAT))) {
      this.problem('metas in a page marked last: the SDK does not acknowledge it');
    }
  }

  /** Whether this very session has just written it; the SDK drops such a message, so that no test sees it. */
  isOwn({ from, timestamp }, room) {
    const isSelf = from?.name === this.user?.name && from?.clientResource === this.user?.clientResource;
    return isSelf && Number(dec(timestamp)) > this.visit(room).at;
  }

  meta(meta, ids, queue) {
    this.auditor.counts.metas += 1;
    if (!has(meta, 'from')) this.problem('a meta without from');
    const id = dec(meta.id);
    if (id === '0') this.problem('a meta without id');
    if (ids.has(id)) this.problem(`two metas with the id ${id} in one frame`);
    ids.add(id);
    if (this.auditor.rooms.has(queue)) this.toldInRoom(queue, id);
    else if (queue !== undefined) {
      if (!this.seen.has(queue)) this.seen.set(queue, new Set());
      if (this.seen.get(queue).has(id)) {
        const allowed = this.restarts.get(queue) ?? 0;
        if (allowed === 0) this.problem(`meta ${id} sent twice without being asked for again`);
        this.restarts.set(queue, Math.max(allowed - 1, 0));
        this.seen.set(queue, new Set());
      }
      this.seen.get(queue).add(id);
    }
    if (has(meta, 'meta')) this.compactJson(meta.meta);
    if (meta.ns === Ns.NOTIFY) this.compactJson(meta.payload);
    if (meta.ns === Ns.CHAT) this.chat(meta);
    // In an ack it is what is said of a room to who joins it.
    if (meta.ns === Ns.MUC && queue !== undefined) this.muc(meta);
  }

  muc(meta) {
    const body = MucBody.decode(meta.payload);
    if (!body.mucId?.name || !body.from?.name) return this.problem('an event of a group or room without its id or from');
    const isRoom = this.auditor.rooms.has(body.mucId.name);
    if (isRoom && !body.isChatroom) this.problem(`an event (operation ${body.operation}) of a room that the SDK takes for a group's`);
    for (const text of [body.eventInfo?.ext, body.operation === MUTED ? body.ext : undefined]) if (text) JSON.parse(text);
    if ([SET_ATTRIBUTES, REMOVED_ATTRIBUTES].includes(body.operation)) {
      const { properties, result } = JSON.parse(body.eventInfo?.ext ?? '{}');
      if (!Array.isArray(result?.successKeys)) this.problem('changed attributes of a room without successKeys: the SDK throws');
      else if (body.operation === SET_ATTRIBUTES && result.successKeys.some((key) => !(key in (properties ?? {})))) this.problem('a changed attribute of a room without its value');
    }
    return undefined;
  }

  chat(meta) {
    const body = MessageBody.decode(meta.payload);
    if (!body.from?.name || !body.to?.name) this.problem('a CHAT body without from or to');
    if (meta.to?.clientResource && !this.instance.directed) this.problem('to.clientResource set: the app would see "user/resource"');
    if (dec(meta.timestamp) === '0') this.problem('a CHAT meta without timestamp');
  }

  compactJson(bytes) {
    if (bytes.some((byte) => byte < 0x10)) this.problem('JSON bytes below 0x10: the SDK throws "URI malformed"');
  }

  /** The socket is gone; what the server still owed was owed since `grace` at least. */
  closed(grace = ANSWER_MS) {
    const now = performance.now();
    for (const [id, since] of this.unacked) if (now - since > grace) this.problem(`meta ${id} not answered in ${Math.round(now - since)} ms`);
    for (const [name, since] of this.pulls) if (now - since > grace) this.problem(`the pull of queue of length ${name.length} not answered in ${Math.round(now - since)} ms`);
    this.unacked.clear();
    this.pulls.clear();
  }
}

/** Whether a meta belongs into the queue of that room: a message there, an event, or what becomes of a message. */
function isOfRoom(meta, id) {
  if (meta.ns === Ns.MUC) return MucBody.decode(meta.payload).mucId?.name === id;
  if (meta.ns === Ns.NOTIFY) {
    const { type, data } = JSON.parse(Buffer.from(meta.payload).toString());
    return type === 'conv' && data.type === 'chatroom' && data.id === id;
  }
  if (meta.ns !== Ns.CHAT) return false;
  const body = MessageBody.decode(meta.payload);
  return body.to?.name === id && (body.type === CHATROOM || has(body, 'ackMessageId') || has(body, 'editMessageId'));
}
