import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TreeRef } from '@ict/plugin-api';
import { cut, digestFile, hostBuild, look, mounted, withoutShownAcls, type HostBuild } from '@ict/fixtures';
import { partitionIdentity } from '@ict/image-parts';
import { btrfsData } from '../src/btrfs/used-chunks.js';
import { writeOwnBtrfs } from '../src/filesystem-btrfs.js';
import { writeOwnXfs } from '../src/filesystem-xfs.js';
import type { TreeFilesystemRequest } from '../src/filesystem-request.js';
import { xfsData } from '../src/xfs/used-blocks.js';
import { checkBtrfs } from './support/btrfs-images.js';
import { everything } from './support/everything.js';
import { MIB, SEED } from './support/specs.js';
import { checkXfs, LONGEST_LINK } from './support/xfs-images.js';

const OFFSET = MIB;
let build: HostBuild;
beforeEach(() => {
  build = hostBuild();
});
afterEach(() => build.remove());

const btrfs = { write: writeOwnBtrfs, check: checkBtrfs, data: btrfsData, size: 128 * MIB, refusal: 'ICT_DISK_BTRFS_FILE' };
const xfs = { write: writeOwnXfs, check: checkXfs, data: xfsData, size: 300 * MIB, refusal: 'ICT_DISK_XFS_FILE' };

describe.each([
  ['btrfs', btrfs],
  ['xfs', xfs],
])('what writes a %s', (_filesystem, { write, check, data, size, refusal }) => {
  function request(name: string, tree: TreeRef, changes: Partial<TreeFilesystemRequest> = {}): TreeFilesystemRequest {
    const directory = join(build.ctx.temporary, name);
    mkdirSync(directory);
    writeFileSync(join(directory, 'disk.raw'), '');
    truncateSync(join(directory, 'disk.raw'), OFFSET + size + MIB);
    return {
      ...{ partition: 'rootfs', identity: partitionIdentity(SEED, 'rootfs'), tree, root: '/' },
      ...{ directory, file: 'disk.raw', offsetBytes: OFFSET, sizeBytes: size, ...changes },
    };
  }

  it('writes the part of a tree that is asked for into its partition, and nothing around it', async () => {
    const tree = build.tree({});
    const directory = await everything(join(build.directory(tree), 'all'), LONGEST_LINK);
    const asked = request('one', tree, { root: '/all', label: 'müll' });
    await write(asked, build.ctx);
    const disk = join(asked.directory, asked.file);
    const outside = readFileSync(disk).fill(0, OFFSET, OFFSET + size);
    expect(outside.equals(Buffer.alloc(outside.length))).toBe(true);
    const part = await cut(disk, OFFSET, size, join(asked.directory, 'part'));
    await check(part);
    expect(withoutShownAcls(await mounted(part, 'ro', look))).toEqual(await look(directory));
    const again = request('again', tree, { root: '/all', label: 'müll' });
    await write(again, build.ctx);
    expect(digestFile(join(again.directory, again.file))).toBe(digestFile(disk));
  });

  it('tells where it has data', async () => {
    const asked = request('one', build.tree({ file: 'text' }));
    await write(asked, build.ctx);
    const bytes = readFileSync(join(asked.directory, asked.file)).subarray(OFFSET, OFFSET + size);
    await using file = await open(join(asked.directory, asked.file), 'r');
    const ranges = await data(file, OFFSET);
    for (const { offset, length } of ranges) bytes.fill(0, offset, offset + length);
    expect(bytes.equals(Buffer.alloc(size))).toBe(true);
    expect(ranges.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(size / 2);
    await expect(data(file, 0)).rejects.toMatchObject({ code: 'ICT_DISK_FILESYSTEM' });
  });

  it('says what the files take when they do not fit, and which file it cannot hold', async () => {
    const large = build.tree({ large: new Uint8Array(size).fill(1) });
    await expect(write(request('one', large), build.ctx)).rejects.toMatchObject({
      code: 'ICT_DISK_NO_SPACE',
      facts: { partition: 'rootfs', availableBytes: size, files: 2 },
    });
    const none = request('two', large, { root: '/large' });
    await expect(write(none, build.ctx)).rejects.toMatchObject({ code: refusal, facts: { path: '/large' } });
  });
});
