import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { TreeRef } from '@ict/plugin-api';
import { cut, digestFile, hostBuild, look, mounted, type HostBuild } from '@ict/fixtures';
import { partitionIdentity } from '@ict/image-parts';
import { btrfsData } from '../src/btrfs/used-chunks.js';
import { writeOwnBtrfs } from '../src/filesystem-btrfs.js';
import type { TreeFilesystemRequest } from '../src/filesystem-request.js';
import { checkBtrfs } from './support/btrfs-images.js';
import { everything } from './support/everything.js';
import { MIB, SEED } from './support/specs.js';

const OFFSET = MIB;
const SIZE = 128 * MIB;
let build: HostBuild;
beforeEach(() => {
  build = hostBuild();
});
afterEach(() => build.remove());

function request(name: string, tree: TreeRef, changes: Partial<TreeFilesystemRequest> = {}): TreeFilesystemRequest {
  const directory = join(build.ctx.temporary, name);
  mkdirSync(directory);
  writeFileSync(join(directory, 'disk.raw'), '');
  truncateSync(join(directory, 'disk.raw'), OFFSET + SIZE + MIB);
  return {
    ...{ partition: 'rootfs', identity: partitionIdentity(SEED, 'rootfs'), tree, root: '/' },
    ...{ directory, file: 'disk.raw', offsetBytes: OFFSET, sizeBytes: SIZE, ...changes },
  };
}

it('writes the part of a tree that is asked for into its partition, and nothing around it', async () => {
  const tree = build.tree({});
  const directory = await everything(join(build.directory(tree), 'all'));
  const asked = request('one', tree, { root: '/all', label: 'müll' });
  await writeOwnBtrfs(asked, build.ctx);
  const disk = join(asked.directory, asked.file);
  const outside = readFileSync(disk).fill(0, OFFSET, OFFSET + SIZE);
  expect(outside.equals(Buffer.alloc(outside.length))).toBe(true);
  const part = await cut(disk, OFFSET, SIZE, join(asked.directory, 'part'));
  await checkBtrfs(part);
  expect(await mounted(part, 'ro', look)).toEqual(await look(directory));
  const again = request('again', tree, { root: '/all', label: 'müll' });
  await writeOwnBtrfs(again, build.ctx);
  expect(digestFile(join(again.directory, again.file))).toBe(digestFile(disk));
});

it('tells where it has data', async () => {
  const asked = request('one', build.tree({ file: 'text' }));
  await writeOwnBtrfs(asked, build.ctx);
  const bytes = readFileSync(join(asked.directory, asked.file)).subarray(OFFSET, OFFSET + SIZE);
  await using file = await open(join(asked.directory, asked.file), 'r');
  const ranges = await btrfsData(file, OFFSET);
  for (const { offset, length } of ranges) bytes.fill(0, offset, offset + length);
  expect(bytes.equals(Buffer.alloc(SIZE))).toBe(true);
  expect(ranges.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(SIZE);
  await expect(btrfsData(file, 0)).rejects.toMatchObject({ code: 'ICT_DISK_FILESYSTEM' });
});

it('says what the files take when they do not fit, and which file it cannot hold', async () => {
  const large = build.tree({ large: new Uint8Array(SIZE).fill(1) });
  await expect(writeOwnBtrfs(request('one', large), build.ctx)).rejects.toMatchObject({
    code: 'ICT_DISK_NO_SPACE',
    facts: { partition: 'rootfs', availableBytes: SIZE, files: 2 },
  });
  const none = request('two', large, { root: '/large' });
  await expect(writeOwnBtrfs(none, build.ctx)).rejects.toMatchObject({ code: 'ICT_DISK_BTRFS_FILE', facts: { path: '/large' } });
});
