import type { TreeRef } from '@ict/plugin-api';

/** A tree in a key: the digests of its layers. */
export function treeKey(tree: TreeRef): readonly string[] {
  return tree.layers.map((layer) => layer.digest);
}
