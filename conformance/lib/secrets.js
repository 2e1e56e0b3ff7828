// Everything a user gave the server during a run, so that the end of the run can look for it on disk.

import { randomBytes } from 'node:crypto';

/** A run-wide list of values that must not be readable at rest. */
export class Secrets {
  constructor() {
    this.values = new Map();
    /** Ids of messages: no secret on disk, where they are keys of nothing, but not for logs. */
    this.messageIds = new Set();
  }

  /** Notes `value` under `kind`. Values shorter than 8 bytes would be found by chance and are refused. */
  add(kind, value) {
    if (Buffer.byteLength(value) < 8) throw new Error(`too short to search for: ${kind}`);
    this.values.set(value, kind);
    return value;
  }

  token(value) {
    this.add('token', value);
    // A log line may hold a token cut short.
    if (value.length > 120) this.add('token', value.slice(40, 100));
    return value;
  }

  /** A new name that is legal as a user name and long enough to search for. */
  name(prefix = 'u') {
    return this.add('user name', `${prefix}${randomBytes(7).toString('hex')}`);
  }

  password() {
    return this.add('password', `Pw-${randomBytes(12).toString('base64url')}`);
  }

  /** A text that occurs nowhere else, with `words` after it. */
  text(words = '') {
    return this.of('message text', words);
  }

  /** The same for what is not a message: a group's name, a remark, the contents of a file. */
  of(kind, words = '') {
    return this.add(kind, `t${randomBytes(9).toString('base64url')}${words && ` ${words}`}`);
  }
}
