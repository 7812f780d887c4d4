import type { TreeWritten } from '../../src/tree-writing.js';
import { writeXfs, type XfsRequest } from '../../src/xfs/write-xfs.js';
import { MIB } from './specs.js';
import { run, writeTreeOf } from './tree-images.js';

const UUID = '6a7b8c9d-0e1f-4213-9425-364758697a8b';

/** Longest target of a link that an xfs holds, in bytes. */
export const LONGEST_LINK = 1023;

/** xfs_repair finds no fault. */
export const checkXfs = (image: string): Promise<string> => run('xfs_repair', '-n', '-f', image);

/** An image of a host directory. */
export async function writeXfsOf(tree: string, image: string, changes: Partial<XfsRequest> = {}): Promise<TreeWritten> {
  const own = { uuid: UUID, sizeBytes: 300 * MIB, ...changes };
  return writeTreeOf(tree, image, own, (writing, pack) => writeXfs({ ...own, ...writing }, pack));
}
