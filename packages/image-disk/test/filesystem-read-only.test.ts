import { execFileSync } from 'node:child_process';
import { lutimesSync, mkdirSync, readFileSync, readdirSync, renameSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TreeRef } from '@ict/plugin-api';
import {
  BUILD_EPOCH,
  cut,
  digestFile,
  execute,
  hostBuild,
  hostRecords,
  look,
  mounted,
  type HostBuild,
  type TreeContent,
} from '@ict/fixtures';
import { partitionIdentity } from '@ict/image-parts';
import { erofsBytes, labelErofs } from '../src/erofs-superblock.js';
import { writeReadOnly, type ReadOnlyRequest } from '../src/filesystem-read-only.js';
import { squashfsBytes } from '../src/squashfs-superblock.js';
import { everything } from './support/everything.js';
import { lookInto, settle } from './support/tree-images.js';
import { MIB, SEED } from './support/specs.js';

const OFFSET = MIB;
const SIZE = 24 * MIB;
const KINDS = ['erofs', 'squashfs'] as const;
let build: HostBuild;
beforeEach(() => {
  build = hostBuild();
});
afterEach(() => build.remove());

function request(kind: ReadOnlyRequest['kind'], tree: TreeRef, changes: Partial<ReadOnlyRequest> = {}): ReadOnlyRequest {
  const name = `disk-${readdirSync(build.ctx.temporary).length}`;
  const directory = join(build.ctx.temporary, name);
  mkdirSync(directory);
  writeFileSync(join(directory, 'disk.raw'), '');
  truncateSync(join(directory, 'disk.raw'), OFFSET + SIZE + MIB);
  return {
    ...{ partition: 'rootfs', kind, identity: partitionIdentity(SEED, 'rootfs'), tree, root: '/' },
    ...{ directory, file: 'disk.raw', offsetBytes: OFFSET, sizeBytes: SIZE, ...changes },
  };
}

/** Writes a filesystem. @returns its partition, as a file; what is around it is still zeros. */
async function written(asked: ReadOnlyRequest): Promise<string> {
  await writeReadOnly(asked, build.ctx);
  expect(readdirSync(asked.directory)).toEqual(['disk.raw']);
  const disk = join(asked.directory, 'disk.raw');
  const outside = readFileSync(disk);
  outside.fill(0, OFFSET, OFFSET + SIZE);
  expect(outside.equals(Buffer.alloc(outside.length))).toBe(true);
  return cut(disk, OFFSET, SIZE, join(asked.directory, 'part'));
}

/** A tree below `/all` with one of everything; without what only an erofs can hold. */
async function treeOfAll(kind: ReadOnlyRequest['kind']): Promise<{ readonly tree: TreeRef; readonly directory: string }> {
  const tree = build.tree({});
  const directory = await everything(join(build.directory(tree), 'all'));
  lutimesSync(join(directory, 'usr/link-60'), 1, 1); // was older than 1970
  if (kind === 'squashfs') {
    execFileSync('setfattr', ['-x', 'system.posix_acl_access', join(directory, 'acl/below')]);
    execFileSync('setfattr', ['-x', 'system.posix_acl_default', join(directory, 'acl')]);
  } else {
    // mkfs.erofs 1.5 cuts off the last byte of a name of 255, and then does not find the file.
    const long = join(directory, 'long');
    for (const name of readdirSync(long)) renameSync(join(long, name), join(long, name.slice(1)));
    lutimesSync(long, BUILD_EPOCH - 7, BUILD_EPOCH - 7);
  }
  return { tree, directory };
}

async function failure(asked: ReadOnlyRequest): Promise<unknown> {
  return writeReadOnly(asked, build.ctx).then(
    () => undefined,
    (reason: unknown) => reason,
  );
}

const files: Record<string, TreeContent> = {
  'etc/hostname': 'minimal\n',
  'usr/bin/program': 'x'.repeat(70_000),
  'usr/link': { link: 'bin' },
};

describe.each(KINDS)('writeReadOnly of %s', (kind) => {
  it('writes all that a tree can hold, and the kernel shows the same', async () => {
    const { tree, directory } = await treeOfAll(kind);
    const part = await written(request(kind, tree, { root: '/all' }));
    const seen = await mounted(part, 'ro', look);
    expect(seen).toEqual(await look(directory));
    expect(await lookInto(part)).toEqual(seen);
    expect(seen.length).toBeGreaterThan(400);
  });

  it('gives the same bytes whenever, wherever and in whichever order the tree was made', async () => {
    const names = Array.from({ length: 300 }, (_, index) => `name-${(index * 7919) % 300}`);
    const parts: string[] = [];
    for (const [place, order] of [names, names.toReversed()].entries()) {
      const tree = build.tree({});
      const directory = join(build.directory(tree), `tree-${place}`);
      mkdirSync(directory, { mode: 0o755 });
      for (const name of order) writeFileSync(join(directory, name), name.repeat(50));
      execFileSync('setfattr', ['-n', 'user.all', '-v', 'have', ...order], { cwd: directory });
      settle(directory, await hostRecords(directory));
      parts.push(await written(request(kind, tree, { root: `/tree-${place}` })));
    }
    expect(digestFile(parts[0] as string)).toBe(digestFile(parts[1] as string));
  });

  it('takes no time later than the epoch', async () => {
    const tree = build.tree(files);
    const directory = build.directory(tree);
    settle(directory, await hostRecords(directory), BUILD_EPOCH + 70_000);
    settle(join(directory, 'etc'), await hostRecords(join(directory, 'etc')), BUILD_EPOCH - 70_000);
    const times = await mounted(await written(request(kind, tree)), 'ro', (at) =>
      ['', 'etc', 'etc/hostname', 'usr/bin/program'].map((path) => statSync(join(at, path)).mtimeMs / 1000),
    );
    expect(times).toEqual([BUILD_EPOCH, BUILD_EPOCH - 70_000, BUILD_EPOCH - 70_000, BUILD_EPOCH]);
  });

  it('refuses a file with a time that it has no number for, and names it', async () => {
    const tree = build.tree(files);
    lutimesSync(join(build.directory(tree), 'etc/hostname'), new Date(-1000), new Date(-1000));
    expect(await failure(request(kind, tree))).toMatchObject({
      code: 'ICT_DISK_READ_ONLY_FILE',
      kind: 'invalid',
      facts: { partition: 'rootfs', path: '/etc/hostname', reason: 'is older than 1970' },
    });
    await writeReadOnly(request(kind, tree, { root: '/usr' }), build.ctx);
  });

  it('leaves the rest of its partition to holes', async () => {
    const asked = request(kind, build.tree(files));
    await writeReadOnly(asked, build.ctx);
    expect(statSync(join(asked.directory, 'disk.raw')).blocks * 512).toBeLessThan(MIB);
  });

  it('says how much is needed when the files do not fit, and does with that much', async () => {
    const noise = new Uint8Array(3 * MIB).map((_, index) => Math.imul(index ^ (index >>> 7), 2654435761) >>> 13);
    const tree = build.tree({ noise });
    const error = await failure(request(kind, tree, { sizeBytes: MIB }));
    expect(error).toMatchObject({ code: 'ICT_DISK_NO_SPACE', kind: 'invalid', facts: { partition: 'rootfs', availableBytes: MIB } });
    const { neededBytes } = (error as { facts: { neededBytes: number } }).facts;
    expect(neededBytes).toBeGreaterThan(MIB);
    expect(await failure(request(kind, tree, { sizeBytes: neededBytes - 1 }))).toMatchObject({ code: 'ICT_DISK_NO_SPACE' });
    await writeReadOnly(request(kind, tree, { sizeBytes: neededBytes }), build.ctx);
  });

  it('writes an empty one for a partition that is mounted nowhere', async () => {
    const part = await written(request(kind, { layers: [] }));
    expect(await mounted(part, 'ro', (directory) => readdirSync(directory))).toEqual([]);
  });

  it('passes on what its program says about anything else, and leaves nothing behind', async () => {
    const asked = request(kind, build.tree(files), { root: '/missing' });
    expect(await failure(asked)).toMatchObject({ code: 'ICT_DISK_FILESYSTEM', kind: 'command', facts: { exitCode: 1 } });
    expect(readdirSync(asked.directory)).toEqual(['disk.raw']);
  });
});

describe('an erofs', () => {
  it('has the UUID and the label that follow from the lock and the template, and a sound checksum', async () => {
    const label = 'as long as it is';
    const part = await written(request('erofs', build.tree(files), { label }));
    const { stdout } = await execute('blkid', ['-p', '-o', 'export', part]);
    expect(stdout).toContain(`UUID=${partitionIdentity(SEED, 'rootfs').filesystemUuid}\n`);
    expect(stdout).toContain(`LABEL=${label.replaceAll(' ', '\\ ')}\n`);
    // The kernel refuses one with a wrong checksum.
    expect(await mounted(part, 'ro', (directory) => readFileSync(join(directory, 'etc/hostname'), 'utf8'))).toBe('minimal\n');
    const damaged = readFileSync(part);
    damaged.writeUInt32LE(damaged.readUInt32LE(1028) ^ 1, 1028);
    writeFileSync(part, damaged);
    await expect(mounted(part, 'ro', () => 'mounted')).rejects.toThrow();
  });
});

describe('a squashfs', () => {
  it('refuses a file with an access control list, and names it', async () => {
    const tree = build.tree({ ...files, 'srv/files': null });
    // Of the owner, user 1000, the group, the mask and others.
    const entries = ['0100070000000000', '02000400e8030000', '0400050000000000', '1000050000000000', '2000050000000000'];
    const value = `0x02000000${entries.join('')}`;
    execFileSync('setfattr', ['-n', 'system.posix_acl_access', '-v', value, join(build.directory(tree), 'srv/files')]);
    expect(await failure(request('squashfs', tree))).toMatchObject({
      code: 'ICT_DISK_READ_ONLY_FILE',
      kind: 'invalid',
      facts: { partition: 'rootfs', path: '/srv/files', reason: 'has an access control list' },
    });
    await writeReadOnly(request('squashfs', tree, { root: '/usr' }), build.ctx);
    await writeReadOnly(request('erofs', tree), build.ctx);
  });
});

describe.each([
  ['erofsBytes', erofsBytes],
  ['squashfsBytes', squashfsBytes],
] as const)('%s', (_name, read) => {
  it('refuses what is none, whatever its bytes', async () => {
    const file = join(build.ctx.temporary, 'noise');
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 4096 }), async (bytes) => {
        writeFileSync(file, bytes);
        await using handle = await open(file, 'r+');
        await expect(read(handle, 0)).rejects.toMatchObject({ code: 'ICT_DISK_FILESYSTEM' });
        await expect(labelErofs(handle, 'label')).rejects.toMatchObject({ code: 'ICT_DISK_FILESYSTEM' });
      }),
      { numRuns: 30 },
    );
    expect(readFileSync(file).includes('label')).toBe(false);
  });
});
