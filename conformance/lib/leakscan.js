// Looks for values in files, in every spelling in which they could have been written by accident.
//
// All needles are searched in one pass: the first four bytes of every needle are marked in a bit
// map, so that a file costs about one table look-up per byte however many needles there are.

import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import path from 'node:path';

/** The spellings of one value. Base64 hides a value in three ways, by its offset modulo three. */
export function spellings(value) {
  const raw = Buffer.from(value, 'utf8');
  const hex = raw.toString('hex');
  const result = new Map([
    ['raw', raw],
    ['hex', Buffer.from(hex)],
    ['HEX', Buffer.from(hex.toUpperCase())],
    ['utf-16le', Buffer.from(value, 'utf16le')],
    ['utf-16be', Buffer.from(value, 'utf16le').swap16()],
  ]);
  // Keys and uuids are written in hexadecimal, but may be kept as the bytes that they stand for.
  const digits = value.replaceAll('-', '');
  if (/^([0-9a-f]{2}){16,}$/i.test(digits)) result.set('packed', Buffer.from(digits, 'hex'));
  for (let offset = 0; offset < 3; offset += 1) {
    // Only the characters that the value alone decides: those touching a neighbour are cut off.
    const text = Buffer.concat([Buffer.alloc(offset), raw]).toString('base64').replace(/=+$/, '');
    const from = Math.ceil((offset * 8) / 6);
    const upto = Math.floor(((offset + raw.length) * 8) / 6);
    const sure = text.slice(from, upto);
    result.set(`base64+${offset}`, Buffer.from(sure));
    const urlSafe = sure.replaceAll('+', '-').replaceAll('/', '_');
    if (urlSafe !== sure) result.set(`base64url+${offset}`, Buffer.from(urlSafe));
  }
  return result;
}

const WIDTH = 22;
const slot = (word) => Math.imul(word, 0x9e3779b1) >>> (32 - WIDTH);

export class Needles {
  /**
   * @param {Iterable<[string, string]>} values pairs of value and kind
   * @param {(value: string) => Map<string, Buffer>} spell in which ways each is looked for
   */
  constructor(values, spell = spellings) {
    this.count = 0;
    this.marked = new Uint8Array(1 << WIDTH);
    this.byWord = new Map();
    this.longest = 0;
    for (const [value, kind] of values) {
      for (const [spelling, bytes] of spell(value)) {
        const word = bytes.readUInt32LE(0);
        this.marked[slot(word)] = 1;
        if (!this.byWord.has(word)) this.byWord.set(word, []);
        this.byWord.get(word).push({ bytes, kind, spelling });
        this.longest = Math.max(this.longest, bytes.length);
        this.count += 1;
      }
    }
  }

  /** All needles found in `buffer`, as `{kind, spelling, offset}`. */
  search(buffer) {
    const found = [];
    const { marked } = this;
    let word = 0;
    for (let at = 0; at < buffer.length; at += 1) {
      word = (word >>> 8) | (buffer[at] << 24);
      if (at < 3 || marked[slot(word)] === 0) continue;
      const candidates = this.byWord.get(word >>> 0);
      if (!candidates) continue;
      const start = at - 3;
      for (const { bytes, kind, spelling } of candidates) {
        if (buffer.compare(bytes, 0, bytes.length, start, Math.min(start + bytes.length, buffer.length)) === 0) found.push({ kind, spelling, offset: start });
      }
    }
    return found;
  }
}

const PIECE = 8 << 20;

/** Searches every file under `roots` (directories or files) except those in `except`. */
export function scan(needles, roots, except = []) {
  const result = { files: 0, bytes: 0, found: [] };
  const visit = (name) => {
    if (except.includes(name)) return;
    const stat = statSync(name);
    if (stat.isDirectory()) return readdirSync(name).forEach((entry) => visit(path.join(name, entry)));
    if (!stat.isFile()) return undefined;
    // The name of a file is data at rest too.
    for (const hit of needles.search(Buffer.from(name))) result.found.push({ file: name, inName: true, ...hit });
    result.files += 1;
    const handle = openSync(name, 'r');
    const piece = Buffer.alloc(PIECE + needles.longest);
    let kept = 0;
    for (let position = 0; ; ) {
      const length = readSync(handle, piece, kept, PIECE, position);
      if (length === 0) break;
      const view = piece.subarray(0, kept + length);
      for (const hit of needles.search(view)) result.found.push({ file: name, ...hit, offset: position - kept + hit.offset });
      position += length;
      result.bytes += length;
      // Keep the end, in which a needle may have begun.
      kept = Math.min(needles.longest - 1, view.length);
      view.copyWithin(0, view.length - kept);
    }
    closeSync(handle);
    return undefined;
  };
  roots.forEach(visit);
  return result;
}
