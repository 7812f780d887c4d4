import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packFiles } from '@ict/archive';
import { BUILD_EPOCH, hostRecords } from '@ict/fixtures';
import type { TreeRecord } from '@ict/plugin-api';
import type { TreeWritten } from '../../src/tree-writing.js';
import { writeXfs, type XfsRequest } from '../../src/xfs/write-xfs.js';
import { run } from './ext4-images.js';
import { MIB } from './specs.js';

/** Longest target of a link that an xfs holds, in bytes. */
export const LONGEST_LINK = 1023;

/** xfs_repair finds no fault. */
export const checkXfs = (image: string): Promise<string> => run('xfs_repair', '-n', '-f', image);

/** An image of a host directory. */
export async function writeXfsOf(tree: string, image: string, changes: Partial<XfsRequest> = {}): Promise<TreeWritten> {
  const { offsetBytes = 0, sizeBytes = 300 * MIB } = changes;
  writeFileSync(image, '');
  truncateSync(image, offsetBytes + sizeBytes);
  const records = changes.records ?? (await hostRecords(tree));
  const sizes = new Map(records.map(({ path, sizeBytes: bytes = 0 }) => [path, bytes]));
  const request = {
    ...{ uuid: '6a7b8c9d-0e1f-4213-9425-364758697a8b', label: 'root', epochSeconds: BUILD_EPOCH, root: '/' },
    ...{ records, file: image, offsetBytes, sizeBytes, ...changes },
  };
  return writeXfs(request, (paths, target) =>
    packFiles(
      paths.map((path) => ({ path: join(tree, path), sizeBytes: sizes.get(path) as number })),
      target,
      new AbortController().signal,
    ),
  );
}

/** What the kernel shows of an xfs, without ACLs under the names that xfs itself gives them. */
export function withoutShownAcls(shown: readonly object[]): readonly object[] {
  return shown.map((record) => {
    const { xattrs } = record as TreeRecord;
    if (xattrs === undefined) return record;
    return { ...record, xattrs: Object.fromEntries(Object.entries(xattrs).filter(([name]) => !name.startsWith('trusted.SGI_ACL_'))) };
  });
}
