import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { partitionTypeGuid } from '@ict/image-parts';
import type { PartitionSpec, ProblemReport } from '@ict/plugin-api';
import { checkDisk } from '../src/check-disk.js';
import { createDiskFormat } from '../src/format.js';
import { partitionAttributes } from '../src/partition-flags.js';
import { MIB, biosBoot, distribution, esp, imageSpec, legacy, root, type SpecChanges } from './support/specs.js';

const withRoot = (changes: Partial<PartitionSpec>): SpecChanges => ({ disk: { partitions: [esp, { ...root, ...changes }] } });
const withEsp = (changes: Partial<PartitionSpec>): SpecChanges => ({ disk: { partitions: [{ ...esp, ...changes }, root] } });

describe('checkDisk', () => {
  it.each<[string, SpecChanges]>([
    ['systemd-boot', {}],
    ['GRUB', { bootloader: { provider: 'grub' } }],
    ['a BIOS, by an MBR', legacy.mbr],
    ['a BIOS, by a GPT', legacy.gpt],
    ['UEFI, by an MBR', { disk: { partitionTable: 'mbr' } }],
    ['an MBR, which has no names', { disk: { partitionTable: 'mbr', partitions: [esp, { ...root, name: 'n'.repeat(37) }] } }],
    [
      'an MBR with the GUIDs of types that it knows',
      { disk: { partitionTable: 'mbr', partitions: [esp, { ...root, typeUuid: '0fc63daf-8483-4772-8e79-3d69d8477de4' }] } },
    ],
    [
      'a separate /boot',
      {
        disk: {
          partitions: [
            esp,
            { ...root, endBytes: 60 * MIB },
            { ...root, id: 'b', type: 'xbootldr', startBytes: 60 * MIB, mountPoint: '/boot' },
          ],
        },
      },
    ],
    [
      'swap',
      {
        disk: {
          partitions: [
            esp,
            { ...root, endBytes: 60 * MIB },
            { ...root, id: 's', type: 'swap', filesystem: 'linux-swap', startBytes: 60 * MIB, mountPoint: 'none' },
          ],
        },
      },
    ],
    [
      'every compression with a program',
      {
        disk: {
          artifacts: [
            { type: 'raw' },
            { type: 'raw', compression: 'gz' },
            { type: 'qcow2', compression: 'zstd' },
            { type: 'raw', compression: 'xz' },
            { type: 'vhdx', compression: 'xz' },
            { type: 'vhd' },
            { type: 'vmdk' },
            { type: 'vdi' },
          ],
        },
      },
    ],
    ['a command line that just fits', { cmdline: 'a'.repeat(1993) }],
    ['a unified kernel image', { unifiedImage: true }],
    ['a FAT label in small letters', withEsp({ label: 'esp' })],
    ['a read-only root', withRoot({ filesystem: 'erofs', mountOptions: 'ro' })],
    [
      'the topmost subvolume, in each way of naming it',
      {
        disk: {
          sizeBytes: 4000 * MIB,
          partitions: [esp, { ...root, filesystem: 'btrfs', endBytes: 2000 * MIB, mountOptions: 'subvolid=0,subvolid=5,subvol=/' }],
        },
      },
    ],
    [
      'GRUB with /boot apart from a read-only root',
      {
        bootloader: { provider: 'grub' },
        disk: {
          partitions: [
            esp,
            { ...root, filesystem: 'erofs', endBytes: 60 * MIB },
            { ...root, id: 'start', label: 'start', startBytes: 60 * MIB, mountPoint: '/boot' },
          ],
        },
      },
    ],
    ['a type UUID', withRoot({ type: 'my own', typeUuid: '4f68bce3-e8cd-4db1-96e7-fbcaf984b709' })],
  ])('accepts %s', (_, changes) => {
    expect(checkDisk(imageSpec(changes), distribution)).toEqual([]);
  });

  it.each<[string, SpecChanges, string, string]>([
    ['an architecture', { target: { arch: 'armv7hl' } }, 'ICT_UNSUPPORTED_YET', 'armv7hl'],
    ['a line break in the command line', { cmdline: 'quiet\ninit=/bin/sh' }, 'ICT_DISK_UNSUPPORTED', 'line break'],
    ['a long command line', { cmdline: 'a '.repeat(1000) }, 'ICT_DISK_UNSUPPORTED', 'has 2053 bytes'],
    ['quotes for GRUB', { cmdline: 'x="a b"', bootloader: { provider: 'grub' } }, 'ICT_DISK_UNSUPPORTED', 'quotation marks'],
    ['no artifact', { disk: { artifacts: [] } }, 'ICT_DISK_UNSUPPORTED', 'no artifact'],
    ['a tar', { disk: { artifacts: [{ type: 'tar', compression: 'gz' }] } }, 'ICT_UNSUPPORTED_YET', 'tar archive'],
    ['an archive for an artifact', { disk: { artifacts: [{ type: 'cpio' }] } }, 'ICT_DISK_UNSUPPORTED', 'cpio'],
    ['an artifact twice', { disk: { artifacts: [{ type: 'raw' }, { type: 'raw' }] } }, 'ICT_DISK_UNSUPPORTED', 'twice'],
    ['a compression without a program', { disk: { artifacts: [{ type: 'raw', compression: 'bz2' }] } }, 'ICT_UNSUPPORTED_YET', '"bz2"'],
    ['a size that is too small', { disk: { sizeBytes: 20 * MIB } }, 'ICT_DISK_LAYOUT', 'ends at byte'],
    ['an unknown type', withRoot({ type: 'linux-root-vax' }), 'ICT_DISK_UNSUPPORTED', 'linux-root-vax'],
    ['a bad type UUID', withRoot({ typeUuid: '1234' }), 'ICT_DISK_UNSUPPORTED', '1234'],
    ['an unknown flag', withRoot({ flags: ['shiny'] }), 'ICT_DISK_UNSUPPORTED', 'shiny'],
    ['a flag against the type', withRoot({ flags: ['swap'] }), 'ICT_DISK_UNSUPPORTED', 'says type linux-swap'],
    [
      'a flag against the GUID of the type',
      withRoot({ type: 'linux-lvm', typeUuid: partitionTypeGuid('linux')!.toLowerCase(), flags: ['lvm'] }),
      'ICT_DISK_UNSUPPORTED',
      'its typeUUID says',
    ],
    ['a long name', withRoot({ name: 'n'.repeat(37) }), 'ICT_DISK_LAYOUT', 'longer than 36'],
    ['a long ext label', withRoot({ label: 'l'.repeat(17) }), 'ICT_DISK_UNSUPPORTED', 'longer than 16'],
    ['a long btrfs label', withRoot({ filesystem: 'btrfs', label: 'l'.repeat(256) }), 'ICT_DISK_UNSUPPORTED', 'longer than 255'],
    ['a small btrfs', withRoot({ filesystem: 'btrfs' }), 'ICT_DISK_LAYOUT', 'too small'],
    ['a long xfs label', withRoot({ filesystem: 'xfs', label: 'l'.repeat(13) }), 'ICT_DISK_UNSUPPORTED', 'longer than 12'],
    ['a small xfs', withRoot({ filesystem: 'xfs' }), 'ICT_DISK_LAYOUT', 'too small'],
    ['a large xfs', withRoot({ filesystem: 'xfs', endBytes: 17 * MIB ** 2 }), 'ICT_DISK_LAYOUT', 'too large'],
    ['a label without a filesystem', withRoot({ filesystem: 'none', label: 'root' }), 'ICT_DISK_UNSUPPORTED', 'a label but no filesystem'],
    ['a label of a squashfs', withRoot({ filesystem: 'squashfs' }), 'ICT_DISK_UNSUPPORTED', 'squashfs, which has none'],
    ['a long erofs label', withRoot({ filesystem: 'erofs', label: 'l'.repeat(17) }), 'ICT_DISK_UNSUPPORTED', 'longer than 16'],
    ['an erofs to write to', withRoot({ filesystem: 'erofs', mountOptions: 'noatime,rw' }), 'ICT_DISK_UNSUPPORTED', 'mounted rw'],
    [
      'GRUB on an erofs',
      { ...withRoot({ filesystem: 'erofs' }), bootloader: { provider: 'grub' } },
      'ICT_DISK_UNSUPPORTED',
      'GRUB cannot find the filesystem erofs',
    ],
    ['a mounted swap', withRoot({ filesystem: 'linux-swap', mountPoint: '/swap' }), 'ICT_DISK_UNSUPPORTED', 'not mounted anywhere'],
    ['a long swap label', withRoot({ filesystem: 'linux-swap', label: 'l'.repeat(17) }), 'ICT_DISK_UNSUPPORTED', 'longer than 16'],
    ['a long FAT label', withEsp({ label: 'EFI-PARTITION' }), 'ICT_DISK_UNSUPPORTED', 'longer than 11'],
    ['a FAT label with other characters', withEsp({ label: 'esp+' }), 'ICT_DISK_UNSUPPORTED', 'other than letters'],
    ...(['ext2', 'ext3', 'ext4'] as const).flatMap((filesystem): [string, SpecChanges, string, string][] => [
      [
        `an ${filesystem} that is too small`,
        withRoot({ filesystem, endBytes: root.startBytes + 216 * 1024 }),
        'ICT_DISK_LAYOUT',
        'too small',
      ],
      [
        `an ${filesystem} that is too large`,
        { disk: { sizeBytes: 2 ** 45, partitions: [esp, { ...root, filesystem, endBytes: 2 ** 44 + 2 ** 40 }] } },
        'ICT_DISK_LAYOUT',
        'too large',
      ],
    ]),
    [
      'a swap area that is too small',
      withRoot({ filesystem: 'linux-swap', endBytes: root.startBytes + 36 * 1024 }),
      'ICT_DISK_LAYOUT',
      'it has 36 KiB',
    ],
    [
      'a swap area that is too large',
      { disk: { sizeBytes: 2 ** 45, partitions: [esp, { ...root, filesystem: 'linux-swap', endBytes: 2 ** 44 + 2 ** 40 }] } },
      'ICT_DISK_LAYOUT',
      'too large',
    ],
    ['a FAT32 that is too small', withEsp({ endBytes: 33 * MIB }), 'ICT_DISK_LAYOUT', 'too small'],
    ['a FAT16 that is too small', withEsp({ filesystem: 'vfat', endBytes: 5 * MIB }), 'ICT_DISK_LAYOUT', 'too small'],
    [
      'a unified kernel image that GRUB would have to start',
      { unifiedImage: true, bootloader: { provider: 'grub' } },
      'ICT_DISK_UNSUPPORTED',
      'started by systemd-boot',
    ],
    ['a FAT16 that is too large', withEsp({ filesystem: 'fat16', endBytes: 2049 * MIB }), 'ICT_DISK_LAYOUT', 'too large'],
    ['a FAT32 that is too large', withEsp({ endBytes: 2 ** 41 + MIB }), 'ICT_DISK_LAYOUT', 'too large'],
    ['a relative mount point', withRoot({ mountPoint: 'root/../' }), 'ICT_DISK_UNSUPPORTED', 'absolute'],
    [
      'a subvolume, which a btrfs has not',
      withRoot({ filesystem: 'btrfs', endBytes: 2000 * MIB, mountOptions: 'noatime,subvol=@' }),
      'ICT_DISK_UNSUPPORTED',
      'subvol=@',
    ],
    [
      'a subvolume by number',
      withRoot({ filesystem: 'btrfs', endBytes: 2000 * MIB, mountOptions: 'subvolid=256' }),
      'ICT_DISK_UNSUPPORTED',
      'subvolid=256',
    ],
    ['white space in mount options', withRoot({ mountOptions: 'ro, noatime' }), 'ICT_DISK_UNSUPPORTED', 'white space'],
    ['a mount point without a filesystem', withEsp({ filesystem: 'none' }), 'ICT_DISK_UNSUPPORTED', 'no filesystem'],
    ['two partitions of one id', withRoot({ id: 'boot' }), 'ICT_DISK_LAYOUT', 'same id'],
    ['two partitions at one place', withEsp({ mountPoint: '/' }), 'ICT_DISK_LAYOUT', 'same mount point'],
    ['no root', withRoot({ mountPoint: '/srv' }), 'ICT_DISK_LAYOUT', 'mounted at /'],
    ['a FAT root', withRoot({ filesystem: 'fat32' }), 'ICT_DISK_UNSUPPORTED', 'cannot hold a system'],
    ['no EFI system partition', withEsp({ type: 'linux', flags: [] }), 'ICT_DISK_LAYOUT', 'EFI system partition'],
    ['an EFI system partition with ext4', withEsp({ filesystem: 'ext4' }), 'ICT_DISK_UNSUPPORTED', 'firmware cannot read'],
  ])('refuses %s', (_, changes, code, text) => {
    const problems = checkDisk(imageSpec(changes), distribution);
    expect(problems.map((problem) => problem.code)).toContain(code);
    expect(problems.filter((problem) => problem.code === code && problem.message.includes(text))).not.toEqual([]);
    expect(problems.filter((problem) => problem.severity !== 'error' || problem.hint === undefined)).toEqual([]);
  });

  it('refuses systemd-boot of a distribution that does not say where it is', () => {
    const other = { ...distribution, boot: { ...distribution.boot, loaders: {} } };
    expect(checkDisk(imageSpec(), other).map(({ code, message }) => [code, message])).toEqual([
      ['ICT_UNSUPPORTED_YET', 'the definition of Debian 13 does not say where its systemd-boot is'],
    ]);
  });

  it.each<[string, SpecChanges, string, string, string]>([
    [
      'systemd-boot',
      { ...legacy.mbr, bootloader: { bootType: 'legacy' } },
      'systemConfig.bootloader.provider',
      'UNSUPPORTED',
      'by UEFI alone',
    ],
    ['ARM', { ...legacy.mbr, target: { arch: 'aarch64' } }, 'systemConfig.bootloader.bootType', 'UNSUPPORTED', 'that of x86_64'],
    [
      'ARM, by systemd-boot from a GPT',
      { bootloader: { bootType: 'legacy', provider: 'systemd-boot' }, target: { arch: 'aarch64' } },
      'systemConfig.bootloader.bootType',
      'UNSUPPORTED',
      'that of x86_64',
    ],
    ['a unified kernel image', { ...legacy.mbr, unifiedImage: true }, 'systemConfig.kernel.uki', 'UNSUPPORTED', 'program for UEFI'],
    [
      'signatures',
      { ...legacy.mbr, secureBoot: { keyFile: '/db.key', certificate: 'AAAA' } },
      'systemConfig.immutability.secureBootDBKey',
      'UNSUPPORTED',
      'does not know',
    ],
    ['a GPT without room', { bootloader: legacy.gpt.bootloader! }, 'systemConfig.bootloader.bootType', 'LAYOUT', 'has no other room'],
    [
      'a GPT with little room',
      {
        ...legacy.gpt,
        disk: {
          partitions: [
            { ...biosBoot, endBytes: MIB + 65536 },
            { ...root, startBytes: 2 * MIB },
          ],
        },
      },
      'disk.partitions[0].end',
      'LAYOUT',
      'too small for what',
    ],
    [
      'a filesystem in that room',
      {
        ...legacy.gpt,
        disk: {
          partitions: [
            { ...biosBoot, filesystem: 'ext4', endBytes: 9 * MIB },
            { ...root, startBytes: 9 * MIB },
          ],
        },
      },
      'disk.partitions[0].fsType',
      'UNSUPPORTED',
      'can have no filesystem',
    ],
  ])('refuses to have a BIOS start %s, at its line', (_, changes, path, kind, message) => {
    const position = { file: 'image.yml', line: 9, column: 5 };
    expect(checkDisk(imageSpec({ ...changes, positions: new Map([[path, position]]) }), distribution)).toMatchObject([
      {
        code: `ICT_DISK_${kind}`,
        position,
        message: expect.stringContaining(message) as string,
        hint: expect.stringMatching(/./u) as string,
      },
    ]);
  });

  it('takes flags that agree with the GUID of a type', () => {
    const named = (spec: PartitionSpec): PartitionSpec => ({
      ...spec,
      type: 'linux',
      typeUuid: partitionTypeGuid(spec.type)!.toLowerCase(),
    });
    expect(checkDisk(imageSpec(withEsp(named(esp))), distribution)).toEqual([]);
    const disk = { partitions: [named(biosBoot), { ...root, startBytes: 2 * MIB }] };
    expect(checkDisk(imageSpec({ ...legacy.gpt, disk }), distribution)).toEqual([]);
  });

  it.each<[string, Partial<PartitionSpec>]>([
    ['mountPoint', { mountPoint: '/bios' }],
    ['fsLabel', { label: 'bios' }],
  ])('does not offer a filesystem to the partition that a BIOS starts from for its %s', (key, changes) => {
    const problemsOf = (type: string): readonly ProblemReport[] => {
      const partitions = [{ ...biosBoot, flags: [], ...changes, type }, { ...esp, startBytes: 2 * MIB }, root];
      return checkDisk(imageSpec({ disk: { partitions } }), distribution);
    };
    expect(problemsOf('bios')).toMatchObject([{ code: 'ICT_DISK_UNSUPPORTED', hint: `Remove ${key}.` }]);
    expect(problemsOf('linux')).toMatchObject([{ code: 'ICT_DISK_UNSUPPORTED', hint: `Give it an fsType, or remove ${key}.` }]);
  });

  it.each<[string, SpecChanges]>([
    ['quotes in the command line', { cmdline: 'x="a b"' }],
    ['a filesystem that GRUB does not find', { disk: { partitionTable: 'mbr', partitions: [{ ...root, filesystem: 'erofs' }] } }],
  ])('does not offer systemd-boot for %s where a BIOS starts the disk', (_, changes) => {
    const hintsOf = (spec: SpecChanges): readonly string[] => checkDisk(imageSpec(spec), distribution).map(({ hint }) => hint ?? '');
    expect(hintsOf({ ...legacy.mbr, ...changes })).toEqual([expect.not.stringContaining('systemd-boot')]);
    expect(hintsOf({ bootloader: { provider: 'grub' }, ...changes, ...(changes.disk && withRoot({ filesystem: 'erofs' })) })).toEqual([
      expect.stringContaining('systemd-boot'),
    ]);
  });

  it('refuses what a BIOS starts of a distribution that names no packages for it', () => {
    const packages = Object.fromEntries(Object.entries(distribution.tools.packages).filter(([capability]) => capability !== 'grub-bios'));
    expect(checkDisk(imageSpec(legacy.mbr), { ...distribution, tools: { packages } })).toMatchObject([
      { code: 'ICT_UNSUPPORTED_YET', message: expect.stringContaining('"grub-bios"') as string },
    ]);
  });

  it.each<[string, Partial<PartitionSpec>, string, string]>([
    ['a type of a GPT alone', { type: 'bios' }, 'disk.partitions[1].type', 'does not know'],
    [
      'a GUID that names no type of it',
      { typeUuid: '4f68bce3-e8cd-4db1-96e7-000000000000' },
      'disk.partitions[1].typeUUID',
      'does not know',
    ],
    ['an attribute', { flags: ['legacy_boot'] }, 'disk.partitions[1].flags[0]', 'which an MBR does not know'],
    ['a flag that nobody knows', { flags: ['shiny'] }, 'disk.partitions[1].flags[0]', 'unknown flag'],
    ['a flag against the type', { flags: ['swap'] }, 'disk.partitions[1].flags[0]', 'says type linux-swap'],
    ['a second active partition', { flags: ['boot'] }, 'disk.partitions[1].flags', 'the same flag "boot"'],
  ])('refuses in an MBR %s, at its line', (_, changes, path, message) => {
    const position = { file: 'image.yml', line: 9, column: 5 };
    const disk = { partitionTable: 'mbr' as const, partitions: [esp, { ...root, ...changes }] };
    expect(checkDisk(imageSpec({ disk, positions: new Map([[path, position]]) }), distribution)).toMatchObject([
      { position, message: expect.stringContaining(message) as string },
    ]);
  });

  it('signs for Secure Boot only with a unified kernel image, and says so at the line of the key', () => {
    const position = { file: 'image.yml', line: 9, column: 5 };
    const positions = new Map([['systemConfig.immutability.secureBootDBKey', position]]);
    const secureBoot = { keyFile: '/db.key', certificate: 'AAAA' };
    expect(checkDisk(imageSpec({ unifiedImage: true, secureBoot, positions }), distribution)).toEqual([]);
    for (const provider of ['systemd-boot', 'grub'] as const) {
      const problems = checkDisk(imageSpec({ secureBoot, positions, bootloader: { provider } }), distribution);
      expect(problems).toMatchObject([{ code: 'ICT_DISK_UNSUPPORTED', position, hint: expect.stringContaining('uki: true') as string }]);
      expect(problems[0]?.hint?.includes('provider: systemd-boot')).toBe(provider === 'grub');
    }
  });

  it('refuses unified kernel images, at their line, of a distribution that does not say where their stub is', () => {
    const { efi, package: name } = distribution.boot.loaders['systemd-boot']!;
    const other = { ...distribution, boot: { ...distribution.boot, loaders: { 'systemd-boot': { efi, package: name } } } };
    const position = { file: 'image.yml', line: 7, column: 5 };
    const spec = imageSpec({ unifiedImage: true, positions: new Map([['systemConfig.kernel.uki', position]]) });
    expect(checkDisk(spec, other)).toMatchObject([{ code: 'ICT_UNSUPPORTED_YET', position }]);
    expect(checkDisk(imageSpec(), other)).toEqual([]);
  });

  it.each<[string, SpecChanges]>([
    ['tar', { disk: { artifacts: [{ type: 'tar' }] } }],
    ['an architecture', { target: { arch: 'armv7hl' } }],
  ])('does not call a template wrong for %s, which cannot be made yet', (_, changes) => {
    expect(new Set(checkDisk(imageSpec(changes), distribution).map(({ code }) => code))).toEqual(new Set(['ICT_UNSUPPORTED_YET']));
  });

  it('looks at templates with mistakes too, whatever their sizes', () => {
    const size = fc.oneof(fc.constantFrom(NaN, 0, -1), fc.integer({ min: 0, max: 2 ** 40 }));
    const filesystem = fc.constantFrom<PartitionSpec['filesystem']>('ext4', 'vfat', 'fat16', 'linux-swap', 'none', 'xfs', 'btrfs');
    const partition = fc.record({
      id: fc.string(),
      type: fc.string(),
      filesystem,
      startBytes: size,
      endBytes: fc.option(size, { nil: undefined }),
      mountPoint: fc.string(),
    });
    fc.assert(
      fc.property(size, fc.array(partition, { maxLength: 4 }), (sizeBytes, changes) => {
        const partitions = changes.map(({ endBytes, ...one }) => ({ ...root, ...one, ...(endBytes === undefined ? {} : { endBytes }) }));
        const problems = checkDisk(imageSpec({ disk: { sizeBytes, partitions } }), distribution);
        expect(problems.every(({ message }) => message !== '')).toBe(true);
      }),
    );
  });

  it('says where in the template each problem is', () => {
    const at = (line: number) => ({ file: 'template.yml', line, column: 3 });
    const positions = new Map([
      ['disk.partitions', at(5)],
      ['disk.partitions[1]', at(9)],
      ['disk.partitions[1].fsType', at(12)],
    ]);
    const spec = imageSpec({ ...withRoot({ filesystem: 'vfat', name: 'n'.repeat(40) }), positions });
    expect(checkDisk(spec, distribution).map(({ position }) => position?.line)).toEqual([9, 12]);
  });
});

describe('createDiskFormat', () => {
  const format = createDiskFormat();

  it('asks for the tools and packages that the template needs', () => {
    expect(format.imageTypes).toEqual(['raw']);
    expect(format.tools(imageSpec())).toEqual([]);
    const spec = imageSpec({ bootloader: { provider: 'grub' }, disk: { artifacts: [{ type: 'qcow2', compression: 'xz' }] } });
    expect(format.tools(spec)).toEqual(['convert', 'grub-efi', 'xz']);
    expect(format.tools(imageSpec(withRoot({ filesystem: 'ext3' })))).toEqual(['ext']);
    expect(format.tools(imageSpec(legacy.gpt))).toEqual(['grub-bios']);
    expect(format.requires(imageSpec(), distribution)).toEqual(['systemd-boot-efi']);
    expect(format.requires(spec, distribution)).toEqual([]);
  });
});

describe('partitionAttributes', () => {
  it.each<[string[], bigint]>([
    [[], 0n],
    [['esp', 'boot'], 0n],
    [['required', 'legacy_boot'], 5n],
    [['no-auto', 'read-only', 'growfs'], (1n << 63n) | (1n << 60n) | (1n << 59n)],
  ])('%j are %s', (flags, bits) => {
    expect(partitionAttributes(flags)).toBe(bits);
  });
});
