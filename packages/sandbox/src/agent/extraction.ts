import { join } from 'node:path';
import { extractTree, filesBelow, readDeb, readTarFile, type TarEntry, type UnsetXattrs } from '@ict/archive';
import type { Params } from '../protocol.js';
import { setAttributesByTar } from './xattr-writer.js';
import { treePathParts } from './tree-path.js';

/** A file, where it is unpacked to, and what of it. */
export type ArchiveToUnpack = Omit<Params<'tree.extract'>, 'tree'>;

/**
 * Unpacks the files of an archive below a directory of the tree at `root`, with owners, devices and extended attributes. Links on the
 * way are followed inside the tree only.
 *
 * @throws what `extractTree` and the readers of `@ict/archive` throw; `ICT_TREE_IO` for attributes that cannot be set.
 */
export async function extractInto(root: string, { file, format, at, without }: ArchiveToUnpack, signal: AbortSignal): Promise<void> {
  const entries = format === 'deb' ? (await readDeb(file, { signal })).data() : readTarFile(file, { signal });
  const prefix = treePathParts(at).join('/');
  const placed = prefix === '' ? entries : below(prefix, entries);
  const except = without.length === 0 ? {} : { except: filesBelow(without.map((directory) => join('/', prefix, directory))) };
  const { withXattrs } = await extractTree(placed, root, { owners: true, devices: 'create', signal, ...except });
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
