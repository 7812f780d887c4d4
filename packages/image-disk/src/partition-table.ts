import { open } from 'node:fs/promises';
import type { ImageInput, ImageSpec, PartitionSpec } from '@ict/plugin-api';
import {
  diskGuid,
  diskSignature,
  encodeGpt,
  encodeMbr,
  mbrPartitionType,
  partitionIdentity,
  partitionTypeGuid,
  partitionTypeName,
  writeFully,
  type GptTable,
  type MbrTable,
} from '@ict/image-parts';
import { GRUB_DIRECTORY } from './boot-grub.js';
import { locate } from './mount-points.js';
import { ACTIVE_FLAG, partitionAttributes } from './partition-flags.js';
import { startsByBios } from './partition-roles.js';
import type { DiskLayout } from './partitions.js';

/** Writes the partition table of a disk image, of a GPT both copies. */
export async function writePartitionTable(path: string, input: Pick<ImageInput, 'spec' | 'seed'>, layout: DiskLayout): Promise<void> {
  await using file = await open(path, 'r+');
  if (input.spec.disk.partitionTable === 'mbr') {
    await writeFully(file, encodeMbr(mbrTable(input, layout)), 0);
    return;
  }
  const { primary, backup, backupOffset } = encodeGpt(gptTable(input, layout));
  await writeFully(file, primary, 0);
  await writeFully(file, backup, backupOffset);
}

function gptTable({ seed }: Pick<ImageInput, 'seed'>, { sectors, partitions }: DiskLayout): GptTable {
  return {
    diskGuid: diskGuid(seed),
    sectors,
    partitions: partitions.map(({ spec, firstLba, lastLba }) => ({
      // A type without a GUID was refused by the format's check; encodeGpt throws on the empty text.
      typeGuid: spec.typeUuid ?? partitionTypeGuid(spec.type) ?? '',
      partitionGuid: partitionIdentity(seed, spec.id).partitionUuid,
      firstLba,
      lastLba,
      attributes: partitionAttributes(spec.flags),
      name: spec.name || spec.id,
    })),
  };
}

function mbrTable({ spec, seed }: Pick<ImageInput, 'spec' | 'seed'>, { partitions }: DiskLayout): MbrTable {
  const active = activePartition(spec);
  return {
    signature: diskSignature(seed),
    partitions: partitions.map(({ spec: partition, firstLba, lastLba }) => ({
      // A type without a byte was refused by the format's check; encodeMbr throws on 0.
      type: mbrTypeOf(partition) ?? 0,
      isActive: partition === active,
      firstLba,
      lastLba,
    })),
  };
}

/** The byte by which an MBR knows the type of a partition; undefined when it has none. */
export function mbrTypeOf({ type, typeUuid }: PartitionSpec): number | undefined {
  const name = typeUuid === undefined ? type : partitionTypeName(typeUuid.toUpperCase());
  return name === undefined ? undefined : mbrPartitionType(name);
}

/**
 * The partition that an MBR marks as active: that with the flag, or else, on a disk that a BIOS starts, that with GRUB's files. GRUB does not ask for it, but there are BIOSes that start
 * no disk without one.
 */
function activePartition(spec: ImageSpec): PartitionSpec | undefined {
  const flagged = spec.disk.partitions.find(({ flags }) => flags.includes(ACTIVE_FLAG));
  return flagged ?? (startsByBios(spec) ? locate(spec, GRUB_DIRECTORY).partition : undefined);
}
