import { describe, expect, it } from 'vitest';
import { describeImageFormat, memoryTree, type ImageFormatFixture } from '@ict/plugin-testkit';
import { hostBuild } from '@ict/fixtures';
import type { ImageSpec, PartitionSpec } from '@ict/plugin-api';
import { createDiskFormat } from '../src/format.js';
import { MIB, SEED, bootable, distribution, esp, imageSpec, legacy, root } from './support/specs.js';

const ofVerity = { '/usr/bin/mount': '', '/usr/sbin/veritysetup': '', '/usr/share/initramfs-tools/hook-functions': '' };
const programs = { ...ofVerity, '/lib/systemd/systemd': '', '/usr/sbin/sfdisk': '', '/usr/bin/partx': '', '/usr/sbin/resize2fs': '' };
const files = Object.fromEntries(Object.entries(bootable).map(([path, content]) => [`/${path}`, content]));

const hashes: PartitionSpec = { ...root, id: 'hash', type: 'linux', startBytes: 70 * MIB, mountPoint: 'none' };
const mutable = imageSpec({ disk: { partitions: [esp, { ...root, endBytes: 70 * MIB }, hashes] } });
const immutable: ImageSpec = { ...mutable, system: { ...mutable.system, immutability: { hashPartition: 'hash' } } };

const makeFixture = (): ImageFormatFixture => ({
  format: createDiskFormat(),
  distribution: structuredClone({
    ...distribution,
    boot: { ...distribution.boot, growthPackages: ['fdisk', 'e2fsprogs'], verityPackages: ['cryptsetup-bin'] },
  }),
  seed: SEED,
  accepted: {
    'systemd-boot': imageSpec(),
    'a root that grows': imageSpec({ disk: { growLastPartition: true } }),
    'a root that is verified': immutable,
    'a BIOS, and an MBR': imageSpec(legacy.mbr),
    'a BIOS, and a GPT': imageSpec(legacy.gpt),
    'GRUB, and every kind of artifact': imageSpec({
      bootloader: { provider: 'grub' },
      disk: { artifacts: [{ type: 'qcow2' }, { type: 'raw', compression: 'gz' }] },
    }),
  },
  refused: {
    'a type that the partition table does not know': {
      spec: imageSpec({ disk: { partitionTable: 'mbr', partitions: [esp, { ...root, type: 'msr' }] } }),
      names: 'msr',
    },
    'an artifact': { spec: imageSpec({ disk: { artifacts: [{ type: 'tar' }] } }), names: 'tar' },
    'an architecture': { spec: imageSpec({ target: { arch: 'armv7hl' } }), names: 'armv7hl' },
    'a partition type': { spec: imageSpec({ disk: { partitions: [esp, { ...root, type: 'floppy' }] } }), names: 'floppy' },
    'a flag': { spec: imageSpec({ disk: { partitions: [esp, { ...root, flags: ['shiny'] }] } }), names: 'shiny' },
    'a disk that is too small': { spec: imageSpec({ disk: { sizeBytes: 20 * MIB } }), names: 'rootfs' },
  },
  preparedTree: () => memoryTree({ files: { ...files, ...programs } }),
  makeBuild: async () => {
    const build = hostBuild();
    return { ctx: build.ctx, tree: build.tree(bootable), close: () => build.remove() };
  },
});

describeImageFormat('disk', makeFixture, { describe, it, expect });
