import { digestHex, digestOf } from '@ict/integrity';
import {
  UNSUPPORTED_YET,
  type DiskSpec,
  type DistributionDefinition,
  type ImageSpec,
  type PartitionSpec,
  type ProblemReport,
} from '@ict/plugin-api';
import { MAX_NAME_UNITS, artifactExtension, efiArch, isUuid, partitionTypeGuid, partitionTypeNames, positionOf } from '@ict/image-parts';
import { kernelOptions } from './boot-menu.js';
import { GRUB_DIRECTORY } from './boot-grub.js';
import { biosProblems } from './bios-problems.js';
import { immutabilityProblems } from './immutability-problems.js';
import { isImmutable, withRootHash } from './immutability.js';
import { GROWTH_KEY, growthProblem, grows } from './growth.js';
import { locate, mountPointOf } from './mount-points.js';
import { usesGrub } from './partition-content.js';
import { espOf, isBiosPartition, isOfType, rootOf, startsByBios } from './partition-roles.js';
import { filesystemOf, isSwap } from './filesystems.js';
import { mebibytes } from './mebibytes.js';
import { ACTIVE_FLAG, flagType, partitionFlagNames } from './partition-flags.js';
import { mbrTypeOf } from './partition-table.js';
import { planLayout, type PlacedPartition } from './partitions.js';
import { requiredTools } from './required-tools.js';

type Code = 'ICT_DISK_UNSUPPORTED' | 'ICT_DISK_LAYOUT' | typeof UNSUPPORTED_YET;

/**
 * Everything in a template that a disk image cannot have, and what cannot be made yet or not of this distribution, in the template's order.
 * Pure; nothing is read.
 */
export function checkDisk(spec: ImageSpec, distribution: DistributionDefinition): readonly ProblemReport[] {
  const problems: ProblemReport[] = [];
  const report = (path: string, message: string, hint: string, code: Code = 'ICT_DISK_UNSUPPORTED'): void => {
    const position = positionOf(spec, path);
    problems.push({ code, message, hint, severity: 'error', ...(position === undefined ? {} : { position }) });
  };
  checkTarget(spec, distribution, report);
  checkArtifacts(spec, report);
  const { layout, problems: layoutProblems } = planLayout(spec.disk);
  for (const { message, hint, partition, field } of layoutProblems) {
    report(partition === undefined ? 'disk.size' : `disk.partitions[${partition}].${field ?? ''}`, message, hint, 'ICT_DISK_LAYOUT');
  }
  layout.partitions.forEach((placed, index) => {
    const path = `disk.partitions[${index}]`;
    checkType(placed.spec, path, spec.disk.partitionTable, report);
    checkPartition(placed, path, spec.disk.partitionTable, report);
  });
  for (const { path, message, hint, code } of biosProblems(spec, layout)) report(path, message, hint, code);
  checkTogether(spec, report);
  checkGrowth(spec, distribution, report);
  for (const { path, message, hint, code } of immutabilityProblems(spec, distribution, layout)) report(path, message, hint, code);
  checkTools(spec, distribution, report);
  return problems;
}

type Report = (path: string, message: string, hint: string, code?: Code) => void;

/** What x86 and arm64 keep of a command line, without the NUL. @see COMMAND_LINE_SIZE of Linux */
const COMMAND_LINE_BYTES = 2047;
/** Of whichever seed a UUID comes, it is as long. */
const ANY_SEED = digestOf('any');
const ANY_ROOT_HASH = digestHex(ANY_SEED);

function checkTarget(spec: ImageSpec, distribution: DistributionDefinition, report: Report): void {
  const { arch } = spec.target;
  const { bootloader, kernel } = spec.system;
  if (efiArch(arch) === undefined)
    report('target.arch', `disk images for ${arch} are not supported yet`, 'Use x86_64 or aarch64.', UNSUPPORTED_YET);
  if (bootloader.bootType === 'efi' && bootloader.provider === 'systemd-boot' && distribution.boot.loaders['systemd-boot'] === undefined) {
    report(
      'systemConfig.bootloader.provider',
      `the definition of ${distribution.title} does not say where its systemd-boot is`,
      'Use provider: grub.',
      UNSUPPORTED_YET,
    );
  }
  checkUnifiedImage(spec, distribution, report);
  checkSigning(spec, report);
  if (hasControl(kernel.cmdline))
    report('systemConfig.kernel.cmdline', 'the kernel command line has a line break or another control character', 'Write it on one line.');
  const bytes = Buffer.byteLength(
    kernelOptions(isImmutable(spec) ? withRootHash({ spec, seed: ANY_SEED }, ANY_ROOT_HASH) : { spec, seed: ANY_SEED }),
  );
  if (bytes > COMMAND_LINE_BYTES) {
    const message = `the kernel command line has ${bytes} bytes with what is added to it, and Linux drops all after ${COMMAND_LINE_BYTES}`;
    report('systemConfig.kernel.cmdline', message, 'Shorten it.');
  }
  if (bootloader.provider === 'grub' && /["'\\]/u.test(kernel.cmdline)) {
    report(
      'systemConfig.kernel.cmdline',
      'GRUB cannot hand quotation marks or backslashes to the kernel unchanged',
      startsByBios(spec) ? 'Remove them.' : 'Remove them, or use provider: systemd-boot.',
    );
  }
}

function checkUnifiedImage({ system: { bootloader, kernel } }: ImageSpec, distribution: DistributionDefinition, report: Report): void {
  if (kernel.unifiedImage !== true) return;
  const path = 'systemConfig.kernel.uki';
  const loader = distribution.boot.loaders['systemd-boot'];
  if (bootloader.bootType === 'legacy') {
    const message = 'a unified kernel image (uki) is a program for UEFI, and the template asks for legacy firmware (BIOS)';
    report(path, message, 'Use systemConfig.bootloader.bootType: efi, or remove the key.');
  } else if (bootloader.provider !== 'systemd-boot') {
    const message = `a unified kernel image (uki) is started by systemd-boot, and the template asks for ${bootloader.provider}`;
    report(path, message, 'Use systemConfig.bootloader.provider: systemd-boot, or remove the key.');
  } else if (loader !== undefined && loader.stub === undefined) {
    const message = `the definition of ${distribution.title} does not say where the stub of unified kernel images (uki) is`;
    report(path, message, 'Add boot.loaders.systemd-boot.stub to the definition, or remove the key.', UNSUPPORTED_YET);
  }
}

/** Of a kernel and an initrd as files, only the kernel could be signed: whoever can write to the partition would choose initrd and command line. */
function checkSigning({ system: { bootloader, kernel, secureBoot } }: ImageSpec, report: Report): void {
  if (secureBoot !== undefined && bootloader.bootType === 'legacy') {
    const message = 'boot files are signed for Secure Boot, which legacy firmware (BIOS) does not know';
    report('systemConfig.immutability.secureBootDBKey', message, 'Use systemConfig.bootloader.bootType: efi, or remove the keys.');
    return;
  }
  if (secureBoot === undefined || kernel.unifiedImage === true) return;
  const provider = bootloader.provider === 'systemd-boot' ? '' : ' and systemConfig.bootloader.provider: systemd-boot';
  report(
    'systemConfig.immutability.secureBootDBKey',
    'boot files are signed for Secure Boot only with a unified kernel image (uki), as initrd and command line would not be signed otherwise',
    `Set systemConfig.kernel.uki: true${provider}, or remove the keys.`,
  );
}

function checkArtifacts(spec: ImageSpec, report: Report): void {
  const seen = new Set<string>();
  if (spec.disk.artifacts.length === 0)
    report('disk.artifacts', 'the template asks for no artifact', 'Add "- type: raw" under disk.artifacts.');
  spec.disk.artifacts.forEach((artifact, index) => {
    const path = `disk.artifacts[${index}]`;
    const extension = artifactExtension(artifact);
    if (artifact.type === 'tar') {
      report(`${path}.type`, 'a tar archive of a disk image is not supported yet', 'Use another type.', UNSUPPORTED_YET);
    }
    if (artifact.type === 'cpio') report(`${path}.type`, 'a disk is no cpio archive', 'Use another type, or imageType: img for an initrd.');
    if (artifact.type === 'iso') report(`${path}.type`, 'a disk is no ISO image', 'Use another type, or imageType: iso.');
    if (seen.has(extension)) report(path, `the artifact "${extension}" is listed twice`, 'Remove one of them.');
    seen.add(extension);
  });
}

function checkType(spec: PartitionSpec, path: string, table: DiskSpec['partitionTable'], report: Report): void {
  const isKnown = spec.typeUuid === undefined ? partitionTypeGuid(spec.type) !== undefined : isUuid(spec.typeUuid);
  const [field, value] = spec.typeUuid === undefined ? ['type', spec.type] : ['typeUUID', spec.typeUuid];
  if (!isKnown) {
    report(
      `${path}.${field}`,
      `partition "${spec.id}" has the unknown type "${value}"`,
      `Use typeUUID, or one of: ${partitionTypeNames.join(', ')}.`,
    );
  } else if (table === 'mbr' && mbrTypeOf(spec) === undefined) {
    report(
      `${path}.${field}`,
      `partition "${spec.id}" has the type "${value}", which an MBR does not know`,
      'Use another type, such as linux, or disk.partitionTableType: gpt.',
    );
  }
  const known = partitionFlagNames(table);
  spec.flags.forEach((flag, index) => {
    const type = flagType(flag, table);
    if (!known.includes(flag)) {
      const message = partitionFlagNames('gpt').includes(flag)
        ? `partition "${spec.id}" has the flag "${flag}", which an MBR does not know`
        : `partition "${spec.id}" has the unknown flag "${flag}"`;
      report(`${path}.flags[${index}]`, message, `Use one of: ${known.join(', ')}.`);
    } else if (type !== undefined && !isOfType(spec, type)) {
      report(
        `${path}.flags[${index}]`,
        `the flag "${flag}" of partition "${spec.id}" says type ${type}, its ${field} says "${value}"`,
        `Set type: ${type}${spec.typeUuid === undefined ? '' : ' in place of typeUUID'}, or remove the flag.`,
      );
    }
  });
}

function checkPartition(placed: PlacedPartition, path: string, table: DiskSpec['partitionTable'], report: Report): void {
  const { spec } = placed;
  // An MBR has no names.
  if (table === 'gpt' && (spec.name || spec.id).length > MAX_NAME_UNITS) {
    report(
      `${path}.name`,
      `the name of partition "${spec.id}" is longer than ${MAX_NAME_UNITS} characters`,
      'Shorten it.',
      'ICT_DISK_LAYOUT',
    );
  }
  checkFilesystem(placed, path, report);
  checkMount(spec, path, report);
}

function checkFilesystem({ spec, sizeBytes }: PlacedPartition, path: string, report: Report): void {
  const { writing, labelBytes: limit, sizeProblem } = filesystemOf(spec);
  const label = spec.label ?? '';
  if (limit === undefined) {
    if (label !== '') {
      const without = writing.family === 'empty' ? 'no filesystem' : `the filesystem ${spec.filesystem}, which has none`;
      const hint = writing.family === 'empty' ? withoutFilesystem(spec, 'fsLabel') : 'Remove fsLabel.';
      report(`${path}.fsLabel`, `partition "${spec.id}" has a label but ${without}`, hint);
    }
  } else if (Buffer.byteLength(label) > limit)
    report(`${path}.fsLabel`, `the label "${label}" of partition "${spec.id}" is longer than ${limit} bytes`, 'Shorten it.');
  if (writing.family === 'fat' && label !== '' && !/^[A-Za-z0-9 _-]+$/u.test(label)) {
    report(
      `${path}.fsLabel`,
      `the FAT label "${label}" of partition "${spec.id}" has characters other than letters, digits, space, "_" and "-"`,
      'Leave them out.',
    );
  }
  if (hasControl(label)) report(`${path}.fsLabel`, `the label of partition "${spec.id}" has a control character`, 'Remove it.');
  if (sizeBytes <= 0) return;
  const unfit = sizeProblem(sizeBytes);
  if (unfit === undefined) return;
  const has = sizeBytes < 2 ** 20 ? `${sizeBytes / 1024} KiB` : mebibytes(sizeBytes);
  report(`${path}.end`, `partition "${spec.id}" is ${unfit.problem} for its filesystem: it has ${has}`, unfit.hint, 'ICT_DISK_LAYOUT');
}

/** What to do about a key that wants a filesystem, where there is none; a partition for what a BIOS starts can have none. */
function withoutFilesystem(spec: PartitionSpec, key: string): string {
  return isBiosPartition(spec) ? `Remove ${key}.` : `Give it an fsType, or remove ${key}.`;
}

/** Whether a mount option of btrfs names another subvolume than that which each has, 5. */
function isOfSubvolume(option: string): boolean {
  return /^subvol(?:id)?=/u.test(option) && !/^(?:subvol=\/|subvolid=0*[05])$/u.test(option);
}

function checkMount(spec: PartitionSpec, path: string, report: Report): void {
  if (/\s/u.test(spec.mountOptions ?? ''))
    report(`${path}.mountOptions`, `the mount options of partition "${spec.id}" have white space`, 'Separate options with commas only.');
  if (filesystemOf(spec).readOnly && spec.mountOptions?.split(',').includes('rw')) {
    report(
      `${path}.mountOptions`,
      `partition "${spec.id}" has the filesystem ${spec.filesystem}, which cannot be mounted rw`,
      'Remove rw, or use fsType: ext4.',
    );
  }
  const subvolume = filesystemOf(spec).writing.family === 'btrfs' ? spec.mountOptions?.split(',').find(isOfSubvolume) : undefined;
  if (subvolume !== undefined) {
    report(
      `${path}.mountOptions`,
      `the mount option ${subvolume} of partition "${spec.id}" asks for a subvolume, and its btrfs has none but the topmost`,
      'Remove the option.',
    );
  }
  if (isSwap(spec) && spec.mountPoint !== undefined && !['', 'none'].includes(spec.mountPoint))
    report(`${path}.mountPoint`, `partition "${spec.id}" is a swap area, which is not mounted anywhere`, 'Remove mountPoint.');
  const mountPoint = mountPointOf(spec);
  if (mountPoint === undefined) return;
  if (filesystemOf(spec).mountType === undefined)
    report(`${path}.mountPoint`, `partition "${spec.id}" has a mount point but no filesystem`, withoutFilesystem(spec, 'mountPoint'));
  if (!spec.mountPoint?.startsWith('/') || mountPoint.split('/').some((part) => part === '..' || part === '.')) {
    report(
      `${path}.mountPoint`,
      `the mount point "${spec.mountPoint}" of partition "${spec.id}" is not an absolute path`,
      'Write it as /path without "." or "..".',
    );
  }
  if (hasControl(mountPoint))
    report(`${path}.mountPoint`, `the mount point of partition "${spec.id}" has a control character`, 'Remove it.');
}

/** What the language of templates checks too: a format is also handed specifications that were never a template. */
function checkTogether(spec: ImageSpec, report: Report): void {
  const { partitions } = spec.disk;
  const repeated = (value: (partition: PartitionSpec) => string | undefined, field: string, what: string): void => {
    const seen = new Map<string, string>();
    partitions.forEach((partition, index) => {
      const text = value(partition);
      if (text === undefined) return;
      const first = seen.get(text);
      if (first === undefined) seen.set(text, partition.id);
      else
        report(
          `disk.partitions[${index}].${field}`,
          `partitions "${first}" and "${partition.id}" have the same ${what} "${text}"`,
          'Change one of them.',
          'ICT_DISK_LAYOUT',
        );
    });
  };
  repeated((partition) => partition.id, 'id', 'id');
  repeated(mountPointOf, 'mountPoint', 'mount point');
  if (spec.disk.partitionTable === 'mbr') repeated(({ flags }) => (flags.includes(ACTIVE_FLAG) ? ACTIVE_FLAG : undefined), 'flags', 'flag');
  const root = rootOf(spec);
  const esp = espOf(spec);
  if (root === undefined)
    report('disk.partitions', 'no partition is mounted at /', 'Add a partition with mountPoint: /.', 'ICT_DISK_LAYOUT');
  else if (!filesystemOf(root).holdsRoot) {
    report(
      `disk.partitions[${partitions.indexOf(root)}].fsType`,
      `the root partition "${root.id}" has the filesystem ${root.filesystem}, which cannot hold a system`,
      'Use ext4.',
    );
  }
  checkGrub(spec, report);
  if (esp === undefined && spec.system.bootloader.bootType === 'efi')
    report(
      'disk.partitions',
      'no partition is an EFI system partition',
      'Add a partition with type: esp and fsType: fat32.',
      'ICT_DISK_LAYOUT',
    );
  else if (esp !== undefined && !filesystemOf(esp).readByFirmware) {
    report(
      `disk.partitions[${partitions.indexOf(esp)}].fsType`,
      `the EFI system partition "${esp.id}" has the filesystem ${esp.filesystem}, which firmware cannot read`,
      'Use fat32.',
    );
  }
}

function checkGrowth(spec: ImageSpec, distribution: DistributionDefinition, report: Report): void {
  if (!grows(spec)) return;
  const problem = growthProblem(spec.disk.partitions);
  if (problem !== undefined) report(GROWTH_KEY, problem.message, problem.hint);
  if (isImmutable(spec)) report(GROWTH_KEY, 'the last partition cannot grow to fill the disk: the image is immutable', 'Remove the key.');
  if (distribution.boot.growthPackages !== undefined) return;
  report(
    GROWTH_KEY,
    `the definition of ${distribution.title} names no packages by which a system enlarges its partition`,
    'Add them under boot.growthPackages of the definition, or remove the key.',
    UNSUPPORTED_YET,
  );
}

/** GRUB reads its configuration, the kernel and the initrd where they lie in the tree. */
function checkGrub(spec: ImageSpec, report: Report): void {
  if (!usesGrub(spec)) return;
  const { partition } = locate(spec, GRUB_DIRECTORY);
  if (partition === undefined || filesystemOf(partition).grub !== undefined) return;
  const { mountType } = filesystemOf(partition);
  if (mountType === undefined) return; // told with its mount point
  report(
    `disk.partitions[${spec.disk.partitions.indexOf(partition)}].fsType`,
    `/boot lies on partition "${partition.id}", and GRUB cannot find the filesystem ${partition.filesystem}`,
    `Add a partition with mountPoint: /boot and fsType: ext4${startsByBios(spec) ? '' : ', or use provider: systemd-boot'}.`,
  );
}

function checkTools(spec: ImageSpec, distribution: DistributionDefinition, report: Report): void {
  for (const { capability, path } of requiredTools(spec)) {
    if (Object.hasOwn(distribution.tools.packages, capability)) continue;
    report(
      path,
      `the definition of ${distribution.title} names no packages for "${capability}", which this template needs`,
      'Add them under tools.packages of the definition, or change the template.',
      UNSUPPORTED_YET,
    );
  }
}

function hasControl(text: string): boolean {
  return /\p{Cc}/u.test(text);
}
