import type { ArtifactSpec, Compression, DiskSelectionSpec, DiskSpec, PartitionSpec } from '@ict/plugin-api';
import { checkLayout } from './disk-layout.js';
import { nearest } from '../problems/nearest.js';
import type { Path } from '../documents/path.js';
import type { Report } from '../problems/report.js';
import type { Template } from '../schema/template.js';
import { parseSize } from './size.js';

type Disk = NonNullable<Template['disk']>;
type Partition = NonNullable<Disk['partitions']>[number];

/** Names of partition types that a template may use without `typeUUID`; `swap` is another name of `linux-swap`. */
export const partitionTypes: readonly string[] = [
  'esp',
  'xbootldr',
  'bios',
  'linux',
  'linux-root-amd64',
  'linux-root-arm64',
  'linux-root-amd64-verity',
  'linux-root-arm64-verity',
  'linux-swap',
  'swap',
  'linux-home',
  'linux-srv',
  'linux-var',
  'linux-tmp',
  'linux-lvm',
  'linux-raid',
  'linux-luks',
  'linux-dm-crypt',
];

interface FilesystemFacts {
  /** Whether there are files on it at all. */
  readonly holdsFiles: boolean;
  readonly readByFirmware: boolean;
}

const OF_FAT: FilesystemFacts = { holdsFiles: true, readByFirmware: true };
const OF_LINUX: FilesystemFacts = { holdsFiles: true, readByFirmware: false };
const NO_FILES: FilesystemFacts = { holdsFiles: false, readByFirmware: false };

/** What the language knows of filesystems; all else is for the format to say. The compiler holds it to `PartitionSpec`, and to the schema. */
const FILESYSTEMS: Readonly<Record<PartitionSpec['filesystem'], FilesystemFacts>> = {
  fat32: OF_FAT,
  fat16: OF_FAT,
  vfat: OF_FAT,
  ext2: OF_LINUX,
  ext3: OF_LINUX,
  ext4: OF_LINUX,
  xfs: OF_LINUX,
  btrfs: OF_LINUX,
  erofs: OF_LINUX,
  squashfs: OF_LINUX,
  'linux-swap': NO_FILES,
  none: NO_FILES,
} satisfies Record<Exclude<NonNullable<Partition['fsType']>, '' | 'swap'>, FilesystemFacts>;

/** Type of an EFI system partition as a GUID. */
const ESP_UUID = 'c12a7328-f81f-11d2-ba4b-00a0c93ec93b';
const MIB = 2 ** 20;
/** The smallest disk that can hold a partition table and something beside it. */
const SMALLEST = 2 * MIB;

/** The disk of an image type that has none. */
export function emptyDisk(name: string): DiskSpec {
  return { name, sizeBytes: 0, partitionTable: 'gpt', artifacts: [], partitions: [] };
}

/**
 * Reads `disk`: units become bytes, absent values get their defaults. Reports what cannot be, such as partitions that overlap.
 *
 * @param isDisk whether the image is one: without a size there is none; an installer finds a disk of its own
 * @param isUnknown whether the value of a path was left out because it is wrong: nothing is concluded from its absence
 */
export function readDisk(disk: Disk, imageName: string, isDisk: boolean, report: Report, isUnknown: (path: Path) => boolean): DiskSpec {
  const sizeBytes = parseSize(disk.size ?? '0') ?? 0;
  const partitionTable = disk.partitionTableType ?? 'gpt';
  if (disk.size === undefined) {
    if (isDisk) report('ICT_DOCUMENT_MISSING_KEY', ['disk'], 'the disk needs the key "size"', 'For example 4GiB.');
  } else if (sizeBytes < SMALLEST)
    report('ICT_TEMPLATE_DISK', ['disk', 'size'], `a disk of ${disk.size} is too small`, 'It needs at least 2MiB.');
  const partitions = readPartitions(disk.partitions ?? [], report, isUnknown);
  checkLayout(partitions, { sizeBytes: sizeBytes >= SMALLEST ? sizeBytes : undefined, table: partitionTable }, report);
  const { path: device, selectionPolicy } = disk;
  return {
    name: disk.name ?? imageName,
    sizeBytes,
    partitionTable,
    artifacts: readArtifacts(disk, isDisk),
    partitions,
    ...(disk.extendLastPartitionToFillDisk ? { growLastPartition: true } : {}),
    ...(device ? { device } : {}),
    ...(selectionPolicy === undefined ? {} : { selectionPolicy: readSelection(selectionPolicy) }),
  };
}

function readSelection({
  strategy,
  excludeRemovable = false,
  requireEmpty = false,
}: NonNullable<Disk['selectionPolicy']>): DiskSelectionSpec {
  return { ...(strategy === undefined ? {} : { strategy }), excludeRemovable, requireEmpty };
}

/** What is usual for an image that is no disk, its format knows. */
function readArtifacts(disk: Disk, isDisk: boolean): ArtifactSpec[] {
  const artifacts = disk.artifacts ?? [];
  if (artifacts.length === 0) return isDisk ? [{ type: 'raw' }] : [];
  return artifacts.map(({ type, compression }) => ({
    type,
    ...(compression === undefined ? {} : { compression: (compression === 'gzip' ? 'gz' : compression) satisfies Compression }),
  }));
}

/** A mount point without slashes at its end; undefined for none. */
const named = (mountPoint: string | undefined): string | undefined =>
  mountPoint === '' || mountPoint === 'none' ? undefined : mountPoint?.replace(/(?<=.)\/+$/, '');

function readPartitions(items: readonly Partition[], report: Report, isUnknown: (path: Path) => boolean): PartitionSpec[] {
  let previousEnd: number | undefined = MIB;
  return items.map((item, index) => {
    const at: Path = ['disk', 'partitions', index];
    const id = item.id || item.name || `partition${index + 1}`;
    const type = item.type === 'swap' ? 'linux-swap' : item.type || 'linux';
    const filesystem = item.fsType === 'swap' ? 'linux-swap' : item.fsType || 'none';
    const mountPoint = named(item.mountPoint);
    const byDefault = isUnknown([...at, 'start']) ? NaN : previousEnd;
    const startBytes = item.start === undefined ? byDefault : (parseSize(item.start) ?? 0);
    if (startBytes === undefined) {
      report('ICT_TEMPLATE_DISK', at, `partition "${id}" needs the key "start": the one before takes the rest of the disk`);
    }
    const end = isUnknown([...at, 'end']) ? NaN : (parseSize(item.end ?? '0') ?? 0);
    const endBytes = end === 0 ? undefined : end;
    previousEnd = endBytes;
    if (item.typeUUID === undefined && !partitionTypes.includes(type)) {
      const near = nearest(type, partitionTypes);
      const hint =
        near === undefined ? `Known types: ${partitionTypes.join(', ')}. For another, give "typeUUID".` : `Did you mean "${near}"?`;
      report('ICT_TEMPLATE_DISK', [...at, 'type'], `partition "${id}" has the unknown type "${type}"`, hint);
    }
    if (/\s/.test(item.mountOptions ?? '')) {
      report(
        'ICT_TEMPLATE_DISK',
        [...at, 'mountOptions'],
        `mount options have no spaces: ${JSON.stringify(item.mountOptions)}`,
        'Separate them with commas.',
      );
    }
    return {
      id,
      name: item.name || id,
      ...(item.index === undefined || item.index === index + 1 ? {} : { index: item.index }),
      type,
      ...(item.typeUUID === undefined ? {} : { typeUuid: item.typeUUID.toLowerCase() }),
      filesystem,
      ...(item.fsLabel ? { label: item.fsLabel } : {}),
      startBytes: startBytes ?? NaN,
      ...(endBytes === undefined ? {} : { endBytes }),
      ...(mountPoint === undefined ? {} : { mountPoint }),
      mountOptions: item.mountOptions || 'defaults',
      flags: item.flags ?? [],
    };
  });
}

/** True for a partition that firmware takes as the EFI system partition. */
export function isEsp(partition: PartitionSpec): boolean {
  return partition.typeUuid === undefined ? partition.type === 'esp' : partition.typeUuid === ESP_UUID;
}

/** What a bootable disk must have: a root, and for EFI an EFI system partition. */
export function checkBootable(disk: DiskSpec, bootType: 'efi' | 'legacy', report: Report): void {
  const at: Path = ['disk', 'partitions'];
  if (!disk.partitions.some(({ mountPoint }) => mountPoint === '/')) {
    report('ICT_TEMPLATE_DISK', at, 'no partition is mounted at /', 'Give the root partition mountPoint: /');
  }
  const root = disk.partitions.find(({ mountPoint }) => mountPoint === '/');
  if (root !== undefined && !FILESYSTEMS[root.filesystem].holdsFiles) {
    report(
      'ICT_TEMPLATE_DISK',
      [...at, disk.partitions.indexOf(root), 'fsType'],
      `the root partition "${root.id}" has no filesystem`,
      'For example fsType: ext4',
    );
  }
  if (bootType !== 'efi') return;
  const esp = disk.partitions.find(isEsp);
  if (esp === undefined) {
    report(
      'ICT_TEMPLATE_DISK',
      at,
      'the image starts through EFI, but no partition has the type "esp"',
      'Add one of 256MiB with fsType: fat32.',
    );
  } else if (!FILESYSTEMS[esp.filesystem].readByFirmware) {
    const hint = 'Give it fsType: fat32';
    report(
      'ICT_TEMPLATE_DISK',
      [...at, disk.partitions.indexOf(esp), 'fsType'],
      `firmware cannot read the EFI system partition "${esp.id}": it is not FAT`,
      hint,
    );
  }
}
