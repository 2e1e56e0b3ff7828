// How pictures are laid out.

export type Layout = 'grid' | 'speaker' | 'stage';

/** The shapes that a tile may have, width by height: people are seen well in all of them. */
const [NARROWEST, WIDEST] = [1, 16 / 9];

/** The size of the tiles with which `count` of them fill a box best. */
export function gridFor(count: number, width: number, height: number, gap: number): { readonly columns: number; readonly width: number; readonly height: number } {
  let best = { columns: 1, width: 0, height: 0 };
  for (let columns = 1; columns <= Math.max(1, count); columns += 1) {
    const rows = Math.ceil(count / columns);
    const across = (width - gap * (columns - 1)) / columns;
    const down = (height - gap * (rows - 1)) / rows;
    const tile = { columns, width: Math.floor(Math.min(across, down * WIDEST)), height: Math.floor(Math.min(down, across / NARROWEST)) };
    if (tile.width > 0 && tile.width * tile.height > best.width * best.height) best = tile;
  }
  return best;
}

/** Rounds a height to a few steps, so that a moving edge does not ask for another layer each time. */
export function heightStep(pixels: number): number {
  if (pixels <= 0) return 0;
  return Math.max(90, Math.ceil(pixels / 90) * 90);
}
