import type { Digest, DiskSpec, PartitionSpec } from '@ict/plugin-api';
import { diskSignature, mbrPartuuid, partitionIdentity } from '@ict/image-parts';

/** What `PARTUUID=` calls a partition of the disk: in a GPT it has a UUID of its own, in an MBR the signature of the disk and its number. Lower case. */
export function partuuidOf(disk: Pick<DiskSpec, 'partitionTable' | 'partitions'>, seed: Digest, partition: PartitionSpec): string {
  if (disk.partitionTable === 'mbr') return mbrPartuuid(diskSignature(seed), disk.partitions.indexOf(partition) + 1);
  return partitionIdentity(seed, partition.id).partitionUuid;
}
