import { describe, expect, it } from 'vitest';
import { hostBuild, type TreeContent } from '@ict/fixtures';
import { diskSignature, partitionIdentity } from '@ict/image-parts';
import { digestOf } from '@ict/integrity';
import { renderFstab } from '../src/fstab.js';
import { mountPointOf } from '../src/mount-points.js';
import { prepareKey, prepareTree } from '../src/prepare.js';
import { MIB, SEED, bootable, distribution, esp, imageSpec, root, type SpecChanges } from './support/specs.js';

const uuid = (id: string): string => `PARTUUID=${partitionIdentity(SEED, id).partitionUuid}`;

describe('renderFstab', () => {
  it('has parents before children, escapes, and swap last', () => {
    const { disk } = imageSpec({
      disk: {
        partitions: [
          { ...root, id: 'deep', mountPoint: '/var/lib/my data' },
          { ...root, id: 'swap', type: 'swap', filesystem: 'linux-swap', mountPoint: 'none' },
          { ...root, id: 'fast', type: 'swap', filesystem: 'linux-swap', mountPoint: 'none', mountOptions: 'sw,pri=10' },
          esp,
          { ...root, id: 'var', filesystem: 'ext3', mountPoint: '/var/', mountOptions: 'noatime,x=a\\b' },
          { ...root, id: 'raw', filesystem: 'none', mountPoint: 'none' },
          { ...root, mountOptions: '' },
        ],
      },
    });
    expect(renderFstab(disk, SEED).split('\n').slice(1)).toEqual([
      `${uuid('rootfs')}\t/\text4\tdefaults\t0\t1`,
      `${uuid('var')}\t/var\text3\tnoatime,x=a\\134b\t0\t2`,
      `${uuid('boot')}\t/boot/efi\tvfat\tumask=0077\t0\t2`,
      `${uuid('deep')}\t/var/lib/my\\040data\text4\tdefaults\t0\t2`,
      `${uuid('swap')}\tnone\tswap\tsw\t0\t0`,
      `${uuid('fast')}\tnone\tswap\tsw,pri=10\t0\t0`,
      '',
    ]);
  });

  it('names partitions of an MBR by its signature and their numbers', () => {
    const { disk } = imageSpec({ disk: { partitionTable: 'mbr' } });
    const signature = diskSignature(SEED);
    expect(signature).toMatch(/^[0-9a-f]{8}$/u);
    expect(renderFstab(disk, SEED).split('\n').slice(1)).toEqual([
      `PARTUUID=${signature}-02\t/\text4\tdefaults\t0\t1`,
      `PARTUUID=${signature}-01\t/boot/efi\tvfat\tumask=0077\t0\t2`,
      '',
    ]);
  });

  it.each([
    ['fat16', 'vfat'],
    ['fat32', 'vfat'],
    ['vfat', 'vfat'],
    ['ext2', 'ext2'],
    ['xfs', 'xfs'],
    ['btrfs', 'btrfs'],
    ['erofs', 'erofs'],
    ['squashfs', 'squashfs'],
  ] as const)('mounts %s as %s', (filesystem, type) => {
    const { disk } = imageSpec({ disk: { partitions: [{ ...root, filesystem }] } });
    expect(renderFstab(disk, SEED).split('\n')[1]?.split('\t')[2]).toBe(type);
  });

  it.each(['btrfs', 'xfs'] as const)('has no %s checked, as it looks after itself', (filesystem) => {
    const { disk } = imageSpec({ disk: { partitions: [{ ...root, filesystem }] } });
    expect(renderFstab(disk, SEED).split('\n')[1]).toBe(`${uuid('rootfs')}\t/\t${filesystem}\tdefaults\t0\t0`);
  });

  it.each([
    ['', 'ro'],
    ['defaults', 'ro'],
    ['noatime', 'ro,noatime'],
    ['noatime,ro', 'noatime,ro'],
  ])('mounts what is never written read-only, with "%s" as %s, and has it not checked', (mountOptions, options) => {
    const { disk } = imageSpec({ disk: { partitions: [{ ...root, filesystem: 'squashfs', mountOptions }] } });
    expect(renderFstab(disk, SEED).split('\n')[1]).toBe(`${uuid('rootfs')}\t/\tsquashfs\t${options}\t0\t0`);
  });

  it('mounts nothing that has no filesystem', () => {
    const { disk } = imageSpec({ disk: { partitions: [{ ...root, filesystem: 'none' }] } });
    expect(() => renderFstab(disk, SEED)).toThrow(expect.objectContaining({ code: 'ICT_DISK_LAYOUT' }));
  });

  it.each([
    ['/', '/'],
    ['/boot//efi/', '/boot/efi'],
    ['none', undefined],
    ['', undefined],
  ])('reads the mount point %s as %s', (mountPoint, expected) => {
    expect(mountPointOf({ ...root, mountPoint })).toBe(expected);
  });
});

describe('prepareTree', () => {
  it('writes fstab and missing mount points, and with GRUB its configuration', async () => {
    const build = hostBuild();
    try {
      const tree = build.session(build.tree(bootable));
      const spec = imageSpec({
        bootloader: { provider: 'grub' },
        disk: {
          partitions: [esp, { ...root, endBytes: 60 * MIB }, { ...root, id: 'data', startBytes: 60 * MIB, mountPoint: '/srv/data/www' }],
        },
      });
      await prepareTree({ spec, distribution, seed: SEED }, tree);
      expect(Buffer.from((await tree.read('/etc/fstab')) as Uint8Array).toString()).toBe(renderFstab(spec.disk, SEED));
      expect((await tree.stat('/srv/data/www'))?.type).toBe('directory');
      expect(Buffer.from((await tree.read('/boot/grub/grub.cfg')) as Uint8Array).toString()).toContain('menuentry');
    } finally {
      build.remove();
    }
  });

  it.each<[string, Readonly<Record<string, TreeContent>>, string]>([
    ['is a link', { 'srv/data': { link: 'elsewhere' } }, 'that is a symlink to elsewhere'],
    ['is a file', { 'srv/data': 'text' }, 'that is a file'],
    ['lies below a link', { srv: { link: 'var/srv' }, 'var/srv/data/kept': 'text' }, '/srv is a symlink to var/srv'],
    ['would lie below a link', { srv: { link: 'var/srv' }, 'var/srv': null }, '/srv is a symlink to var/srv'],
  ])('refuses a mount point that %s', async (_what, files, said) => {
    const build = hostBuild();
    try {
      const tree = build.session(build.tree({ ...bootable, ...files }));
      const spec = imageSpec({
        disk: {
          partitions: [esp, { ...root, endBytes: 60 * MIB }, { ...root, id: 'data', startBytes: 60 * MIB, mountPoint: '/srv/data' }],
        },
      });
      await expect(prepareTree({ spec, distribution, seed: SEED }, tree)).rejects.toMatchObject({
        code: 'ICT_DISK_MOUNT_POINT',
        message: expect.stringContaining(`"data" cannot be mounted at /srv/data: in the image ${said}`) as string,
      });
    } finally {
      build.remove();
    }
  });
});

describe('the key of prepareTree', () => {
  const withRoot = (changes: object): SpecChanges => ({ disk: { partitions: [esp, { ...root, ...changes }] } });
  const grub = { bootloader: { provider: 'grub' } } as const;
  const key = (changes: SpecChanges = {}, seed = SEED): string =>
    JSON.stringify(prepareKey({ spec: imageSpec(changes), distribution, seed }));

  it.each<[string, SpecChanges, SpecChanges?]>([
    ['the files to deliver', { disk: { artifacts: [{ type: 'qcow2' }] } }],
    ['the name of the disk', { disk: { name: 'other' } }],
    ['the size of the disk', { disk: { sizeBytes: 90 * MIB } }],
    ['the name of a partition in the table', withRoot({ name: 'other' })],
    ['a label', withRoot({ label: 'other' })],
    ['what the loader on the EFI partition says to the kernel', { cmdline: 'quiet' }],
  ])('stays the same with another %s', (_what, changes, before) => {
    expect(key(changes)).toBe(key(before));
  });

  it.each<[string, SpecChanges, SpecChanges?]>([
    ['mount options', withRoot({ mountOptions: 'noatime' })],
    ['a mount point', withRoot({ mountPoint: '/srv' })],
    ['a filesystem', withRoot({ filesystem: 'ext3' })],
    ['an id, which the UUIDs come from', withRoot({ id: 'other' })],
    ['a boot loader whose configuration is in the tree', grub],
    ['what that says to the kernel', { ...grub, cmdline: 'quiet' }, grub],
  ])('changes with %s', (_what, changes, before) => {
    expect(key(changes)).not.toBe(key(before));
  });

  it('changes with the seed of the UUIDs', () => {
    expect(key({}, digestOf('another lock'))).not.toBe(key());
  });
});
