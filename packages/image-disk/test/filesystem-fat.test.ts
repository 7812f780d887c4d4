import { mkdirSync, mkdtempSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cut, execute, hostBuild, type HostBuild } from '@ict/fixtures';
import { fillCommands, sectorsPerCluster, writeFat, type FatFile, type FatRequest } from '../src/filesystem-fat.js';
import { FAT32_MINIMUM_BYTES } from '../src/filesystem-kinds.js';
import { partitionIdentity } from '../src/identity.js';
import { MIB, SEED } from './support/specs.js';

const OFFSET = 2 * MIB;
let build: HostBuild;
beforeEach(() => {
  build = hostBuild();
});
afterEach(() => build.remove());

const tree = { 'boot/vmlinuz-6.12': 'kernel'.repeat(50_000), 'usr/lib/boot.efi': 'MZ' };

function request(on: HostBuild, changes: Partial<FatRequest> = {}): FatRequest {
  const directory = mkdtempSync(join(on.ctx.temporary, 'test-'));
  const stage = join(directory, 'stage');
  const texts: Record<string, string> = {
    '/loader/loader.conf': 'timeout 0\n',
    '/loader/entries/a.conf': 'title A\n',
    '/loader/entries/B.conf': 'title B\n',
  };
  for (const [path, text] of Object.entries(texts)) {
    mkdirSync(dirname(join(stage, path)), { recursive: true });
    writeFileSync(join(stage, path), text);
  }
  const files: FatFile[] = [
    ...Object.entries(texts).map(([target, text]) => ({ target, from: 'stage' as const, source: target, sizeBytes: text.length })),
    { target: '/debian/6.12/vmlinuz-6.12', from: 'tree', source: '/boot/vmlinuz-6.12', sizeBytes: 300_000 },
    { target: '/EFI/BOOT/BOOTX64.EFI', from: 'tree', source: '/usr/lib/boot.efi', sizeBytes: 2 },
  ];
  const sizeBytes = changes.sizeBytes ?? 40 * MIB;
  writeFileSync(join(directory, 'disk.raw'), '');
  truncateSync(join(directory, 'disk.raw'), OFFSET + sizeBytes + MIB);
  return {
    partition: 'boot',
    width: 32,
    identity: partitionIdentity(SEED, 'boot'),
    label: 'ESP',
    tree: on.tree(tree),
    stage,
    files,
    directories: ['/keys'],
    directory,
    file: 'disk.raw',
    offsetBytes: OFFSET,
    sizeBytes,
    ...changes,
  };
}

async function written(on: HostBuild, changes: Partial<FatRequest> = {}): Promise<string> {
  const asked = request(on, changes);
  await writeFat(asked, on.ctx);
  return cut(join(asked.directory, 'disk.raw'), OFFSET, asked.sizeBytes, join(asked.directory, 'part'));
}

describe('writeFat', () => {
  it.each([
    [32, 40 * MIB],
    [32, FAT32_MINIMUM_BYTES],
    [16, 40 * MIB],
    [16, 9 * MIB],
  ] as const)('writes a FAT%i of %i bytes in which fsck.fat finds no fault', async (width, sizeBytes) => {
    const part = await written(build, { width, sizeBytes });
    const { exitCode, stdout } = await execute('fsck.fat', ['-nv', part]);
    expect(stdout).not.toMatch(/warning|too few clusters/iu);
    expect([exitCode, stdout.match(/2 FATs, (\d+) bit entries/u)?.[1]]).toEqual([0, `${width}`]);
  });

  it('has the files, the serial number, the label and the place on the disk', async () => {
    const part = await written(build);
    const bytes = readFileSync(part);
    expect(bytes.readUInt32LE(28)).toBe(OFFSET / 512);
    expect(bytes.readUInt32LE(67).toString(16).toUpperCase().padStart(8, '0')).toBe(partitionIdentity(SEED, 'boot').volumeId);
    expect(bytes.subarray(71, 82).toString('latin1')).toBe('ESP        ');
    expect((await execute('mtype', ['-i', part, '::/debian/6.12/vmlinuz-6.12'])).stdout).toBe(tree['boot/vmlinuz-6.12']);
    expect((await execute('mtype', ['-i', part, '::/EFI/BOOT/BOOTX64.EFI'])).stdout).toBe('MZ');
    const { stdout } = await execute('mdir', ['-i', part, '-/', '-b', '::/']);
    expect(stdout.trim().split('\n')).toEqual(
      [
        '::/EFI/',
        '::/EFI/BOOT/',
        '::/EFI/BOOT/BOOTX64.EFI',
        '::/debian/',
        '::/debian/6.12/',
        '::/debian/6.12/vmlinuz-6.12',
        '::/keys/',
        '::/loader/',
        '::/loader/loader.conf',
        '::/loader/entries/',
        '::/loader/entries/B.conf',
        '::/loader/entries/a.conf',
      ].sort((a, b) => stdout.indexOf(a) - stdout.indexOf(b)),
    );
  });

  it('is the same in another directory, from files of another age, listed in another order', async () => {
    const other = hostBuild();
    try {
      const first = readFileSync(await written(build));
      const asked = request(other);
      await writeFat({ ...asked, files: [...asked.files].reverse() }, other.ctx);
      const second = readFileSync(cut(join(asked.directory, 'disk.raw'), OFFSET, asked.sizeBytes, join(asked.directory, 'part')));
      expect(Buffer.compare(first, second)).toBe(0);
    } finally {
      other.remove();
    }
  });

  it('names the partition, what is needed and what there is, whether or not the files could be copied', async () => {
    const both = build.tree({ ...tree, 'boot/large': '-'.repeat(60 * MIB) });
    for (const source of ['/boot/large', '/boot/vmlinuz-6.12']) {
      const files: FatFile[] = [{ target: '/initrd.img', from: 'tree', source, sizeBytes: 60 * MIB }];
      await expect(writeFat(request(build, { files, tree: both }), build.ctx)).rejects.toMatchObject({
        code: 'ICT_DISK_NO_SPACE',
        message: expect.stringMatching(/"boot".* 61 MiB.* 40 MiB/u),
        facts: { partition: 'boot' },
      });
    }
  });

  it('fills the last cluster, and refuses one more', async () => {
    const asked = request(build, { sizeBytes: 36 * MIB });
    const outcome = (sizeBytes: number): Promise<string> =>
      writeFat(
        { ...asked, directories: [], files: [{ target: '/f', from: 'tree', source: '/boot/vmlinuz-6.12', sizeBytes }] },
        build.ctx,
      ).then(
        () => 'fits',
        (reason: unknown) => (reason as { code: string }).code,
      );
    let [low, high] = [0, 36 * MIB];
    while (high - low > 512) {
      const middle = Math.floor((low + high) / 2);
      if ((await outcome(middle)) === 'fits') low = middle;
      else high = middle;
    }
    const bytes = readFileSync(join(asked.directory, 'disk.raw')).subarray(OFFSET);
    const dataSectors = bytes.readUInt32LE(32) - bytes.readUInt16LE(14) - 2 * bytes.readUInt32LE(36);
    const clusterBytes = bytes.readUInt8(13) * 512;
    const clusters = Math.floor(dataSectors / bytes.readUInt8(13));
    expect(Math.ceil(low / clusterBytes)).toBe(clusters - 1);
  });
});

describe('sectorsPerCluster', () => {
  it.each([
    [32, FAT32_MINIMUM_BYTES, 1],
    [32, 64 * MIB, 1],
    [32, 100 * MIB, 2],
    [32, 512 * MIB, 8],
    [32, 4096 * MIB, 8],
    [16, 9 * MIB, 4],
    [16, 100 * MIB, 8],
    [16, 512 * MIB, 16],
  ] as const)('of a FAT%i of %i bytes is %i', (width, sizeBytes, expected) => {
    expect(sectorsPerCluster(width, sizeBytes / 512)).toBe(expected);
  });

  it.each([
    [32, 64 * MIB],
    [16, 100 * MIB],
  ] as const)('makes a FAT%i that is one, also on a disk that is much larger', async (width, sizeBytes) => {
    const asked = request(build, { width, sizeBytes });
    truncateSync(join(asked.directory, 'disk.raw'), 3 * 1024 * MIB);
    await writeFat(asked, build.ctx);
    await using disk = await open(join(asked.directory, 'disk.raw'), 'r');
    const part = Buffer.alloc(sizeBytes);
    await disk.read(part, 0, sizeBytes, OFFSET);
    writeFileSync(join(asked.directory, 'part'), part);
    const { exitCode, stdout } = await execute('fsck.fat', ['-nv', join(asked.directory, 'part')]);
    const clusters = Number(/(\d+) data clusters/u.exec(stdout)?.[1]);
    expect([exitCode, clusters > 65_524]).toEqual([0, width === 32]);
    expect(stdout).not.toMatch(/warning/iu);
  });
});

describe('fillCommands', () => {
  it('makes all directories at once and copies each directory at once, in order', () => {
    const files: FatFile[] = ['/b/2', '/b/1', '/a/x/3', '/0'].map((target) => ({
      target,
      from: 'tree',
      source: `/src/${target.slice(-1)}`,
      sizeBytes: 1,
    }));
    const renamed: FatFile = { target: '/b/NEW', from: 'stage', source: '/old', sizeBytes: 1 };
    const image = ['-i', '/disk/d@@512'];
    expect(fillCommands({ files: [...files, renamed], directories: ['/c'], file: 'd', offsetBytes: 512 }).map(({ argv }) => argv)).toEqual([
      ['mmd', ...image, '::/a', '::/a/x', '::/b', '::/c'],
      ['mcopy', ...image, '/tree/src/0', '::/'],
      ['mcopy', ...image, '/tree/src/3', '::/a/x/'],
      ['mcopy', ...image, '/stage/old', '::/b/NEW'],
      ['mcopy', ...image, '/tree/src/1', '/tree/src/2', '::/b/'],
    ]);
  });
});
