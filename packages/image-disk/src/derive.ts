import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobRef, BuildContext, Compression, Digest, Json } from '@ict/plugin-api';
import { compressFile, compressorIdentity } from './compress.js';
import { diskError } from './errors.js';
import { likelyData } from './likely-data.js';
import type { DiskLayout } from './partitions.js';
import { virtualDisks, type VirtualDiskType } from './virtual-disk.js';
import { settleIdentity } from './virtual-disk-identity.js';

/** Bumped when the functions of this file write other bytes for an equal key. */
export const DERIVE_VERSION = 1;

/** One cluster writer and fixed options, so that clusters lie in the order of the disk. */
function conversion(type: VirtualDiskType): readonly string[] {
  const { format, options } = virtualDisks[type];
  return ['convert', '-f', 'raw', '-O', format, '-m', '1', '-S', '4k', '-o', options];
}

/** Programs that write to their standard output: paths are arguments of a fixed script, never part of it. */
const COMPRESSORS: Readonly<Record<'xz' | 'bz2', string>> = {
  xz: 'exec xz -6 --check=crc64 --threads=2 --block-size=16MiB --stdout "$1" > "$2"',
  bz2: 'exec bzip2 -9 --stdout "$1" > "$2"',
};

/** Key of {@link convertDisk}. */
export function convertKey(raw: Digest, type: VirtualDiskType, name: string, ctx: BuildContext): Json {
  const key = { raw, tools: ctx.tools.digest, arguments: conversion(type) };
  return type === 'vmdk' ? { ...key, name: extentName(name) } : key;
}

/**
 * A raw disk in the format of a virtual machine, by qemu-img of the tools tree.
 *
 * @param name of the file without its extension: a vmdk repeats it
 * @throws `ICT_DISK_BLOB_GONE` when the raw disk is no longer in the cache; `ICT_DISK_CONVERSION`
 */
export function convertDisk(raw: Digest, type: VirtualDiskType, name: string, ctx: BuildContext): Promise<BlobRef> {
  return derive(raw, ctx, async (source, directory) => {
    const result = type === 'vmdk' ? extentName(name) : 'result';
    await runTool(['qemu-img', ...conversion(type), '/in', `/out/${result}`], source, directory, ctx);
    await settleIdentity(type, join(directory, result), raw);
    return result;
  });
}

/** The name as it may stand in quotation marks in a descriptor. */
function extentName(name: string): string {
  return `${name.replaceAll(/[^\w.-]/g, '_')}.vmdk`;
}

/** Key of {@link compress}. */
export function compressKey(plain: Digest, compression: Compression, ctx: BuildContext): Json {
  if (compression === 'gz' || compression === 'zstd') return { plain, compressor: compressorIdentity(compression) };
  return { plain, tools: ctx.tools.digest, compressor: COMPRESSORS[compression] };
}

/**
 * A blob compressed: gzip and zstd by Node, xz and bzip2 by programs of the tools tree.
 *
 * @param layout of the disk when the blob is a raw one, so that its holes need not be read; it does not change the result.
 * @throws `ICT_DISK_BLOB_GONE` when the blob is no longer in the cache.
 */
export function compress(plain: Digest, compression: Compression, layout: DiskLayout | undefined, ctx: BuildContext): Promise<BlobRef> {
  return derive(plain, ctx, async (source, directory) => {
    if (compression === 'gz' || compression === 'zstd') {
      const data = layout === undefined ? undefined : await likelyData(source, layout);
      await compressFile(compression, source, join(directory, 'result'), data, ctx.signal);
    } else await runTool(['sh', '-c', COMPRESSORS[compression], 'sh', '/in', '/out/result'], source, directory, ctx);
    return 'result';
  });
}

async function runTool(argv: readonly string[], source: string, directory: string, ctx: BuildContext): Promise<void> {
  await ctx.tools.run({
    argv,
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', TZ: 'UTC', SOURCE_DATE_EPOCH: `${ctx.epochSeconds}` },
    mounts: [
      { source, at: '/in' },
      { source: directory, at: '/out', writable: true },
    ],
  });
}

/** Stores what `make` leaves in its directory; it returns the name of the file. */
async function derive(from: Digest, ctx: BuildContext, make: (source: string, directory: string) => Promise<string>): Promise<BlobRef> {
  const source = await ctx.blobs.path(from);
  if (source === undefined) {
    throw diskError('ICT_DISK_BLOB_GONE', {
      message: `the disk ${from} disappeared from the cache, or was damaged, while the build ran`,
      hint: 'Run the build again; it makes the disk anew.',
      facts: { digest: from },
    });
  }
  const directory = await mkdtemp(join(ctx.temporary, 'derive-'));
  try {
    return await ctx.blobs.putFile(join(directory, await make(source, directory)));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
