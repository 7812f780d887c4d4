import {
  existsSync,
  lutimesSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TreeRef } from '@ict/plugin-api';
import { BUILD_EPOCH, cut, execute, hostBuild, type HostBuild, type TreeContent } from '@ict/fixtures';
import { crc32c, partitionIdentity } from '@ict/image-parts';
import { extSizeProblem } from '../src/ext4/geometry.js';
import { fixExtTimes } from '../src/ext-times.js';
import { writeExt, type ExtRequest } from '../src/filesystem-ext.js';
import { MIB, SEED } from './support/specs.js';

const OFFSET = MIB;
const SIZE = 24 * MIB;
let build: HostBuild;
beforeEach(() => {
  build = hostBuild();
});
afterEach(() => build.remove());

const files: Record<string, TreeContent> = {
  'etc/hostname': 'minimal\n',
  'usr/bin/program': 'x'.repeat(70_000),
  'usr/bin/link': { link: 'program' },
  'usr/bin/long': { link: 'a'.repeat(100) },
  'srv/empty': null,
  ...Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`usr/share/doc/file-with-a-name-${index}`, `${index}`])),
};

/** Sets every time below a directory, so that nothing is later than the epoch by accident. */
function setTimes(directory: string, seconds: number): void {
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isSymbolicLink()) lutimesSync(path, seconds, seconds);
    else utimesSync(path, seconds, seconds);
  }
  utimesSync(directory, seconds, seconds);
}

function request(tree: TreeRef, changes: Partial<ExtRequest> = {}): ExtRequest {
  const directory = mkdtempSync(join(build.ctx.temporary, 'test-'));
  writeFileSync(join(directory, 'disk.raw'), '');
  truncateSync(join(directory, 'disk.raw'), OFFSET + SIZE + MIB);
  return {
    partition: 'rootfs',
    kind: 'ext4',
    identity: partitionIdentity(SEED, 'rootfs'),
    label: 'rootfs',
    tree,
    root: '/',
    directory,
    file: 'disk.raw',
    offsetBytes: OFFSET,
    sizeBytes: SIZE,
    ...changes,
  };
}

async function written(changes: Partial<ExtRequest> = {}, content: Record<string, TreeContent> = files): Promise<string> {
  const asked = request(build.tree(content), changes);
  await writeExt(asked, build.ctx);
  const disk = join(asked.directory, 'disk.raw');
  const outside = readFileSync(disk);
  outside.fill(0, OFFSET, OFFSET + SIZE);
  expect(outside.equals(Buffer.alloc(outside.length))).toBe(true);
  return cut(disk, OFFSET, SIZE, join(asked.directory, 'part'));
}

describe('writeExt', () => {
  it.each(['ext2', 'ext3', 'ext4'] as const)('writes an %s in which e2fsck finds no fault', async (kind) => {
    const part = await written({ kind });
    const { exitCode, stdout } = await execute('e2fsck', ['-fn', part]);
    expect([exitCode, stdout.match(/(\d+)\/\d+ files/u)?.[1]]).toEqual([0, '522']);
  });

  it.each(['ext2', 'ext3', 'ext4'] as const)('writes the smallest %s that a template may ask for', async (kind) => {
    const smallest = 55 * 4096;
    expect([smallest - 1, smallest].map(extSizeProblem)).toEqual(['too small', undefined]);
    const part = await written({ kind, sizeBytes: smallest }, { name: 'x' });
    expect((await execute('e2fsck', ['-fn', part])).exitCode).toBe(0);
  });

  it('gives it the label, UUID, hash seed and times that follow from the lock', async () => {
    const part = await written();
    const { stdout } = await execute('dumpe2fs', ['-h', part]);
    const field = (name: string): string | undefined => new RegExp(`^${name}:\\s+(.*)$`, 'mu').exec(stdout)?.[1];
    const identity = partitionIdentity(SEED, 'rootfs');
    expect(field('Filesystem volume name')).toBe('rootfs');
    expect(field('Filesystem UUID')).toBe(identity.filesystemUuid);
    expect(field('Directory Hash Seed')).toBe(identity.hashSeed);
    expect(new Date(`${field('Filesystem created')} UTC`).getTime()).toBe(BUILD_EPOCH * 1000);
    expect(field('Filesystem features')).toContain('metadata_csum');
    expect(field('Filesystem features')).not.toMatch(/metadata_csum_seed|orphan_file/u);
  });

  it('keeps the files, links and directories of the tree', async () => {
    const part = await written();
    const cat = await execute('debugfs', ['-R', 'cat /usr/bin/program', part]);
    expect(cat.stdout).toBe('x'.repeat(70_000));
    const long = await execute('debugfs', ['-R', 'stat /usr/bin/long', part]);
    expect(long.stdout).toMatch(/Type: symlink .*Size: 100\n/su);
    const link = await execute('debugfs', ['-R', 'stat /usr/bin/link', part]);
    expect(link.stdout).toContain('Fast link dest: "program"');
  });

  it('takes the part of the tree below a mount point', async () => {
    const part = await written({ root: '/usr' });
    const { stdout } = await execute('debugfs', ['-R', 'ls -p /', part]);
    expect(
      stdout
        .split('\n')
        .map((line) => line.split('/')[5])
        .filter(Boolean),
    ).toEqual(['.', '..', 'lost+found', 'bin', 'share'].filter(Boolean));
  });

  it('does not depend on when the tree was read or changed', async () => {
    const tree = build.tree(files);
    const make = async (): Promise<Buffer> => {
      const asked = request(tree);
      await writeExt(asked, build.ctx);
      return readFileSync(join(asked.directory, 'disk.raw'));
    };
    const home = readdirSync(join(build.ctx.temporary, '..')).find((name) =>
      existsSync(join(build.ctx.temporary, '..', name, 'usr/bin/program')),
    ) as string;
    const directory = join(build.ctx.temporary, '..', home);
    setTimes(directory, BUILD_EPOCH - 5000);
    const first = await make();
    utimesSync(join(directory, 'usr/bin/program'), BUILD_EPOCH + 9, BUILD_EPOCH - 5000);
    utimesSync(join(directory, 'etc/hostname'), BUILD_EPOCH - 70_000, BUILD_EPOCH - 5000);
    expect(Buffer.compare(await make(), first)).toBe(0);
  });

  it('leaves the file sparse', async () => {
    const asked = request(build.tree(files));
    await writeExt(asked, build.ctx);
    expect(statSync(join(asked.directory, 'disk.raw')).blocks * 512).toBeLessThan(8 * MIB);
  });

  it('says how much is needed when the files do not fit', async () => {
    const big = Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`file${index}`, new Uint8Array(MIB).fill(index + 1)]));
    const error = await writeExt(request(build.tree(big), { sizeBytes: 8 * MIB }), build.ctx).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: 'ICT_DISK_NO_SPACE', kind: 'invalid', facts: { partition: 'rootfs', availableBytes: 8 * MIB } });
    const { neededBytes } = (error as { facts: { neededBytes: number } }).facts;
    expect(neededBytes).toBeGreaterThan(12 * MIB);
    expect(neededBytes).toBeLessThan(28 * MIB);
    expect(readdirSync(build.ctx.temporary).filter((name) => name.startsWith('measure-'))).toEqual([]);
  });

  it('says which file an ext4 cannot hold', async () => {
    const asked = request(build.tree(files), { root: '/etc/hostname' });
    await expect(writeExt(asked, build.ctx)).rejects.toMatchObject({
      code: 'ICT_DISK_EXT_FILE',
      kind: 'invalid',
      facts: { path: '/etc/hostname', partition: 'rootfs', reason: 'is no directory' },
    });
  });

  it('passes on what mke2fs says about anything else', async () => {
    const asked = request(build.tree(files), { kind: 'ext3', root: '/missing' });
    await expect(writeExt(asked, build.ctx)).rejects.toMatchObject({
      code: 'ICT_DISK_FILESYSTEM',
      kind: 'command',
      facts: { exitCode: 1 },
    });
  });
});

describe('fixExtTimes', () => {
  it('limits modification times and makes the others equal to them', async () => {
    const asked = request(build.tree({ old: 'old', young: 'young', ancient: 'ancient' }));
    const home = readdirSync(join(build.ctx.temporary, '..')).find((name) =>
      existsSync(join(build.ctx.temporary, '..', name, 'old')),
    ) as string;
    const directory = join(build.ctx.temporary, '..', home);
    utimesSync(join(directory, 'old'), BUILD_EPOCH + 50, BUILD_EPOCH - 1000.25);
    utimesSync(join(directory, 'young'), BUILD_EPOCH + 50, BUILD_EPOCH + 50);
    utimesSync(join(directory, 'ancient'), new Date(), new Date(-86_400_000));
    await writeExt(asked, build.ctx);
    const part = cut(join(asked.directory, 'disk.raw'), OFFSET, SIZE, join(asked.directory, 'part'));
    const times = async (path: string): Promise<(string | undefined)[]> => {
      const { stdout } = await execute('debugfs', ['-R', `stat ${path}`, part]);
      return ['ctime', 'atime', 'mtime', 'crtime'].map((name) => new RegExp(`^ *${name}: 0x([0-9a-f]+:[0-9a-f]+)`, 'mu').exec(stdout)?.[1]);
    };
    const all = (seconds: number, extra = '00000000'): string[] =>
      Array.from({ length: 4 }, () => `${(seconds >>> 0).toString(16).padStart(8, '0')}:${extra}`);
    expect(await times('/old')).toEqual(all(BUILD_EPOCH - 1001));
    expect(await times('/young')).toEqual(all(BUILD_EPOCH));
    expect(await times('/ancient')).toEqual(all(-86_400));
    expect((await execute('e2fsck', ['-fn', part])).exitCode).toBe(0);
  });

  it('changes nothing the second time', async () => {
    const asked = request(build.tree(files));
    await writeExt(asked, build.ctx);
    const disk = join(asked.directory, 'disk.raw');
    const before = readFileSync(disk);
    await fixExtTimes(disk, OFFSET, BUILD_EPOCH);
    expect(Buffer.compare(readFileSync(disk), before)).toBe(0);
  });

  it('refuses what is no ext filesystem, whatever its bytes', async () => {
    const directory = mkdtempSync(join(build.ctx.temporary, 'noise-'));
    const file = join(directory, 'noise');
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 4096 }), async (bytes) => {
        writeFileSync(file, bytes);
        await expect(fixExtTimes(file, 0, BUILD_EPOCH)).rejects.toMatchObject({ code: 'ICT_DISK_FILESYSTEM' });
      }),
      { numRuns: 30 },
    );
  });

  it('refuses a damaged superblock instead of writing by it', async () => {
    const part = await written();
    const original = readFileSync(part).subarray(0, 8192);
    await using file = await open(part, 'r+');
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 1023 }), fc.integer({ min: 0, max: 255 }), async (at, value) => {
        const damaged = Buffer.from(original);
        damaged[1024 + at] = value;
        await file.write(damaged, 0, damaged.length, 0);
        const outcome = await fixExtTimes(part, 0, BUILD_EPOCH).then(
          () => 'done',
          (reason: unknown) => (reason as { code?: string }).code,
        );
        expect(['done', 'ICT_DISK_FILESYSTEM']).toContain(outcome);
      }),
      { numRuns: 60 },
    );
  });
});

describe('crc32c', () => {
  it('has the check value of its catalogue, but for the final inversion', () => {
    expect((crc32c(Buffer.from('123456789')) ^ 0xffff_ffff) >>> 0).toBe(0xe3069283);
  });

  it('continues where it stopped', () => {
    fc.assert(fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => crc32c(b, crc32c(a)) === crc32c(Buffer.concat([a, b]))));
  });
});
