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

/** Names that {@link partitionAttributes} understands, sorted. */
export const partitionFlagNames: readonly string[] = [...Object.keys(ATTRIBUTES), ...Object.keys(TYPE_FLAGS)].sort();

/** The partition type that a flag stands for, or undefined when it is no such flag. */
export function flagType(flag: string): string | undefined {
  return Object.hasOwn(TYPE_FLAGS, flag) ? TYPE_FLAGS[flag] : undefined;
}

/** Attribute bits of a table entry for these flags; flags that stand for a type, and unknown ones, have none. */
export function partitionAttributes(flags: readonly string[]): bigint {
  return flags.reduce((bits, flag) => bits | (Object.hasOwn(ATTRIBUTES, flag) ? (ATTRIBUTES[flag] as bigint) : 0n), 0n);
}
