import { describe, expect, it } from 'vitest';
import { hostBuild, type TreeContent } from '@ict/fixtures';
import { partitionIdentity } from '@ict/image-parts';
import { mountPointOf, renderFstab } from '../src/fstab.js';
import { prepareTree } from '../src/prepare.js';
import { MIB, SEED, bootable, distribution, esp, imageSpec, root } from './support/specs.js';

const uuid = (id: string): string => `PARTUUID=${partitionIdentity(SEED, id).partitionUuid}`;

describe('renderFstab', () => {
  it('has parents before children, escapes, and swap last', () => {
    const { disk } = imageSpec({
      disk: {
        partitions: [
          { ...root, id: 'deep', mountPoint: '/var/lib/my data' },
          { ...root, id: 'swap', type: 'swap', filesystem: 'linux-swap', mountPoint: 'none' },
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
