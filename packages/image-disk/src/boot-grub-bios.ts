import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFully } from '@ict/image-parts';
import type { BuildContext, ImageInput, ImageSpec } from '@ict/plugin-api';
import { grubModules, grubNames, makeGrubImage } from './boot-grub.js';
import { diskError } from './errors.js';
import { placeBootCode, type CorePlace } from './grub-boot-code.js';
import { biosPartitionOf } from './partition-roles.js';
import type { DiskLayout } from './partitions.js';

/** Bumped when the same input gives other bytes. */
export const BIOS_GRUB_VERSION = 1;

/** GRUB's name of machines that a BIOS starts. */
const PLATFORM = 'i386-pc';
/** The sector behind the boot sector: where the gap of an MBR begins. */
const GAP_LBA = 1;

/** Modules inside the core image: the same as for UEFI, and the one that reads disks by the BIOS. */
export function biosModules(spec: Pick<ImageSpec, 'disk'>): readonly string[] {
  return ['biosdisk', ...grubModules(spec)];
}

/** Where the core image goes: into the BIOS boot partition of a GPT, or between an MBR and the first partition. */
function corePlace(spec: ImageSpec, { partitions }: DiskLayout): CorePlace {
  if (spec.disk.partitionTable === 'mbr')
    return { firstLba: GAP_LBA, sectors: Math.min(...partitions.map(({ firstLba }) => firstLba)) - GAP_LBA };
  const partition = biosPartitionOf(spec);
  const placed = partitions.find((one) => one.spec === partition);
  // Refused with the template, if there was one.
  if (placed === undefined)
    throw diskError('ICT_DISK_UNSUPPORTED', { message: 'a disk with a GPT needs a BIOS boot partition to be started by a BIOS' });
  return { firstLba: placed.firstLba, sectors: placed.lastLba - placed.firstLba + 1 };
}

/**
 * Writes what a BIOS starts into a disk image that has its partition table: GRUB's boot sector around that, and its core image.
 *
 * @param directory host directory of the disk image, for temporary files.
 * @param file path of the disk image.
 * @throws `ICT_DISK_NO_SPACE` when the core image is larger than its place; `ICT_IMAGE_BOOT_PROGRAM` for boot images that are not GRUB's; what the tools throw.
 */
export async function writeBiosGrub(
  input: ImageInput,
  layout: DiskLayout,
  directory: string,
  file: string,
  ctx: BuildContext,
): Promise<void> {
  const stage = join(directory, 'stage-bios');
  await mkdir(stage);
  await makeGrubImage(input, { platform: PLATFORM, modules: biosModules(input.spec), stage, target: '/core.img' }, directory, ctx);
  const images = {
    boot: await ctx.tools.read(`${grubNames(input.distribution).modules}/${PLATFORM}/boot.img`),
    core: await readFile(join(stage, 'core.img')),
  };
  await using disk = await open(file, 'r+');
  for (const { offsetBytes, bytes } of placeBootCode(images, corePlace(input.spec, layout))) await writeFully(disk, bytes, offsetBytes);
}
