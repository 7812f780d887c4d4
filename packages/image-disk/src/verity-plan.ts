import type { ImageInput } from '@ict/plugin-api';
import { partitionIdentity, uuidBytes, type ByteRange } from '@ict/image-parts';
import { hashPartitionOf } from './immutability.js';
import { rootOf } from './partition-roles.js';
import type { DiskLayout } from './partitions.js';

/** Where the hashed data of a disk lie and where the tree goes, with what is in its superblock. */
export interface VerityPlan {
  readonly data: ByteRange;
  readonly hashOffsetBytes: number;
  readonly uuid: string;
  readonly salt: Uint8Array;
}

/** UUID and salt of the hash tree follow from the seed, as all that identifies a filesystem; undefined for an image that is not immutable. */
export function planVerity({ spec, seed }: Pick<ImageInput, 'spec' | 'seed'>, { partitions }: DiskLayout): VerityPlan | undefined {
  const [root, hashes] = [rootOf(spec), hashPartitionOf(spec)].map((one) => partitions.find((placed) => placed.spec === one));
  if (root === undefined || hashes === undefined) return undefined;
  const { filesystemUuid, hashSeed } = partitionIdentity(seed, hashes.spec.id);
  // Both are made of a digest: as good as random, and as long as veritysetup's own salt.
  const salt = Buffer.concat([uuidBytes(hashSeed), uuidBytes(partitionIdentity(seed, root.spec.id).hashSeed)]);
  return { data: { offset: root.offsetBytes, length: root.sizeBytes }, hashOffsetBytes: hashes.offsetBytes, uuid: filesystemUuid, salt };
}
