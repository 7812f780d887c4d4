import type { TreeWritten } from '../../src/tree-writing.js';
import { writeExt4, type Ext4Request } from '../../src/ext4/write-ext4.js';
import { MIB } from './specs.js';
import { run, writeTreeOf } from './tree-images.js';

const UUID = '6a7b8c9d-0e1f-4213-9425-364758697a8b';
const SEED = '11111111-2222-4333-8444-555555555555';

/** e2fsck finds no fault. @returns what it prints. */
export const check = (image: string): Promise<string> => run('e2fsck', '-fn', image);

/** An image of a host directory. */
export async function write(tree: string, image: string, changes: Partial<Ext4Request> = {}): Promise<TreeWritten> {
  const own = { uuid: UUID, hashSeed: SEED, sizeBytes: 64 * MIB, ...changes };
  return writeTreeOf(tree, image, own, (writing, pack) => writeExt4({ ...own, ...writing }, pack));
}
