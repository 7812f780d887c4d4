import { uuidFrom } from '@ict/integrity';
import type { Digest } from '@ict/plugin-api';

/** Names by which a running system finds one partition and its filesystem. */
export interface PartitionIdentity {
  /** The partition's own UUID in a GPT: what `PARTUUID=` names there. Lower case. */
  readonly partitionUuid: string;
  /** UUID of an ext or swap filesystem. Lower case. */
  readonly filesystemUuid: string;
  /** Seed of ext4's directory hashes. Lower case. */
  readonly hashSeed: string;
  /** Serial number of a FAT filesystem: 8 upper-case hex digits. */
  readonly volumeId: string;
}

/** UUID of the disk, upper case as partitioning programs print it. */
export function diskGuid(seed: Digest): string {
  return uuidFrom(seed, 'disk').toUpperCase();
}

/** Signature of a disk with an MBR: 8 lower-case hex digits, with which `PARTUUID=` names its partitions. */
export function diskSignature(seed: Digest): string {
  return uuidFrom(seed, 'disk-signature').slice(0, 8);
}

/** What `PARTUUID=` calls a partition of a disk with an MBR. @param number from 1, as Linux counts them. */
export function mbrPartuuid(signature: string, number: number): string {
  return `${signature}-${number.toString(16).padStart(2, '0')}`;
}

/** Everything that identifies the partition with this id; a function of the lock's digest and the id. */
export function partitionIdentity(seed: Digest, id: string): PartitionIdentity {
  return {
    partitionUuid: uuidFrom(seed, `partition/${id}`),
    filesystemUuid: uuidFrom(seed, `filesystem/${id}`),
    hashSeed: uuidFrom(seed, `hash-seed/${id}`),
    volumeId: uuidFrom(seed, `volume/${id}`).slice(0, 8).toUpperCase(),
  };
}

/** A FAT serial number as `blkid`, GRUB's `search --fs-uuid` and `UUID=` write it: `ABCD-1234`. */
export function volumeUuid(volumeId: string): string {
  return `${volumeId.slice(0, 4)}-${volumeId.slice(4)}`;
}
