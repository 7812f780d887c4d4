import { flag, formatted, integer, oneOf, text, texts, withDefault } from './keyword.js';

/** File formats of disk images. */
export const diskTypes = ['raw', 'qcow2', 'vhd', 'vhdx', 'vmdk', 'vdi', 'tar'] as const;

/** File formats of images. */
export const artifactTypes = [...diskTypes, 'cpio', 'iso'] as const;

const artifact = {
  type: 'object',
  description: 'One image file to deliver.',
  examples: [{ type: 'qcow2' }, { type: 'raw', compression: 'gz' }],
  properties: {
    type: oneOf(
      artifactTypes,
      'File format of the image. An initrd (img) is a cpio, a live ISO image (iso) an iso, a wsl2 image a tar, a disk any of the others.',
      'raw',
      'qcow2',
    ),
    compression: oneOf(
      ['gz', 'gzip', 'xz', 'zstd', 'bz2'],
      'Compresses the whole file, in an iso the initrd; `gzip` is another name of `gz`. Absent: not compressed, in an iso gz.',
      'gz',
      'zstd',
    ),
  },
  required: ['type'],
  additionalProperties: false,
} as const;

const partition = {
  type: 'object',
  description: 'One partition of the disk.',
  examples: [{ id: 'rootfs', type: 'linux-root-amd64', start: '513MiB', end: '0', fsType: 'ext4', mountPoint: '/' }],
  properties: {
    id: text('Name of the partition inside the template; unique. Absent: `name`, or `partition1`, `partition2`, ...', 'rootfs'),
    index: integer(1, 128, 'Number of the partition in the table. Absent: its place in the list.', 1),
    name: text('Name in the partition table (GPT only). Absent: `id`.', 'rootfs'),
    type: withDefault(
      'linux',
      text(
        'What the partition is for: esp, xbootldr, bios, linux, linux-root-amd64, linux-root-arm64, linux-root-amd64-verity, linux-root-arm64-verity, linux-swap (or swap), linux-home, linux-srv, linux-var, linux-tmp, linux-lvm, linux-raid, linux-luks, linux-dm-crypt. Any other word needs `typeUUID`.',
        'esp',
        'linux-root-amd64',
      ),
    ),
    typeUUID: formatted('uuid', 'Type of the partition as a GUID; wins over `type`.', '4f68bce3-e8cd-4db1-96e7-fbcaf984b709'),
    fsType: withDefault(
      'none',
      oneOf(
        ['', 'fat32', 'fat16', 'vfat', 'ext2', 'ext3', 'ext4', 'xfs', 'btrfs', 'erofs', 'squashfs', 'linux-swap', 'swap', 'none'],
        'Filesystem to make. `swap` is another name of `linux-swap`; empty or `none`: no filesystem. `btrfs` has one subvolume, and needs 128 MiB; `xfs` needs 300 MiB. `erofs` and `squashfs` are mounted read-only; [what a root needs then](read-only-root.md).',
        'ext4',
        'fat32',
      ),
    ),
    fsLabel: text('Label of the filesystem.', 'root'),
    start: formatted('size', 'First byte, as a size from the start of the disk. Absent: the end of the partition before, or 1MiB.', '1MiB'),
    end: withDefault(
      '0',
      formatted('size', 'End, exclusive, as a size from the start of the disk. `"0"`: the rest of the disk.', '513MiB'),
    ),
    mountPoint: withDefault(
      'none',
      formatted(
        'mount-point',
        'Where the system mounts it. Empty or `none`: nowhere. What is in use before partitions are mounted is no place for one: `/proc`, `/sys`, `/dev` and what is below them, `/run`, `/etc`, `/bin`, `/sbin`, `/lib`, `/lib64`, and those four in `/usr`.',
        '/',
        '/boot/efi',
      ),
    ),
    mountOptions: withDefault('defaults', text('Fourth field of its line in /etc/fstab.', 'umask=0077')),
    flags: withDefault([], texts('Flags of the partition. In an `mbr`, `boot` marks the active one.', ['esp', 'boot'])),
  },
  additionalProperties: false,
} as const;

/** Schema of `disk`. */
export const diskSchema = {
  type: 'object',
  description:
    'The disk to compose. Replaces the disk of the distribution definition as a whole as soon as one key is set. Sizes are a whole number and a unit; every unit counts in powers of 1024: K, KB and KiB are 1024 bytes, M, MB and MiB 1024 K, G, GB and GiB 1024 M, T, TB and TiB 1024 G.',
  examples: [{ name: 'minimal', size: '2GiB', partitionTableType: 'gpt', artifacts: [{ type: 'raw' }] }],
  properties: {
    name: text("Name of this layout, for people. Absent: the image's name.", 'Minimal_Raw'),
    path: text('Device that an installer writes to. Has no effect on image files.', '/dev/sda'),
    size: formatted('size', 'Size of the disk; see `disk` for the units.', '4GiB', '4G', '4096 MiB'),
    partitionTableType: withDefault(
      'gpt',
      oneOf(
        ['gpt', 'mbr'],
        'Kind of partition table. An `mbr` (DOS) has at most four partitions, on a disk of at most 2 TiB; [what else it does not know](legacy-boot.md).',
        'gpt',
      ),
    ),
    extendLastPartitionToFillDisk: withDefault(
      false,
      flag(
        'Enlarges the last partition, which has to be the root, and its filesystem to the end of the disk that the system starts from. It happens at the first start, and at any other that finds the disk larger.',
        true,
      ),
    ),
    selectionPolicy: {
      type: 'object',
      description: 'How an installer chooses a disk. Has no effect on image files.',
      examples: [{ strategy: 'largest', excludeRemovable: true }],
      properties: {
        strategy: oneOf(['first', 'largest', 'fastest'], 'Which of the suitable disks to take.', 'largest'),
        excludeRemovable: withDefault(false, flag('Leaves out removable disks.', true)),
        requireEmpty: withDefault(false, flag('Takes only a disk without partitions.', true)),
      },
      additionalProperties: false,
    },
    artifacts: {
      type: 'array',
      description:
        'Image files to deliver. Absent: what is usual for the image type, of a disk `raw`, of an initrd `cpio` compressed with gz, of a live ISO image `iso`. A wsl2 image names `tar` compressed with gz.',
      examples: [[{ type: 'raw' }, { type: 'qcow2' }]],
      items: artifact,
    },
    partitions: withDefault([], {
      type: 'array',
      description: 'Partitions, in the order of their numbers.',
      examples: [[{ id: 'rootfs', type: 'linux', start: '1MiB', end: '0', fsType: 'ext4', mountPoint: '/' }]],
      items: partition,
    }),
  },
  additionalProperties: false,
} as const;
