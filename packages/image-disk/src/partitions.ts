import { formatCount, type DiskSpec, type PartitionSpec } from '@ict/plugin-api';
import {
  BACKUP_SECTORS,
  FIRST_USABLE_LBA,
  MBR_PARTITIONS,
  MBR_SECTORS,
  PRIMARY_SECTORS,
  SECTOR_BYTES,
  lastUsableLba,
} from '@ict/image-parts';
import { diskError } from './errors.js';

/** Partitions start on multiples of this, as partitioning programs and flash storage expect. */
export const ALIGNMENT_BYTES = 1024 * 1024;

/** A partition with its place on the disk, in sectors; `lastLba` belongs to it. */
export interface PlacedPartition {
  readonly spec: PartitionSpec;
  readonly firstLba: number;
  readonly lastLba: number;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

export interface DiskLayout {
  /** Size of the disk, in sectors. */
  readonly sectors: number;
  /** In the template's order, which is the order of the partition table. */
  readonly partitions: readonly PlacedPartition[];
}

/** Something that keeps a layout from being made. `partition` and `field` say where, `field` in the template's own words. */
export interface LayoutProblem {
  readonly message: string;
  readonly hint: string;
  readonly partition?: number;
  readonly field?: 'start' | 'end';
}

/** What of a disk decides where its partitions lie. */
type Divided = Pick<DiskSpec, 'sizeBytes' | 'partitionTable' | 'partitions'>;

/** Places the partitions, and gathers everything that keeps them from fitting. With problems, the layout is not to be used. */
export function planLayout(disk: Divided): {
  readonly layout: DiskLayout;
  readonly problems: readonly LayoutProblem[];
} {
  const problems: LayoutProblem[] = [];
  const sectors = Math.floor(disk.sizeBytes / SECTOR_BYTES);
  const isMbr = disk.partitionTable === 'mbr';
  if (!Number.isSafeInteger(disk.sizeBytes) || disk.sizeBytes % SECTOR_BYTES !== 0) {
    problems.push({
      message: `the disk's size, ${disk.sizeBytes} bytes, is not a multiple of ${SECTOR_BYTES}`,
      hint: 'Give disk.size in MiB or GiB.',
    });
  } else if (sectors < PRIMARY_SECTORS + BACKUP_SECTORS + 1) {
    problems.push({ message: `a disk of ${disk.sizeBytes} bytes has no room for partitions`, hint: 'Raise disk.size.' });
  } else if (isMbr && sectors > MBR_SECTORS) {
    problems.push({
      message: `a disk of ${disk.sizeBytes} bytes is larger than the 2 TiB that an MBR reaches`,
      hint: 'Use disk.partitionTableType: gpt, or make the disk smaller.',
    });
  }
  const last = isMbr ? sectors - 1 : lastUsableLba(sectors);
  // Of a disk that is none, no partition is inside.
  const isDisk = problems.length === 0;
  const oneTooMany = isMbr ? disk.partitions[MBR_PARTITIONS] : undefined;
  if (oneTooMany !== undefined) {
    problems.push({
      message: `partition "${oneTooMany.id}" is one more than the ${MBR_PARTITIONS} that an MBR has room for`,
      hint: 'Use disk.partitionTableType: gpt, or leave out partitions: logical ones in an extended partition are not made.',
      partition: MBR_PARTITIONS,
    });
  }
  const partitions = disk.partitions.map((spec, index): PlacedPartition => {
    if (isDisk) problems.push(...boundaryProblems(spec, index, last, disk.partitionTable));
    const firstLba = Math.floor(spec.startBytes / SECTOR_BYTES);
    const lastLba = spec.endBytes === undefined ? last : Math.floor(spec.endBytes / SECTOR_BYTES) - 1;
    return { spec, firstLba, lastLba, offsetBytes: firstLba * SECTOR_BYTES, sizeBytes: (lastLba - firstLba + 1) * SECTOR_BYTES };
  });
  if (problems.length === 0) problems.push(...overlapProblems(partitions));
  return { layout: { sectors, partitions }, problems };
}

/**
 * Places the partitions of a disk.
 *
 * @throws `ICT_DISK_LAYOUT` with every problem when they do not fit.
 */
export function layoutDisk(disk: Divided & Pick<DiskSpec, 'name'>): DiskLayout {
  const { layout, problems } = planLayout(disk);
  const [first] = problems;
  if (first === undefined) return layout;
  throw diskError('ICT_DISK_LAYOUT', {
    message:
      problems.length === 1
        ? first.message
        : `${first.message} (and ${formatCount(problems.length - 1, 'more problem')} of disk "${disk.name}")`,
    hint: first.hint,
    facts: { disk: disk.name },
    problems: problems.map(({ message, hint }) => ({ code: 'ICT_DISK_LAYOUT', message, hint, severity: 'error' })),
  });
}

function boundaryProblems(spec: PartitionSpec, partition: number, last: number, table: DiskSpec['partitionTable']): LayoutProblem[] {
  const { id, startBytes, endBytes } = spec;
  const found: LayoutProblem[] = [];
  if (startBytes < FIRST_USABLE_LBA * SECTOR_BYTES || startBytes % ALIGNMENT_BYTES !== 0) {
    const nearest = Math.max(1, Math.ceil(startBytes / ALIGNMENT_BYTES));
    found.push({
      message: `partition "${id}" starts at byte ${startBytes}, which is not on a MiB boundary after the partition table`,
      hint: `Start it at ${nearest}MiB.`,
      partition,
      field: 'start',
    });
  }
  if (endBytes !== undefined && endBytes % SECTOR_BYTES !== 0) {
    found.push({
      message: `partition "${id}" ends at byte ${endBytes}, which is not a multiple of ${SECTOR_BYTES}`,
      hint: 'End it on a MiB boundary.',
      partition,
      field: 'end',
    });
  }
  const end = (last + 1) * SECTOR_BYTES;
  if (startBytes >= end) {
    found.push({
      message: `partition "${id}" starts at byte ${startBytes}, beyond the last usable byte ${end - 1} of the disk`,
      hint: 'Raise disk.size.',
      partition,
      field: 'start',
    });
  } else if (endBytes !== undefined && endBytes > end) {
    const [what, more] = table === 'gpt' ? ['the backup partition table starts', ' by 1MiB'] : ['the disk ends', ''];
    found.push({
      message: `partition "${id}" ends at byte ${endBytes}, but ${what} at byte ${end}`,
      hint: `Raise disk.size${more}, or give the last partition the rest of the disk with end: "0".`,
      partition,
      field: 'end',
    });
  } else if (endBytes !== undefined && endBytes <= startBytes) {
    found.push({
      message: `partition "${id}" ends at byte ${endBytes}, before its start at byte ${startBytes}`,
      hint: 'Set end after start.',
      partition,
      field: 'end',
    });
  }
  return found;
}

function overlapProblems(partitions: readonly PlacedPartition[]): LayoutProblem[] {
  const ordered = partitions
    .map((partition, index) => ({ ...partition, index }))
    .sort((a, b) => a.firstLba - b.firstLba || a.index - b.index);
  return ordered.flatMap((current, position) => {
    const next = ordered[position + 1];
    if (next === undefined || current.lastLba < next.firstLba) return [];
    const message = `partitions "${current.spec.id}" and "${next.spec.id}" overlap`;
    const hint =
      current.spec.endBytes === undefined
        ? `Only the last partition may take the rest of the disk: give "${current.spec.id}" an end.`
        : `Start "${next.spec.id}" at or after the end of "${current.spec.id}".`;
    return [{ message, hint, partition: next.index, field: 'start' as const }];
  });
}
