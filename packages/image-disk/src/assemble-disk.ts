import { mkdir, mkdtemp, open, rm, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ContentHasher, type ContentIdentity } from '@ict/integrity';
import type { BlobRef, BuildContext, ImageInput, Json } from '@ict/plugin-api';
import { SECTOR_BYTES, diskGuid, encodeGpt, partitionIdentity, readPieces, writeFully, type GptTable, FAT_VERSION } from '@ict/image-parts';
import { GRUB_MODULES, GRUB_VERSION, earlyConfig, grubImage } from './boot-grub.js';
import { isEsp, kernelOptions } from './boot-files.js';
import { EXT_VERSION, MKE2FS_CONF, writeExt } from './filesystem-ext.js';
import { writeFat, type FatFile } from './filesystem-fat.js';
import { extKind, fatWidth } from './filesystem-kinds.js';
import { mountPointOf } from './fstab.js';
import { likelyData } from './likely-data.js';
import { divideTree, usesGrub, type DiskContent, type FatContent } from './partition-content.js';
import { partitionAttributes } from './partition-flags.js';
import { partitionTypeGuid } from './partition-types.js';
import { layoutDisk, type DiskLayout, type PlacedPartition } from './partitions.js';
import { encodeSwapHeader } from './swap.js';

/** Bumped when {@link assembleDisk} writes other bytes for an equal key. */
export const ASSEMBLE_VERSION = 1;

const DISK_FILE = 'disk.raw';
/** Read and hashed at a time: what is larger falls out of the processor's caches on the way. */
const PIECE_BYTES = 256 * 1024;

/** Everything that shapes the bytes of a disk: the key of its step. */
export function assembleKey(input: ImageInput, ctx: BuildContext): Json {
  const { spec, distribution, seed } = input;
  const layout = layoutDisk(spec.disk);
  return {
    versions: { ext: EXT_VERSION, fat: FAT_VERSION, grub: GRUB_VERSION },
    tree: input.tree.layers.map((layer) => layer.digest),
    tools: ctx.tools.digest,
    epochSeconds: ctx.epochSeconds,
    sectors: layout.sectors,
    diskGuid: diskGuid(seed),
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
      ...(usesGrub(spec)
        ? { grub: { early: earlyConfig(spec, seed), modules: [...GRUB_MODULES], names: { ...distribution.tools.grub } } }
        : {}),
    },
    mke2fsConf: MKE2FS_CONF,
  };
}

/**
 * Makes the whole disk in one sparse file: every filesystem is written at its place, so that nothing is copied, and the partition
 * tables last. Filesystems are made at the same time.
 *
 * @throws `ICT_DISK_NO_SPACE`, `ICT_IMAGE_BOOT_FILES`, `ICT_DISK_MOUNT_POINT`, `ICT_DISK_FAT_FILE`, `ICT_DISK_EXT_FILE`, `ICT_DISK_FILESYSTEM`, and
 *   what the tools throw.
 */
export async function assembleDisk(input: ImageInput, ctx: BuildContext): Promise<BlobRef> {
  const layout = layoutDisk(input.spec.disk);
  const content = await divideTree(input, ctx);
  const directory = await mkdtemp(join(ctx.temporary, 'disk-'));
  try {
    const file = join(directory, DISK_FILE);
    await writeFile(file, '');
    await truncate(file, layout.sectors * SECTOR_BYTES);
    const outcomes = await Promise.allSettled(layout.partitions.map((placed) => fillPartition(input, placed, content, directory, ctx)));
    const failure = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failure !== undefined) throw failure.reason;
    await writeTables(file, gptTable(input, layout));
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

/** The partition table of a layout. */
export function gptTable(input: Pick<ImageInput, 'seed'>, layout: DiskLayout): GptTable {
  return {
    diskGuid: diskGuid(input.seed),
    sectors: layout.sectors,
    partitions: layout.partitions.map(({ spec, firstLba, lastLba }) => ({
      // A type without a GUID was refused by the format's check; encodeGpt throws on the empty text.
      typeGuid: spec.typeUuid ?? partitionTypeGuid(spec.type) ?? '',
      partitionGuid: partitionIdentity(input.seed, spec.id).partitionUuid,
      firstLba,
      lastLba,
      attributes: partitionAttributes(spec.flags),
      name: spec.name || spec.id,
    })),
  };
}

async function writeTables(path: string, table: GptTable): Promise<void> {
  const { primary, backup, backupOffset } = encodeGpt(table);
  await using file = await open(path, 'r+');
  await writeFully(file, primary, 0);
  await writeFully(file, backup, backupOffset);
}

async function fillPartition(
  input: ImageInput,
  placed: PlacedPartition,
  content: DiskContent,
  directory: string,
  ctx: BuildContext,
): Promise<void> {
  const { spec, offsetBytes, sizeBytes } = placed;
  const identity = partitionIdentity(input.seed, spec.id);
  const place = {
    partition: spec.id,
    identity,
    directory,
    file: DISK_FILE,
    offsetBytes,
    sizeBytes,
    ...(spec.label ? { label: spec.label } : {}),
  };
  const kind = extKind(spec);
  const width = fatWidth(spec, sizeBytes);
  ctx.emit({ type: 'image.progress', artifact: spec.id, action: `${spec.filesystem} filesystem` });
  if (kind !== undefined) {
    const tree = content.trees.get(spec.id);
    await writeExt({ ...place, kind, tree: tree ?? { layers: [] }, root: tree === undefined ? '/' : (mountPointOf(spec) ?? '/') }, ctx);
    ctx.emit({ type: 'image.progress', artifact: spec.id, action: `${spec.filesystem} filesystem written` });
  } else if (width !== undefined) {
    const stage = join(directory, `stage-${offsetBytes}`);
    await mkdir(stage);
    const fat = content.fats.get(spec.id) ?? { texts: {}, copies: {}, directories: [] };
    const files = await stageFiles(fat, stage);
    if (usesGrub(input.spec) && isEsp(spec) && spec === input.spec.disk.partitions.find(isEsp)) {
      const image = await grubImage(input, stage, directory, ctx);
      const target = image.target.toLowerCase();
      files.splice(0, files.length, ...files.filter((file) => file.target.toLowerCase() !== target), image);
    }
    await writeFat({ ...place, width, tree: input.tree, stage, files, directories: fat.directories }, ctx);
  } else if (spec.filesystem === 'linux-swap') {
    await using file = await open(join(directory, DISK_FILE), 'r+');
    const header = encodeSwapHeader(sizeBytes, identity.filesystemUuid, spec.label);
    await writeFully(file, header, offsetBytes);
  }
}

/** Writes the texts below `stage`, and lists every file of the filesystem. */
async function stageFiles(fat: FatContent, stage: string): Promise<FatFile[]> {
  const files: FatFile[] = Object.entries(fat.copies).map(([target, { path, sizeBytes }]) => ({
    target,
    from: 'tree',
    source: path,
    sizeBytes,
  }));
  for (const [target, text] of Object.entries(fat.texts)) {
    const file = join(stage, target);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
    files.push({ target, from: 'stage', source: target, sizeBytes: Buffer.byteLength(text) });
  }
  return files;
}
