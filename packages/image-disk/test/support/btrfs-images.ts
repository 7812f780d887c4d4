import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packFiles } from '@ict/archive';
import { BUILD_EPOCH, hostRecords } from '@ict/fixtures';
import { writeBtrfs, type BtrfsRequest } from '../../src/btrfs/write-btrfs.js';
import type { TreeWritten } from '../../src/tree-writing.js';
import { run } from './ext4-images.js';
import { MIB } from './specs.js';

const IDENTITY = {
  filesystem: '6a7b8c9d-0e1f-4213-9425-364758697a8b',
  device: '11111111-2222-4333-8444-555555555555',
  chunks: '21111111-2222-4333-8444-555555555555',
};

/** The btrfs program finds no fault, in metadata or in contents. @returns what it prints. */
export const checkBtrfs = (image: string): Promise<string> => run('btrfs', 'check', '--check-data-csum', image);

/** An image of a host directory. */
export async function writeBtrfsOf(tree: string, image: string, changes: Partial<BtrfsRequest> = {}): Promise<TreeWritten> {
  const { offsetBytes = 0, sizeBytes = 160 * MIB } = changes;
  writeFileSync(image, '');
  truncateSync(image, offsetBytes + sizeBytes);
  const records = changes.records ?? (await hostRecords(tree));
  const sizes = new Map(records.map(({ path, sizeBytes: bytes = 0 }) => [path, bytes]));
  const request = {
    ...{ identity: IDENTITY, subvolume: '31111111-2222-4333-8444-555555555555', label: 'root', epochSeconds: BUILD_EPOCH, root: '/' },
    ...{ records, file: image, offsetBytes, sizeBytes, ...changes },
  };
  const { signal } = new AbortController();
  return writeBtrfs(
    request,
    (paths, target) =>
      packFiles(
        paths.map((path) => ({ path: join(tree, path), sizeBytes: sizes.get(path) as number })),
        target,
        signal,
      ),
    signal,
  );
}
