// Property trees, which are changed by dotted paths (classroom contract, section 2.0).

import type { Tree } from './types';

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The value at a dotted path. */
export function at(tree: Tree, path: string): unknown {
  let value: unknown = tree;
  for (const part of path.split('.')) {
    if (!isTree(value) || !Object.hasOwn(value, part)) return undefined;
    value = value[part];
  }
  return value;
}

export function treeAt(tree: Tree, path: string): Tree {
  const value = at(tree, path);
  return isTree(value) ? value : {};
}

export function listAt(tree: Tree, path: string): readonly unknown[] {
  const value = at(tree, path);
  return Array.isArray(value) ? value : [];
}

export function numberAt(tree: Tree, path: string, otherwise = 0): number {
  const value = at(tree, path);
  return typeof value === 'number' && Number.isFinite(value) ? value : otherwise;
}

export function textAt(tree: Tree, path: string): string {
  const value = at(tree, path);
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}

/** The tree after `changes`, values by dotted path; `"deleted"` removes what stands there. The given tree stays. */
export function changed(tree: Tree, changes: Tree): Tree {
  return Object.entries(changes).reduce((before, [path, value]) => put(before, path.split('.'), value), tree);
}

function put(tree: Tree, [first = '', ...rest]: readonly string[], value: unknown): Tree {
  // A name that reaches into JavaScript's own objects is no name of a property.
  if (first === '__proto__') return tree;
  if (rest.length > 0) {
    const below = Object.hasOwn(tree, first) ? tree[first] : undefined;
    if (!isTree(below) && value === 'deleted') return tree;
    return { ...tree, [first]: put(isTree(below) ? below : {}, rest, value) };
  }
  if (value !== 'deleted') return { ...tree, [first]: value };
  const { [first]: _, ...without } = tree;
  return without;
}
