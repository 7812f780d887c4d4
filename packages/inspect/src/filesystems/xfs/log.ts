import { XFS_LOG, XFS_SECTOR_BYTES } from '@ict/image-parts';
import type { Bytes } from '../../bytes.js';

/** A header tells of so much, and a larger record has more of them. */
const TOLD_BYTES = 32 * 1024;
/** No record is longer, and none is filled up to more. */
const MOST_RECORD_BYTES = 256 * 1024;

/**
 * Whether the last that a log has is an unmounting, so that nothing in it is to be recovered.
 *
 * @param log all of it: records that go around, each sector of which begins with how often they did.
 * @see xlog_find_tail in fs/xfs/xfs_log_recover.c of the kernel
 */
export async function endsWithUnmounting(log: Bytes): Promise<boolean> {
  const sectors = Math.floor(log.sizeBytes / XFS_SECTOR_BYTES);
  const sector = (index: number): Promise<Buffer> => log.read(((index + sectors) % sectors) * XFS_SECTOR_BYTES, XFS_SECTOR_BYTES);
  const end = await endOf(sectors, async (index) => cycleOf(await sector(index)));
  const most = MOST_RECORD_BYTES / XFS_SECTOR_BYTES + MOST_RECORD_BYTES / TOLD_BYTES;
  for (let back = 1; back <= Math.min(most, sectors); back++) {
    const header = await sector(end - back);
    if (header.readUInt32BE(0) !== XFS_LOG.magic) continue;
    const headers = Math.max(1, Math.ceil(header.readUInt32BE(320) / TOLD_BYTES));
    const isLast = headers + Math.ceil(header.readUInt32BE(12) / XFS_SECTOR_BYTES) === back;
    const isAlone = header.readUInt32BE(40) === 1;
    return isLast && isAlone && ((await sector(end - back + headers)).readUInt8(9) & XFS_LOG.unmounting) !== 0;
  }
  return end === 0 && cycleOf(await sector(0)) === 0; // nothing was written yet
}

/** Where the next record would go: the first sector that was written one time less than those in front of it. */
async function endOf(sectors: number, cycleAt: (index: number) => Promise<number>): Promise<number> {
  const cycle = await cycleAt(0);
  if ((await cycleAt(sectors - 1)) === cycle) return 0;
  let [low, high] = [0, sectors - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((await cycleAt(middle)) === cycle) low = middle;
    else high = middle;
  }
  return high;
}

function cycleOf(sector: Buffer): number {
  const first = sector.readUInt32BE(0);
  return first === XFS_LOG.magic ? sector.readUInt32BE(4) : first;
}
