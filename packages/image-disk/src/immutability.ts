import type { Digest, DistributionDefinition, ImageInput, ImageSpec, PartitionSpec, RequiredPackage } from '@ict/plugin-api';
import { partitionIdentity, positionOf, uuidBytes, type ByteRange } from '@ict/image-parts';
import { filesystemOf } from './filesystems.js';
import { mountPointOf } from './mount-points.js';
import { rootOf } from './partition-roles.js';
import type { DiskLayout } from './partitions.js';
import { VERITY_BLOCK_BYTES, verityBytesFor } from './verity-tree.js';
import { WRITABLE_PLACES } from './writable-places.js';

/** Place of the wish in a template. */
export const IMMUTABILITY_KEY = 'systemConfig.immutability.enabled';

/** What the kernel calls the root that is verified: systemd's generator knows no other name. */
export const VERIFIED_ROOT = '/dev/mapper/root';

/** Words of a command line that would lead to another root, or past what makes places writable. */
const OWN_WORDS = /^(?:rw|ro|root=.*|roothash=.*|init=.*|systemd\.verity=.*|systemd\.verity_root_(?:data|hash)=.*)$/u;

/** True when every block of the root is verified as it is read. */
export function isImmutable({ system }: Pick<ImageSpec, 'system'>): boolean {
  return system.immutability !== undefined;
}

/**
 * The same image, but that the partition for the hashes has no filesystem: templates of the Go Image Composer Tool say ext4 there, and nobody
 * makes one.
 */
export function withHashPartition(spec: ImageSpec): ImageSpec {
  const id = spec.system.immutability?.hashPartition;
  if (id === undefined) return spec;
  const partitions = spec.disk.partitions.map((partition): PartitionSpec => {
    // One that is mounted is refused as such.
    if (partition.id !== id || mountPointOf(partition) !== undefined) return partition;
    return { ...partition, filesystem: 'none', label: '' };
  });
  return { ...spec, disk: { ...spec.disk, partitions } };
}

/** The same image with the root hash on its kernel command line. */
export function withRootHash<Input extends Pick<ImageInput, 'spec'>>(input: Input, rootHash: string): Input {
  const { spec } = input;
  const { kernel } = spec.system;
  const cmdline = `${kernel.cmdline} roothash=${rootHash}`.trimStart();
  return { ...input, spec: { ...spec, system: { ...spec.system, kernel: { ...kernel, cmdline } } } };
}

/** The partition for the hashes, if the disk has it. */
export function hashPartitionOf({ disk, system }: ImageSpec): PartitionSpec | undefined {
  const id = system.immutability?.hashPartition;
  return id === undefined ? undefined : disk.partitions.find((partition) => partition.id === id);
}

/** Words by which a kernel and its initrd find the parts of a verified root; the root hash is not among them, as it is known last. */
export function verityOptions(spec: ImageSpec, seed: Digest): readonly string[] {
  const source = (partition: PartitionSpec | undefined): string =>
    `PARTUUID=${partition === undefined ? '' : partitionIdentity(seed, partition.id).partitionUuid}`;
  return [
    ...[`root=${VERIFIED_ROOT}`, 'ro', 'systemd.verity=1'],
    ...[`systemd.verity_root_data=${source(rootOf(spec))}`, `systemd.verity_root_hash=${source(hashPartitionOf(spec))}`],
    `init=${WRITABLE_PLACES}`,
  ];
}

/** Packages by which an initrd opens a verified root, with the line that asks for it. */
export function verityPackages(spec: ImageSpec, { boot }: DistributionDefinition): readonly RequiredPackage[] {
  if (!isImmutable(spec)) return [];
  const position = positionOf(spec, IMMUTABILITY_KEY);
  return (boot.verityPackages ?? []).map((name) => ({ name, reason: 'immutability', ...(position === undefined ? {} : { position }) }));
}

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

/** Something that keeps an image from being immutable, at its place in the template. */
export interface ImmutabilityProblem {
  readonly path: string;
  readonly message: string;
  readonly hint: string;
  readonly code: 'ICT_DISK_UNSUPPORTED' | 'ICT_DISK_LAYOUT' | 'ICT_UNSUPPORTED_YET';
}

/** What keeps a disk from having a verified root; that the template names no partition for the hashes is told with the template. */
export function immutabilityProblems(
  spec: ImageSpec,
  { boot, title }: DistributionDefinition,
  { partitions }: DiskLayout,
): readonly ImmutabilityProblem[] {
  if (!isImmutable(spec)) return [];
  const found: ImmutabilityProblem[] = [];
  const say = (path: string, message: string, hint: string, code: ImmutabilityProblem['code'] = 'ICT_DISK_UNSUPPORTED'): void => {
    found.push({ path, message, hint, code });
  };
  if (boot.verityPackages === undefined) {
    const message = `the definition of ${title} names no packages by which an initrd opens a verified root`;
    say(IMMUTABILITY_KEY, message, 'Add them under boot.verityPackages of the definition, or remove the key.', 'ICT_UNSUPPORTED_YET');
  }
  if (spec.system.bootloader.provider === 'grub') {
    const message = 'immutability of an image that GRUB starts is not supported yet';
    say('systemConfig.bootloader.provider', message, 'Use provider: systemd-boot.', 'ICT_UNSUPPORTED_YET');
  }
  const own = spec.system.kernel.cmdline.split(/\s+/u).filter((word) => OWN_WORDS.test(word));
  if (own.length > 0) {
    const message = `an immutable image has a root and a start of its own, and the kernel command line says ${own.join(' ')}`;
    say('systemConfig.kernel.cmdline', message, `Remove ${own.join(' ')}.`);
  }
  const at = (partition: PartitionSpec): string => `disk.partitions[${spec.disk.partitions.indexOf(partition)}]`;
  const root = rootOf(spec);
  if (root?.mountOptions?.split(',').includes('rw') === true && !filesystemOf(root).readOnly)
    say(`${at(root)}.mountOptions`, `partition "${root.id}" is immutable, and cannot be mounted rw`, 'Remove rw.');
  const hashes = hashPartitionOf(spec);
  if (hashes === undefined) return found;
  const mountPoint = mountPointOf(hashes);
  if (mountPoint !== undefined) {
    const message = `partition "${hashes.id}" is for the hashes of the root, and cannot be mounted at ${mountPoint}`;
    say(`${at(hashes)}.mountPoint`, message, 'Use mountPoint: none, or call it something else.');
  }
  const sizeOf = (partition: PartitionSpec): number => partitions.find((placed) => placed.spec === partition)?.sizeBytes ?? NaN;
  const needed = root === undefined ? 0 : verityBytesFor(sizeOf(root));
  if (root !== undefined && sizeOf(root) >= 2 * VERITY_BLOCK_BYTES && sizeOf(hashes) < needed) {
    const mebibytes = Math.ceil(needed / 2 ** 20);
    const message = `partition "${hashes.id}" is too small for the hashes of "${root.id}", which take ${mebibytes} MiB`;
    say(`${at(hashes)}.end`, message, `Make it ${mebibytes}MiB or larger: a 128th of the root and a little more.`, 'ICT_DISK_LAYOUT');
  }
  return found;
}
