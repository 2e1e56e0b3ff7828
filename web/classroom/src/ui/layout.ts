// How pictures are laid out.

export type Layout = 'grid' | 'speaker' | 'stage';

/** The widest tile of a shape with which `count` of them fit into a box, and in how many columns. */
export function gridFor(count: number, width: number, height: number, gap: number, ratio = 4 / 3): { readonly columns: number; readonly width: number } {
  let best = { columns: 1, width: 0 };
  for (let columns = 1; columns <= Math.max(1, count); columns += 1) {
    const rows = Math.ceil(count / columns);
    const byWidth = (width - gap * (columns - 1)) / columns;
    const byHeight = ((height - gap * (rows - 1)) / rows) * ratio;
    const fits = Math.floor(Math.min(byWidth, byHeight));
    if (fits > best.width) best = { columns, width: fits };
  }
  return best;
}

/** Rounds a height to a few steps, so that a moving edge does not ask for another layer each time. */
export function heightStep(pixels: number): number {
  if (pixels <= 0) return 0;
  return Math.max(90, Math.ceil(pixels / 90) * 90);
}
