// MSYNC frames for Node: encode, decode, and whether a field is present.

import path from 'node:path';
import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';

const proto = path.join(path.dirname(fileURLToPath(import.meta.url)), '../proto/msync.proto');
const root = new protobuf.Root().loadSync(proto, { keepCase: true });
const type = (name) => root.lookupType(`easemob.pb.${name}`);

export const MSync = type('MSync');
export const CommSyncUL = type('CommSyncUL');
export const CommSyncDL = type('CommSyncDL');
export const CommNotice = type('CommNotice');
export const CommUnreadDL = type('CommUnreadDL');
export const Provision = type('Provision');
export const Meta = type('Meta');
export const MessageBody = type('MessageBody');
export const MucBody = type('MUCBody');
export const StatisticsBody = type('StatisticsBody');

export const Command = { SYNC: 0, UNREAD: 1, NOTICE: 2, PROVISION: 3 };
export const Ns = { STATISTIC: 0, CHAT: 1, MUC: 2, ROSTER: 3, CONFERENCE: 4, NOTIFY: 5, QUERY: 6 };

/** Whether the sender put the field on the wire (a default value read from the prototype is not presence). */
export const has = (message, field) => message != null && Object.prototype.hasOwnProperty.call(message, field);

/** 64-bit values as decimal text, which is exact. */
export const dec = (value) => (value == null ? '0' : value.toString());

/** The outer frame for `command` with an already encoded payload. */
export const frame = (command, payload, more = {}) =>
  Buffer.from(MSync.encode(MSync.create({ version: 0, encryptType: [0], command, ...(payload && { payload }), ...more })).finish());

export const encode = (messageType, fields) => messageType.encode(messageType.fromObject(fields)).finish();
