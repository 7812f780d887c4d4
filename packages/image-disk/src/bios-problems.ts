import type { ImageSpec } from '@ict/plugin-api';
import { filesystemOf } from './filesystems.js';
import { mebibytes } from './mebibytes.js';
import { biosPartitionOf, startsByBios } from './partition-roles.js';
import type { DiskLayout } from './partitions.js';

const BOOT_TYPE_KEY = 'systemConfig.bootloader.bootType';

/** More than GRUB's program makes a core image of: how large that becomes, nobody knows before. */
const CORE_BYTES = 512 * 1024;

/** Something that keeps a BIOS from starting a disk, at its place in the template. */
export interface BiosProblem {
  readonly path: string;
  readonly message: string;
  readonly hint: string;
  readonly code: 'ICT_DISK_UNSUPPORTED' | 'ICT_DISK_LAYOUT';
}

/** What keeps a BIOS from starting a disk that is to be started by one: GRUB does that, out of the gap behind an MBR or a partition of its own in a GPT. */
export function biosProblems(spec: ImageSpec, layout: DiskLayout): readonly BiosProblem[] {
  if (!startsByBios(spec)) return [];
  const { disk, system, target } = spec;
  const found: BiosProblem[] = [];
  const say = (path: string, message: string, hint: string, code: BiosProblem['code'] = 'ICT_DISK_UNSUPPORTED'): void => {
    found.push({ path, message, hint, code });
  };
  if (target.arch !== 'x86_64') {
    const message = `legacy firmware (BIOS) is that of x86_64, and the image is for ${target.arch}`;
    say(BOOT_TYPE_KEY, message, 'Use bootType: efi.');
    // What else would be missing, no BIOS asks for.
    return found;
  }
  if (system.bootloader.provider === 'systemd-boot') {
    const message = 'systemd-boot is started by UEFI alone, and the template asks for legacy firmware (BIOS)';
    say('systemConfig.bootloader.provider', message, 'Use provider: grub, or bootType: efi.');
  }
  if (disk.partitionTable === 'mbr') return found;
  const partition = biosPartitionOf(spec);
  if (partition === undefined) {
    const message = 'no partition is for what legacy firmware (BIOS) starts, which a disk with a GPT has no other room for';
    const hint =
      'Add a partition with type: bios, start: 1MiB and end: 2MiB, and begin the others behind it; or use partitionTableType: mbr.';
    // The disk may be that of the definition, whose lines nobody wrote.
    say(BOOT_TYPE_KEY, message, hint, 'ICT_DISK_LAYOUT');
    return found;
  }
  const path = `disk.partitions[${disk.partitions.indexOf(partition)}]`;
  if (filesystemOf(partition).writing.family !== 'empty')
    say(
      `${path}.fsType`,
      `partition "${partition.id}" is for what legacy firmware (BIOS) starts, and can have no filesystem`,
      'Remove fsType.',
    );
  const { sizeBytes } = layout.partitions.find((placed) => placed.spec === partition) ?? { sizeBytes: NaN };
  if (sizeBytes > 0 && sizeBytes < CORE_BYTES) {
    const message = `partition "${partition.id}" is too small for what legacy firmware (BIOS) starts: it has ${mebibytes(sizeBytes)}`;
    say(`${path}.end`, message, 'Make it 1MiB large.', 'ICT_DISK_LAYOUT');
  }
  return found;
}
