import type { DiskSpec } from '@ict/plugin-api';
import { mbrPartitionType } from '@ict/image-parts';

/** Attribute bits by flag name, from the UEFI specification and the Discoverable Partitions Specification. */
const ATTRIBUTES: Readonly<Record<string, bigint>> = {
  required: 1n << 0n,
  legacy_boot: 1n << 2n,
  growfs: 1n << 59n,
  'read-only': 1n << 60n,
  'no-auto': 1n << 63n,
};

/** Flags of parted that say no more than a partition type: the types that they agree with. */
const TYPE_FLAGS: Readonly<Record<string, string>> = {
  esp: 'esp',
  boot: 'esp',
  bios_grub: 'bios',
  swap: 'linux-swap',
  lvm: 'linux-lvm',
  raid: 'linux-raid',
  msftres: 'msr',
};

/** In an MBR it marks the partition that is active, whatever its type. */
export const ACTIVE_FLAG = 'boot';

/** Flags that partitions in a kind of table may have, sorted: an MBR has no attributes, and fewer types. */
export function partitionFlagNames(table: DiskSpec['partitionTable']): readonly string[] {
  const ofTypes = Object.entries(TYPE_FLAGS).filter(([, type]) => table === 'gpt' || mbrPartitionType(type) !== undefined);
  return [...(table === 'gpt' ? Object.keys(ATTRIBUTES) : []), ...ofTypes.map(([flag]) => flag)].sort();
}

/** The partition type that a flag stands for, or undefined when it is no such flag. */
export function flagType(flag: string, table: DiskSpec['partitionTable']): string | undefined {
  if (table === 'mbr' && flag === ACTIVE_FLAG) return undefined;
  return Object.hasOwn(TYPE_FLAGS, flag) ? TYPE_FLAGS[flag] : undefined;
}

/** Attribute bits of a table entry for these flags; flags that stand for a type, and unknown ones, have none. */
export function partitionAttributes(flags: readonly string[]): bigint {
  return flags.reduce((bits, flag) => bits | (Object.hasOwn(ATTRIBUTES, flag) ? (ATTRIBUTES[flag] as bigint) : 0n), 0n);
}
