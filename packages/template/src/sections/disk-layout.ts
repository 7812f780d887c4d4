import type { PartitionSpec } from '@ict/plugin-api';
import type { Path } from '../documents/path.js';
import type { Report } from '../problems/report.js';
import { formatSize } from './size.js';

const SECTOR = 512;
/** Sectors that a GPT takes at the start (protective MBR, header, 128 entries) and at the end (entries, header). */
const GPT_HEAD = 34 * SECTOR;
const GPT_TAIL = 33 * SECTOR;

/** The disk that partitions lie on. */
export interface DiskBounds {
  /** Undefined when it is not known: an installer finds a disk of its own. */
  readonly sizeBytes: number | undefined;
  readonly table: 'gpt' | 'mbr';
}

/**
 * Reports partitions that are not inside the disk or in each other's way, and ids, numbers and mount points that are used twice. One whose start or end
 * is NaN, because it is wrong already, is held to everything else.
 */
export function checkLayout(partitions: readonly PartitionSpec[], bounds: DiskBounds, report: Report): void {
  const path = (partition: PartitionSpec, ...rest: Path): Path => ['disk', 'partitions', partitions.indexOf(partition), ...rest];
  for (const partition of partitions) {
    checkEnd(partition, path(partition, 'end'), bounds, report);
    checkStart(partition, path(partition, 'start'), bounds, report);
  }
  let lower: PartitionSpec | undefined;
  const limit = limitOf(bounds);
  for (const upper of partitions.filter(({ startBytes }) => !Number.isNaN(startBytes)).sort((a, b) => a.startBytes - b.startBytes)) {
    if (lower !== undefined && (lower.endBytes ?? limit) > upper.startBytes) {
      const what = lower.endBytes === undefined ? `which takes the rest of the disk` : `which ends at ${formatSize(lower.endBytes)}`;
      const message = `partition "${upper.id}" begins at ${formatSize(upper.startBytes)}, inside "${lower.id}", ${what}`;
      report('ICT_TEMPLATE_DISK', path(upper, 'start'), message);
    }
    if (Number.isNaN(upper.endBytes)) continue;
    if (lower === undefined || (upper.endBytes ?? limit) > (lower.endBytes ?? limit)) lower = upper;
  }
  twice(
    partitions,
    (one) => one.id,
    (one, id) => report('ICT_TEMPLATE_DISK', path(one, 'id'), `two partitions have the id "${id}"`),
  );
  twice(
    partitions,
    (one) => String(one.index ?? partitions.indexOf(one) + 1),
    (one, number) =>
      report(
        'ICT_TEMPLATE_DISK',
        path(one, 'index'),
        `two partitions have the number ${number}`,
        'Without "index" it is the place in the list.',
      ),
  );
  twice(
    partitions,
    (one) => one.mountPoint,
    (one, at) => report('ICT_TEMPLATE_DISK', path(one, 'mountPoint'), `two partitions are mounted at ${at}`),
  );
}

/** First byte after the room for partitions. */
function limitOf({ sizeBytes = Infinity, table }: DiskBounds): number {
  return table === 'gpt' ? sizeBytes - GPT_TAIL : sizeBytes;
}

function checkEnd({ id, endBytes }: PartitionSpec, at: Path, bounds: DiskBounds, report: Report): void {
  const { sizeBytes = Infinity } = bounds;
  if (endBytes === undefined || Number.isNaN(endBytes) || endBytes <= limitOf(bounds)) return;
  if (endBytes > sizeBytes) {
    report('ICT_TEMPLATE_DISK', at, `partition "${id}" ends at ${formatSize(endBytes)}, beyond the disk of ${formatSize(sizeBytes)}`);
  } else {
    const message = `partition "${id}" leaves no room for the second partition table at the end of the disk`;
    report('ICT_TEMPLATE_DISK', at, message, 'Give end: "0" to use what is left.');
  }
}

function checkStart({ id, startBytes, endBytes }: PartitionSpec, at: Path, bounds: DiskBounds, report: Report): void {
  const reach = endBytes ?? limitOf(bounds);
  if (startBytes < (bounds.table === 'gpt' ? GPT_HEAD : SECTOR)) {
    report('ICT_TEMPLATE_DISK', at, `partition "${id}" begins inside the partition table`, 'Begin at 1MiB.');
  } else if (startBytes >= reach) {
    const end = endBytes === undefined ? 'the end of the disk' : `its end at ${formatSize(endBytes)}`;
    report('ICT_TEMPLATE_DISK', at, `partition "${id}" begins at ${formatSize(startBytes)}, not before ${end}`);
  }
}

function twice<T>(items: readonly T[], key: (item: T) => string | undefined, found: (item: T, key: string) => void): void {
  const seen = new Set<string>();
  for (const item of items) {
    const value = key(item);
    if (value === undefined) continue;
    if (seen.has(value)) found(item, value);
    seen.add(value);
  }
}
