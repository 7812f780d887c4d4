import type { DistributionDefinition, ImageSpec, PartitionSpec } from '@ict/plugin-api';
import { filesystemOf } from './filesystems.js';
import { hashPartitionOf, IMMUTABILITY_KEY, isImmutable } from './immutability.js';
import { mountPointOf } from './mount-points.js';
import { rootOf, startsByBios } from './partition-roles.js';
import type { DiskLayout } from './partitions.js';
import { VERITY_BLOCK_BYTES, verityBytesFor } from './verity-tree.js';

/** Words of a command line that would lead to another root, or past what makes places writable. */
const OWN_WORDS = /^(?:rw|ro|root=.*|roothash=.*|init=.*|systemd\.verity=.*|systemd\.verity_root_(?:data|hash)=.*)$/u;

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
  if (spec.disk.partitionTable === 'mbr') {
    const message = 'immutability of a disk with an MBR is not supported yet';
    say('disk.partitionTableType', message, 'Use gpt.', 'ICT_UNSUPPORTED_YET');
  }
  if (spec.system.bootloader.provider === 'grub') {
    const message = 'immutability of an image that GRUB starts is not supported yet';
    const hint = startsByBios(spec) ? 'Use bootType: efi and provider: systemd-boot.' : 'Use provider: systemd-boot.';
    say('systemConfig.bootloader.provider', message, hint, 'ICT_UNSUPPORTED_YET');
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
