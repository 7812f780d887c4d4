import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Digest, FormatArtifact, Json, PartitionSpec } from '@ict/plugin-api';
import { cut, efiProgram, execute, hostBuild, type HostBuild } from '@ict/fixtures';
import { diskSignature, partitionIdentity } from '@ict/image-parts';
import { assembleKey } from '../src/assemble-disk.js';
import { diskError } from '../src/errors.js';
import { createDiskFormat } from '../src/format.js';
import plugin from '../src/plugin.js';
import { biosSetup } from './support/bios-setup.js';
import { MIB, SEED, bootable, esp, imageInput, legacy, root, type SpecChanges } from './support/specs.js';

const format = createDiskFormat();
let build: HostBuild;
let other: HostBuild;
beforeEach(() => {
  build = hostBuild();
  other = hostBuild();
});
afterEach(() => {
  build.remove();
  other.remove();
});

const everything: SpecChanges = {
  disk: {
    artifacts: [
      { type: 'raw' },
      { type: 'raw', compression: 'gz' },
      { type: 'qcow2' },
      { type: 'raw', compression: 'xz' },
      { type: 'qcow2', compression: 'zstd' },
    ],
  },
};

const make = (on: HostBuild, changes: SpecChanges = {}, files = bootable): Promise<readonly FormatArtifact[]> =>
  format.build(imageInput(on.tree(files), changes), on.steps, on.ctx);

describe('build', () => {
  it('makes a disk whose table and filesystems other programs accept', async () => {
    const [artifact] = await make(build);
    const disk = build.blobPath((artifact as FormatArtifact).blob);
    const verified = await execute('sfdisk', ['--verify', disk]);
    expect([verified.exitCode, verified.stdout.includes('No errors detected')]).toEqual([0, true]);
    const fat = cut(disk, MIB, 40 * MIB, join(build.ctx.temporary, 'fat'));
    expect((await execute('fsck.fat', ['-n', fat])).exitCode).toBe(0);
    const ext = cut(disk, 41 * MIB, 39 * MIB - 33 * 512, join(build.ctx.temporary, 'ext'));
    expect((await execute('e2fsck', ['-fn', ext])).exitCode).toBe(0);
    const entry = await execute('mtype', ['-i', fat, '::/loader/entries/debian-6.12.10-amd64.conf']);
    expect(entry.stdout).toContain(`root=PARTUUID=${partitionIdentity(SEED, 'rootfs').partitionUuid}`);
    expect((await execute('debugfs', ['-R', 'cat /etc/hostname', ext])).stdout).toBe('minimal\n');
  });

  it('makes every artifact that it was asked for, once', async () => {
    const artifacts = await make(build, everything);
    expect(artifacts.map(({ extension }) => extension)).toEqual(['raw', 'raw.gz', 'qcow2', 'raw.xz', 'qcow2.zst']);
    expect(build.steps.ran).toEqual(['disk.assemble', 'disk.compress', 'disk.convert', 'disk.compress', 'disk.compress']);
    const [raw, gz, qcow2, xz] = artifacts.map(({ blob }) => build.blobPath(blob)) as [string, string, string, string];
    expect(Buffer.compare(gunzipSync(readFileSync(gz)), readFileSync(raw))).toBe(0);
    const compared = await execute('qemu-img', ['compare', '-f', 'raw', '-F', 'qcow2', raw, qcow2]);
    expect([compared.exitCode, compared.stdout]).toEqual([0, 'Images are identical.\n']);
    expect((await execute('xz', ['--test', '--format=xz', xz])).exitCode).toBe(0);
  });

  it.each(['vhd', 'vhdx', 'vmdk', 'vdi'] as const)(
    'makes a %s that holds the same disk, and is the same whenever it is made',
    async (type) => {
      const changes: SpecChanges = { disk: { artifacts: [{ type: 'raw' }, { type }] } };
      const [raw, made] = (await make(build, changes)).map(({ blob }) => build.blobPath(blob)) as [string, string];
      const compared = await execute('qemu-img', ['compare', '-f', 'raw', '-F', type === 'vhd' ? 'vpc' : type, raw, made]);
      expect([compared.exitCode, compared.stdout, compared.stderr]).toEqual([0, 'Images are identical.\n', '']);
      const [, again] = await make(other, changes);
      expect(Buffer.compare(readFileSync(other.blobPath((again as FormatArtifact).blob)), readFileSync(made))).toBe(0);
    },
  );

  it('names the file in a vmdk as it is delivered', async () => {
    const [artifact] = await make(build, { disk: { artifacts: [{ type: 'vmdk' }] } });
    const text = readFileSync(build.blobPath((artifact as FormatArtifact).blob)).toString('latin1', 0, 4096);
    expect(text).toMatch(/^RW \d+ SPARSE "minimal-1\.0\.vmdk"$/m);
  });

  it('makes the raw disk even when only another artifact is asked for, and reuses it', async () => {
    await make(build, { disk: { artifacts: [{ type: 'qcow2' }] } });
    const again = await make(build, { disk: { artifacts: [{ type: 'raw' }, { type: 'qcow2' }] } });
    expect(build.steps.ran).toEqual(['disk.assemble', 'disk.convert']);
    expect(again).toHaveLength(2);
  });

  it('gives the same bytes in another directory, at another time', async () => {
    const artifacts: SpecChanges = { disk: { artifacts: [{ type: 'raw' }, { type: 'qcow2' }, { type: 'raw', compression: 'gz' }] } };
    const digests = async (on: HostBuild): Promise<string[]> =>
      (await make(on, artifacts)).map(({ extension, blob }) => `${extension} ${blob.digest}`);
    expect(await digests(other)).toEqual(await digests(build));
  });

  it('makes a disk with GRUB, swap and a separate /boot', async () => {
    const partitions = [
      esp,
      { ...root, endBytes: 60 * MIB },
      { ...root, id: 'bootfs', type: 'xbootldr', label: 'boot', startBytes: 60 * MIB, endBytes: 70 * MIB, mountPoint: '/boot' },
      { ...root, id: 'swap', type: 'swap', filesystem: 'linux-swap' as const, label: 'swap', startBytes: 70 * MIB, mountPoint: 'none' },
    ];
    const [artifact] = await make(build, { bootloader: { provider: 'grub' }, disk: { partitions } });
    const disk = build.blobPath((artifact as FormatArtifact).blob);
    const fat = cut(disk, MIB, 40 * MIB, join(build.ctx.temporary, 'fat'));
    const image = join(build.ctx.temporary, 'BOOTX64.EFI');
    expect((await execute('mcopy', ['-i', fat, '::/EFI/BOOT/BOOTX64.EFI', image])).exitCode).toBe(0);
    const bytes = readFileSync(image);
    expect(bytes.subarray(0, 2).toString()).toBe('MZ');
    expect(bytes.includes(`search.fs_uuid ${partitionIdentity(SEED, 'bootfs').filesystemUuid} root`)).toBe(true);
    const boot = cut(disk, 60 * MIB, 10 * MIB, join(build.ctx.temporary, 'boot'));
    expect((await execute('debugfs', ['-R', 'cat /vmlinuz-6.12.10-amd64', boot])).stdout).toBe('the newer kernel');
    const rootfs = cut(disk, 41 * MIB, 19 * MIB, join(build.ctx.temporary, 'root'));
    expect((await execute('debugfs', ['-R', 'stat /boot/vmlinuz-6.12.10-amd64', rootfs])).stderr).toContain('File not found');
    const swap = cut(disk, 70 * MIB, 4 * MIB, join(build.ctx.temporary, 'swap'));
    expect((await execute('swaplabel', [swap])).stdout).toContain(partitionIdentity(SEED, 'swap').filesystemUuid);
  });

  it('makes a disk with an MBR', async () => {
    const [artifact] = await make(build, { disk: { partitionTable: 'mbr' } });
    const disk = build.blobPath((artifact as FormatArtifact).blob);
    const { partitiontable } = JSON.parse((await execute('sfdisk', ['--json', disk])).stdout) as { partitiontable: object };
    expect(partitiontable).toMatchObject({
      ...{ label: 'dos', id: `0x${diskSignature(SEED)}` },
      partitions: [
        { start: 2048, size: 81920, type: 'ef', bootable: true },
        { start: 83968, size: 79872, type: '83' },
      ],
    });
    const verified = await execute('sfdisk', ['--verify', disk]);
    expect([verified.exitCode, verified.stdout.includes('No errors detected')]).toEqual([0, true]);
    expect(
      readFileSync(disk)
        .subarray(0, 440)
        .every((byte) => byte === 0),
    ).toBe(true);
    const fat = cut(disk, MIB, 40 * MIB, join(build.ctx.temporary, 'fat'));
    const entry = await execute('mtype', ['-i', fat, '::/loader/entries/debian-6.12.10-amd64.conf']);
    expect(entry.stdout).toContain(`root=PARTUUID=${diskSignature(SEED)}-02`);
    const ext = cut(disk, 41 * MIB, 39 * MIB, join(build.ctx.temporary, 'ext'));
    expect((await execute('e2fsck', ['-fn', ext])).exitCode).toBe(0);
  });

  it.each(['mbr', 'gpt'] as const)(
    'makes a disk with a table of type %s that a BIOS starts as if grub-bios-setup had been there',
    async (table) => {
      const [artifact] = await make(build, legacy[table]);
      const disk = readFileSync(build.blobPath((artifact as FormatArtifact).blob));
      const [start, sectors] = table === 'mbr' ? [1, 2047] : [2048, 2048];
      const place = disk.subarray(start * 512, (start + sectors) * 512);
      const core = place.subarray(0, (place.readUInt16LE(0x1fc) + 1) * 512);
      const theirs = join(build.ctx.temporary, 'theirs');
      const without = Buffer.from(disk).fill(0, 0, 440);
      writeFileSync(theirs, without.fill(0, start * 512, (start + sectors) * 512));
      await biosSetup(theirs, core, join(build.ctx.temporary, 'setup'));
      expect(readFileSync(theirs).equals(disk)).toBe(true);
    },
  );

  it('marks the partition as active that has the files of GRUB, where nothing else is said', async () => {
    const partitions = [
      { ...root, type: 'linux', startBytes: MIB, endBytes: 60 * MIB },
      { ...root, id: 'start', type: 'linux', startBytes: 60 * MIB, mountPoint: '/boot' },
    ];
    const active = async (changed: readonly PartitionSpec[]): Promise<unknown> => {
      const [artifact] = await make(build, { ...legacy.mbr, disk: { partitionTable: 'mbr', partitions: changed } });
      const { stdout } = await execute('sfdisk', ['--json', build.blobPath((artifact as FormatArtifact).blob)]);
      return (JSON.parse(stdout) as { partitiontable: { partitions: { bootable?: true }[] } }).partitiontable.partitions.map(
        ({ bootable: isActive }) => isActive === true,
      );
    };
    expect(await active(partitions)).toEqual([false, true]);
    expect(await active([{ ...partitions[0]!, flags: ['boot'] }, partitions[1]!])).toEqual([true, false]);
  });

  it('puts a unified kernel image where other programs find all of it', async () => {
    const content = { ...bootable, 'etc/os-release': 'ID=debian\n', 'usr/lib/systemd/boot/efi/linuxx64.efi.stub': efiProgram() };
    const [artifact] = await make(build, { unifiedImage: true }, content);
    const fat = cut(build.blobPath((artifact as FormatArtifact).blob), MIB, 40 * MIB, join(build.ctx.temporary, 'fat'));
    expect((await execute('fsck.fat', ['-n', fat])).exitCode).toBe(0);
    const image = join(build.ctx.temporary, 'linux.efi');
    expect((await execute('mcopy', ['-i', fat, '::/EFI/Linux/debian-6.12.10-amd64.efi', image])).exitCode).toBe(0);
    await execute('objcopy', ['-O', 'binary', '--dump-section', `.linux=${image}.linux`, image, '/dev/null']);
    expect(readFileSync(`${image}.linux`, 'utf8')).toBe('the newer kernel');
    expect((await execute('mdir', ['-i', fat, '-b', '-/', '::'])).stdout.trim().split('\n').sort()).toEqual([
      '::/EFI/',
      '::/EFI/BOOT/',
      '::/EFI/BOOT/BOOTX64.EFI',
      '::/EFI/Linux/',
      '::/EFI/Linux/debian-6.12.10-amd64.efi',
      '::/EFI/Linux/debian-6.12.9-amd64.efi',
      '::/EFI/systemd/',
      '::/EFI/systemd/systemd-bootx64.efi',
      '::/loader/',
      '::/loader/loader.conf',
    ]);
    const large = { ...content, 'boot/initrd.img-6.12.10-amd64': new Uint8Array(50 * MIB) };
    await expect(make(build, { unifiedImage: true }, large)).rejects.toMatchObject({ code: 'ICT_DISK_NO_SPACE' });
  });

  it('leaves nothing behind, also when it fails', async () => {
    await make(build);
    const big = { ...bootable, 'boot/vmlinuz-6.12.10-amd64': new Uint8Array(50 * MIB) };
    await expect(make(build, {}, big)).rejects.toMatchObject({ code: 'ICT_DISK_NO_SPACE' });
    expect(readdirSync(build.ctx.temporary)).toEqual([]);
  });

  it('says so when the disk vanished from the cache between two steps', async () => {
    const input = imageInput(build.tree(bootable), everything);
    const ctx = { ...build.ctx, blobs: { ...build.ctx.blobs, path: async () => undefined } };
    await expect(format.build(input, build.steps, ctx)).rejects.toMatchObject({ code: 'ICT_IMAGE_BLOB_GONE', kind: 'integrity' });
  });
});

describe('the key of a disk', () => {
  const keyOf = (changes: SpecChanges, on = build, files = bootable, seed = SEED): Json =>
    assembleKey({ ...imageInput(on.tree(files), changes), seed }, on.ctx);
  const text = (json: Json): string => JSON.stringify(json);

  it('is equal for equal input', () => {
    expect(text(keyOf({}, other))).toBe(text(keyOf({})));
  });

  it.each<[string, () => Json]>([
    ['a file of the tree', () => keyOf({}, build, { ...bootable, 'etc/hostname': 'other\n' })],
    ['the command line', () => keyOf({ cmdline: 'quiet' })],
    ['the loader', () => keyOf({ bootloader: { provider: 'grub' } })],
    ['a unified kernel image', () => keyOf({ unifiedImage: true })],
    ['the size', () => keyOf({ disk: { sizeBytes: 81 * MIB } })],
    ['a label', () => keyOf({ disk: { partitions: [esp, { ...root, label: 'other' }] } })],
    ['a name', () => keyOf({ disk: { partitions: [esp, { ...root, name: 'other' }] } })],
    ['a mount point', () => keyOf({ disk: { partitions: [{ ...esp, mountPoint: '/efi' }, root] } })],
    ['the partition table', () => keyOf({ disk: { partitionTable: 'mbr' } })],
    ['a flag', () => keyOf({ disk: { partitions: [esp, { ...root, flags: ['read-only'] }] } })],
    ['the seed', () => keyOf({}, build, bootable, `sha256:${'00'.repeat(32)}` as Digest)],
  ])('changes with %s', (_, changed) => {
    expect(text(changed())).not.toBe(text(keyOf({})));
  });

  it('changes with the firmware', () => {
    expect(text(keyOf(legacy.gpt))).not.toBe(text(keyOf({ ...legacy.gpt, bootloader: { provider: 'grub' } })));
  });

  it('changes with the tools', () => {
    const input = imageInput(build.tree(bootable));
    const key = assembleKey(input, { ...build.ctx, tools: { ...build.ctx.tools, digest: SEED } });
    expect(text(key)).not.toBe(text(assembleKey(input, build.ctx)));
  });

  it('does not change with what does not shape the bytes', () => {
    expect(text(keyOf(everything))).toBe(text(keyOf({})));
    expect(text(keyOf({ disk: { partitions: [esp, { ...root, mountOptions: 'noatime' }] } }))).toBe(text(keyOf({})));
  });
});

it('is found through the plugin', () => {
  expect(plugin.formats?.map(({ imageTypes }) => imageTypes)).toEqual([['raw']]);
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { ict: object };
  expect(manifest.ict).toEqual({ apiVersion: 1, plugin: './dist/plugin.js', imageTypes: ['raw'] });
  expect(existsSync(new URL('../src/plugin.ts', import.meta.url))).toBe(true);
});

it('has a page for each error', () => {
  const pages = readdirSync(new URL('../../../docs/errors/', import.meta.url));
  expect(Object.keys(diskError.codes).filter((code) => !pages.includes(`${code}.md`))).toEqual([]);
});
