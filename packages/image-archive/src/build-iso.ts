import { createReadStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import {
  ESP_TYPE_GUID,
  FAT_VERSION,
  SECTOR_BYTES,
  deriveBlob,
  diskGuid,
  encodeFat,
  encodeGpt,
  findSystemdBoot,
  partitionIdentity,
  renderBootEntry,
  renderLoaderConfig,
  storedBlob,
  writeFully,
  type PlacedBytes,
} from '@ict/image-parts';
import type { BlobRef, BuildContext, ContentPlace, FormatArtifact, ImageInput, Json, StepRunner, TreePath } from '@ict/plugin-api';
import { archiveImageError } from './errors.js';
import { buildInitrdArchives } from './initrd-archive.js';
import { ISO_BLOCK_BYTES, ISO_LABEL_CHARACTERS, encodeIso9660 } from './iso-9660.js';
import { layOutIso, type IsoContent, type IsoLayout } from './iso-layout.js';
import { newestKernel } from './newest-kernel.js';

/** Bumped when the image of an equal key gets other bytes. */
export const ISO_VERSION = 1;

/** Names that FAT and ISO 9660 both hold as they are: whoever copies the files of the disc to a stick gets one that starts. */
const KERNEL = '/live/vmlinuz';
const INITRD = '/live/initrd.img';
const ENTRY = 'live.conf';
/** Identifies the partition among those of a lock. */
const ESP = 'esp';
/** What an entry of a FAT, and a record of ISO 9660, can count. */
const MAX_FILE_BYTES = 2 ** 32 - 1;
const COPIED_AT_A_TIME = 1024 * 1024;

/** Makes the ISO image of a prepared tree. */
export async function buildIso(input: ImageInput, steps: StepRunner, ctx: BuildContext): Promise<readonly FormatArtifact[]> {
  const [asked = { type: 'iso' as const }] = input.spec.disk.artifacts;
  const { compression = 'gz' } = asked;
  const [initrd] = (await buildInitrdArchives(input, [{ type: 'cpio', compression }], steps, ctx)) as [FormatArtifact];
  const blob = await storedBlob(steps, 'iso.assemble', ISO_VERSION, isoKey(input, initrd.blob, ctx), () =>
    assembleIso(input, initrd.blob, ctx),
  );
  return [{ spec: asked, extension: 'iso', blob }];
}

/** Everything that shapes the bytes of an image. */
function isoKey({ spec, distribution, tree, seed }: ImageInput, initrd: BlobRef, ctx: BuildContext): Json {
  return {
    fat: FAT_VERSION,
    initrd: initrd.digest,
    tree: tree.layers.map((layer) => layer.digest),
    epochSeconds: ctx.epochSeconds,
    label: volumeLabel(spec.image.name),
    diskGuid: diskGuid(seed),
    identity: { ...partitionIdentity(seed, ESP) },
    os: spec.target.os,
    arch: spec.target.arch,
    title: distribution.title,
    options: spec.system.kernel.cmdline,
    kernel: distribution.boot.kernel,
    loader: distribution.boot.loaders['systemd-boot']?.efi,
  };
}

/** A name in the characters that a volume's label may have. */
function volumeLabel(name: string): string {
  return name
    .toUpperCase()
    .replaceAll(/[^A-Z0-9_]/gu, '_')
    .slice(0, ISO_LABEL_CHARACTERS);
}

/** @throws `ICT_IMAGE_BOOT_FILES` without kernel or loader; `ICT_IMAGE_FILE_TOO_LARGE` for an initrd of 4 GiB and more. */
async function assembleIso(input: ImageInput, initrd: BlobRef, ctx: BuildContext): Promise<BlobRef> {
  ctx.emit({ type: 'image.progress', artifact: 'iso', action: 'write' });
  const layout = layOutIso(await isoContents(input, initrd, ctx));
  return deriveBlob(initrd.digest, ctx, async (source, directory) => {
    const file = join(directory, 'image.iso');
    await using image = await open(file, 'wx');
    await image.truncate(layout.sizeBytes);
    for (const { offsetBytes, bytes } of encodeTables(input, layout, ctx.epochSeconds)) await writeFully(image, bytes, offsetBytes);
    const ofTree: ContentPlace[] = [];
    for (const [{ from }, offsetBytes] of layout.offsets) {
      if ('path' in from) ofTree.push({ path: from.path as TreePath, offsetBytes });
      else if ('text' in from) await writeFully(image, Buffer.from(from.text), offsetBytes);
      else await copyTo(image, source, offsetBytes, ctx.signal);
    }
    await ctx.trees.place(input.tree, ofTree, file);
    return 'image.iso';
  });
}

/** What firmware, loader and kernel read. */
async function isoContents({ spec, distribution, tree }: ImageInput, initrd: BlobRef, ctx: BuildContext): Promise<readonly IsoContent[]> {
  if (initrd.sizeBytes > MAX_FILE_BYTES) {
    throw archiveImageError('ICT_IMAGE_FILE_TOO_LARGE', {
      message: `the initrd of the ISO image has ${initrd.sizeBytes} bytes, compressed, and must have less than 4 GiB`,
      hint: 'Install fewer packages, use "compression: zstd" or "compression: xz" under disk.artifacts, or use imageType: raw.',
      facts: { sizeBytes: initrd.sizeBytes, maxBytes: MAX_FILE_BYTES },
    });
  }
  const { kernel, loader } = await ctx.trees.inspect(tree, async (session) => ({
    kernel: await newestKernel(session, distribution),
    loader: await findSystemdBoot(session, distribution, spec.target),
  }));
  if (loader === undefined) {
    const message = `systemd-boot is not known for ${distribution.title} on ${spec.target.arch}`;
    throw archiveImageError('ICT_IMAGE_UNSUPPORTED', { message, hint: 'Use imageType: raw or img.' });
  }
  const entry = renderBootEntry({
    title: distribution.title,
    version: kernel.version,
    sortKey: spec.target.os,
    linux: KERNEL,
    initrd: INITRD,
    options: spec.system.kernel.cmdline,
  });
  const text = (target: string, content: string): IsoContent => ({
    target,
    sizeBytes: Buffer.byteLength(content),
    from: { text: content },
  });
  return [
    { target: loader.removable, sizeBytes: loader.efi.sizeBytes, from: { path: loader.efi.path } },
    { target: KERNEL, sizeBytes: kernel.file.sizeBytes, from: { path: kernel.file.path } },
    { target: INITRD, sizeBytes: initrd.sizeBytes, from: { initrd: true } },
    text(`/loader/entries/${ENTRY}`, entry),
    text('/loader/loader.conf', renderLoaderConfig(1, ENTRY)),
  ];
}

/** All but the contents of files: partition tables, ISO 9660 and FAT. */
function encodeTables({ spec, seed }: ImageInput, layout: IsoLayout, epochSeconds: number): readonly PlacedBytes[] {
  const { espOffset, espBytes, sizeBytes, offsets } = layout;
  const { partitionUuid, volumeId } = partitionIdentity(seed, ESP);
  const gpt = encodeGpt({
    diskGuid: diskGuid(seed),
    sectors: sizeBytes / SECTOR_BYTES,
    partitions: [
      {
        typeGuid: ESP_TYPE_GUID,
        partitionGuid: partitionUuid,
        firstLba: espOffset / SECTOR_BYTES,
        lastLba: (espOffset + espBytes) / SECTOR_BYTES - 1,
        attributes: 0n,
        name: ESP,
      },
    ],
  });
  const iso = encodeIso9660({
    label: volumeLabel(spec.image.name),
    blocks: (espOffset + espBytes) / ISO_BLOCK_BYTES,
    files: [...offsets].map(([file, at]) => ({ path: file.target, firstBlock: at / ISO_BLOCK_BYTES, sizeBytes: file.sizeBytes })),
    efiBlock: espOffset / ISO_BLOCK_BYTES,
    epochSeconds,
  });
  const fat = encodeFat(layout.fat, { volumeId, hiddenSectors: espOffset / SECTOR_BYTES }, epochSeconds);
  return [
    { offsetBytes: 0, bytes: gpt.primary },
    { offsetBytes: gpt.backupOffset, bytes: gpt.backup },
    ...iso,
    ...fat.map(({ offsetBytes, bytes }) => ({ offsetBytes: espOffset + offsetBytes, bytes })),
  ];
}

async function copyTo(image: FileHandle, source: string, offsetBytes: number, signal: AbortSignal): Promise<void> {
  let at = offsetBytes;
  for await (const piece of createReadStream(source, { highWaterMark: COPIED_AT_A_TIME, signal }) as AsyncIterable<Buffer>) {
    await writeFully(image, piece, at);
    at += piece.length;
  }
}
