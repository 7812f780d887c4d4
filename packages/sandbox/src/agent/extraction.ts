import { extractTree, readDeb, readTarFile, type TarEntry, type UnsetXattrs } from '@ict/archive';
import { setAttributesByTar } from './xattr-writer.js';
import { treePathParts } from './tree-path.js';

/**
 * Unpacks the files of an archive below `at` of the tree at `root`, with owners, devices and extended attributes. Links on the
 * way are followed inside the tree only.
 *
 * @throws what `extractTree` and the readers of `@ict/archive` throw; `ICT_TREE_IO` for attributes that cannot be set.
 */
export async function extractInto(root: string, file: string, format: 'deb' | 'tar', at: string, signal: AbortSignal): Promise<void> {
  const entries = format === 'deb' ? (await readDeb(file, { signal })).data() : readTarFile(file, { signal });
  const prefix = treePathParts(at).join('/');
  const placed = prefix === '' ? entries : below(prefix, entries);
  const { withXattrs } = await extractTree(placed, root, { owners: true, devices: 'create', signal });
  for (const entry of withXattrs) await setXattrs(root, entry, signal);
}

/** The same entries, all names below `prefix`, so that links of the tree above it are resolved too. */
async function* below(prefix: string, entries: AsyncIterable<TarEntry>): AsyncGenerator<TarEntry, void, undefined> {
  for await (const entry of entries) {
    const { path, type, linkTarget } = entry;
    yield {
      ...entry,
      path: `${prefix}/${path}`,
      ...(type === 'hardlink' && linkTarget !== undefined ? { linkTarget: `${prefix}/${linkTarget}` } : {}),
    };
  }
}

function setXattrs(root: string, entry: UnsetXattrs, signal: AbortSignal): Promise<void> {
  return setAttributesByTar(root, `/${entry.path === '.' ? '' : entry.path}`, entry.xattrs, signal);
}
