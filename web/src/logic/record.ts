// A sealed record cut into its parts: version, key id, nonce, ciphertext and tag.

export type Part = 'version' | 'key' | 'nonce' | 'ciphertext' | 'tag';

export interface Byte {
  readonly hex: string;
  readonly part: Part;
}

/** Bytes of each part but the ciphertext, which is what lies between the nonce and the tag. */
export const LENGTHS = { version: 1, key: 8, nonce: 12, tag: 16 } as const;

const HEADER = LENGTHS.version + LENGTHS.key + LENGTHS.nonce;

/** The bytes that `hex` stands for, each with the part that it belongs to. */
export function bytes(hex: string): Byte[] {
  const pairs = hex.match(/../g) ?? [];
  return pairs.map((pair, at) => ({ hex: pair, part: partAt(at, pairs.length) }));
}

function partAt(at: number, length: number): Part {
  if (at < LENGTHS.version) return 'version';
  if (at < LENGTHS.version + LENGTHS.key) return 'key';
  if (at < HEADER) return 'nonce';
  return at < length - LENGTHS.tag ? 'ciphertext' : 'tag';
}

/** How long each part of a record of `length` bytes is. */
export function lengths(length: number): Record<Part, number> {
  return { ...LENGTHS, ciphertext: Math.max(0, length - HEADER - LENGTHS.tag) };
}

/** A stretch of bytes of one part. */
export interface Run {
  readonly part: Part;
  readonly text: string;
}

export interface Row {
  readonly offset: string;
  readonly runs: readonly Run[];
}

/** Rows of `width` bytes, each with its offset; neighbours of the same part together. */
export function rows(all: readonly Byte[], width: number): Row[] {
  const rows: Row[] = [];
  for (let at = 0; at < all.length; at += width) {
    const runs: { part: Part; text: string }[] = [];
    for (const { hex, part } of all.slice(at, at + width)) {
      const last = runs.at(-1);
      if (last?.part === part) last.text += ` ${hex}`;
      else runs.push({ part, text: hex });
    }
    rows.push({ offset: at.toString(16).padStart(4, '0'), runs });
  }
  return rows;
}
