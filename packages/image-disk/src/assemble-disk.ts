import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ContentHasher, digestOf, type ContentIdentity } from '@ict/integrity';
import type { BlobRef, BuildContext, ImageInput, Json } from '@ict/plugin-api';
import {
  AUTHENTICODE_VERSION,
  SECTOR_BYTES,
  diskGuid,
  diskSignature,
  partitionIdentity,
  partitionTypeGuid,
  readPieces,
  FAT_VERSION,
  UNIFIED_IMAGE_VERSION,
} from '@ict/image-parts';
import { GRUB_MODULES, GRUB_VERSION, earlyConfig } from './boot-grub.js';
import { BIOS_GRUB_VERSION, biosModules, writeBiosGrub } from './boot-grub-bios.js';
import { certificateOf } from './boot-signing.js';
import { kernelOptions } from './boot-menu.js';
import { isImmutable, withRootHash } from './immutability.js';
import { planVerity } from './verity-plan.js';
import { mountPointOf } from './mount-points.js';
import { diskError } from './errors.js';
import { BTRFS_VERSION } from './filesystem-btrfs.js';
import { EXT_VERSION, MKE2FS_CONF } from './filesystem-ext.js';
import { READ_ONLY_VERSION } from './filesystem-read-only.js';
import { XFS_VERSION } from './filesystem-xfs.js';
import { fillPartition } from './fill-partition.js';
import type { FilesystemWriting } from './filesystems.js';
import { likelyData } from './likely-data.js';
import { divideTree, usesGrub, withBootFiles } from './partition-content.js';
import { rootOf, startsByBios } from './partition-roles.js';
import { writePartitionTable } from './partition-table.js';
import { layoutDisk, type DiskLayout, type PlacedPartition } from './partitions.js';
import { VERITY_VERSION, writeVerityTree } from './verity-tree.js';

/** Bumped when {@link assembleDisk} writes other bytes for an equal key. */
export const ASSEMBLE_VERSION = 1;

const DISK_FILE = 'disk.raw';
/** Read and hashed at a time: what is larger falls out of the processor's caches on the way. */
const PIECE_BYTES = 256 * 1024;

/** Versions of what writes filesystems, by family; undefined for what needs none, as {@link ASSEMBLE_VERSION} counts for it. */
const WRITER_VERSIONS: Readonly<Record<FilesystemWriting['family'], number | undefined>> = {
  ext: EXT_VERSION,
  btrfs: BTRFS_VERSION,
  xfs: XFS_VERSION,
  fat: FAT_VERSION,
  'read-only': READ_ONLY_VERSION,
  swap: undefined,
  empty: undefined,
};

/** Everything that shapes the bytes of a disk: the key of its step. */
export function assembleKey(input: ImageInput, ctx: BuildContext): Json {
  const { spec, distribution, seed } = input;
  const layout = layoutDisk(spec.disk);
  const verity = planVerity(input, layout);
  return {
    versions: { ...WRITER_VERSIONS, grub: GRUB_VERSION },
    tree: input.tree.layers.map((layer) => layer.digest),
    tools: ctx.tools.digest,
    epochSeconds: ctx.epochSeconds,
    sectors: layout.sectors,
    diskGuid: diskGuid(seed),
    ...(spec.disk.partitionTable === 'mbr' ? { table: { type: 'mbr', signature: diskSignature(seed) } } : {}),
    partitions: layout.partitions.map(({ spec: partition, firstLba, lastLba }) => ({
      id: partition.id,
      name: partition.name || partition.id,
      type: partition.typeUuid ?? partitionTypeGuid(partition.type),
      flags: [...partition.flags].sort(),
      filesystem: partition.filesystem,
      label: partition.label,
      mountPoint: mountPointOf(partition),
      firstLba,
      lastLba,
      identity: { ...partitionIdentity(seed, partition.id) },
    })),
    boot: {
      provider: spec.system.bootloader.provider,
      os: spec.target.os,
      arch: spec.target.arch,
      title: distribution.title,
      options: kernelOptions(input),
      kernel: distribution.boot.kernel,
      initrd: distribution.boot.initrd,
      loader: distribution.boot.loaders['systemd-boot']?.efi,
      ...(spec.system.kernel.unifiedImage === true
        ? { unified: { stub: distribution.boot.loaders['systemd-boot']?.stub, version: UNIFIED_IMAGE_VERSION } }
        : {}),
      ...(spec.system.secureBoot === undefined
        ? {}
        : { signed: { certificate: digestOf(certificateOf(spec.system.secureBoot)), version: AUTHENTICODE_VERSION } }),
      ...(startsByBios(spec) ? { bios: { version: BIOS_GRUB_VERSION, modules: [...biosModules(spec)] } } : {}),
      ...(usesGrub(spec)
        ? { grub: { early: earlyConfig(spec, seed), modules: [...GRUB_MODULES], names: { ...distribution.tools.grub } } }
        : {}),
    },
    ...(verity === undefined
      ? {}
      : {
          verity: {
            version: VERITY_VERSION,
            hashPartition: spec.system.immutability?.hashPartition,
            uuid: verity.uuid,
            salt: Buffer.from(verity.salt).toString('hex'),
          },
        }),
    mke2fsConf: MKE2FS_CONF,
  };
}

/**
 * Makes the whole disk in one sparse file: every filesystem is written at its place, so that nothing is copied, and the partition
 * tables last. Filesystems are made at the same time; those of an immutable image when the root and its hash tree are there, as the boot
 * files say what the root hash is.
 *
 * @throws `ICT_DISK_NO_SPACE`, `ICT_IMAGE_BOOT_FILES`, `ICT_IMAGE_BOOT_PROGRAM`, `ICT_DISK_MOUNT_POINT`, `ICT_DISK_FAT_FILE`, `ICT_DISK_EXT_FILE`, `ICT_DISK_BTRFS_FILE`,
 *   `ICT_DISK_XFS_FILE`, `ICT_DISK_READ_ONLY_FILE`, `ICT_DISK_FILESYSTEM`, `ICT_DISK_UNSUPPORTED`, and what the tools throw.
 */
export async function assembleDisk(input: ImageInput, ctx: BuildContext): Promise<BlobRef> {
  const layout = layoutDisk(input.spec.disk);
  let content = await divideTree(input, ctx);
  const directory = await mkdtemp(join(ctx.temporary, 'disk-'));
  try {
    const file = join(directory, DISK_FILE);
    await writeFile(file, '');
    await truncate(file, layout.sectors * SECTOR_BYTES);
    const fill = async (partitions: readonly PlacedPartition[]): Promise<void> => {
      const disk = { input, content, directory, file: DISK_FILE };
      const outcomes = await Promise.allSettled(partitions.map((placed) => fillPartition(placed, disk, ctx)));
      const failure = outcomes.find((outcome) => outcome.status === 'rejected');
      if (failure !== undefined) throw failure.reason;
    };
    const verity = planVerity(input, layout);
    if (verity === undefined && isImmutable(input.spec)) {
      // Refused with the template, if there was one.
      throw diskError('ICT_DISK_UNSUPPORTED', { message: 'an immutable image needs a partition for the hashes of its root' });
    }
    const first = verity === undefined ? [] : layout.partitions.filter(({ spec }) => spec === rootOf(input.spec));
    await fill(first);
    if (verity !== undefined) {
      const likely = await likelyData(file, { sectors: layout.sectors, partitions: first });
      const rootHash = await writeVerityTree({ ...verity, file, likelyData: likely }, ctx.signal);
      content = await withBootFiles(content, withRootHash(input, rootHash), ctx);
    }
    await fill(layout.partitions.filter((placed) => !first.includes(placed)));
    await writePartitionTable(file, input, layout);
    if (startsByBios(input.spec)) await writeBiosGrub(input, layout, directory, file, ctx);
    ctx.signal.throwIfAborted();
    return await ctx.blobs.putFile(file, await identify(file, layout, ctx.signal));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Digest and size of a disk, read without filling memory with its holes. */
async function identify(file: string, layout: DiskLayout, signal: AbortSignal): Promise<ContentIdentity> {
  const hasher = new ContentHasher();
  const pieces = readPieces(file, PIECE_BYTES, await likelyData(file, layout), signal, Buffer.allocUnsafeSlow(PIECE_BYTES));
  for await (const piece of pieces) hasher.update(piece);
  return hasher.finish();
}
