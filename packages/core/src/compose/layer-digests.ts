import type { TreeRef } from '@ict/plugin-api';

/** The digests of a tree's layers, lowest first: what the tree is in a key. */
export function layerDigests(tree: TreeRef): readonly string[] {
  return tree.layers.map((layer) => layer.digest);
}
