import { writeBtrfs, type BtrfsRequest } from '../../src/btrfs/write-btrfs.js';
import type { TreeWritten } from '../../src/tree-writing.js';
import { MIB } from './specs.js';
import { run, writeTreeOf } from './tree-images.js';

const SUBVOLUME = '31111111-2222-4333-8444-555555555555';
const IDENTITY = {
  filesystem: '6a7b8c9d-0e1f-4213-9425-364758697a8b',
  device: '11111111-2222-4333-8444-555555555555',
  chunks: '21111111-2222-4333-8444-555555555555',
};

/** The btrfs program finds no fault, in metadata or in contents. @returns what it prints. */
export const checkBtrfs = (image: string): Promise<string> => run('btrfs', 'check', '--check-data-csum', image);

/** An image of a host directory. */
export async function writeBtrfsOf(tree: string, image: string, changes: Partial<BtrfsRequest> = {}): Promise<TreeWritten> {
  const own = { identity: IDENTITY, subvolume: SUBVOLUME, sizeBytes: 160 * MIB, ...changes };
  const { signal } = new AbortController();
  return writeTreeOf(tree, image, own, (writing, pack) => writeBtrfs({ ...own, ...writing }, pack, signal));
}
