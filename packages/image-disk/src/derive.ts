import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BlobRef, BuildContext, Compression, Digest, Json } from '@ict/plugin-api';
import { compressFile, compressorIdentity } from './compress.js';
import { diskError } from './errors.js';
import { likelyData } from './likely-data.js';
import type { DiskLayout } from './partitions.js';

/** Bumped when the functions of this file write other bytes for an equal key. */
export const DERIVE_VERSION = 1;

/** One cluster writer and fixed options, so that clusters lie in the order of the disk. */
const QCOW2_ARGUMENTS = [
  'convert',
  '-f',
  'raw',
  '-O',
  'qcow2',
  '-m',
  '1',
  '-S',
  '4k',
  '-o',
  'compat=1.1,cluster_size=65536,lazy_refcounts=off',
];

/** Programs that write to their standard output: paths are arguments of a fixed script, never part of it. */
const COMPRESSORS: Readonly<Record<'xz' | 'bz2', string>> = {
  xz: 'exec xz -6 --check=crc64 --threads=2 --block-size=16MiB --stdout "$1" > "$2"',
  bz2: 'exec bzip2 -9 --stdout "$1" > "$2"',
};

/** Key of {@link convertToQcow2}. */
export function convertKey(raw: Digest, ctx: BuildContext): Json {
  return { raw, tools: ctx.tools.digest, arguments: QCOW2_ARGUMENTS };
}

/** A raw disk as qcow2, by qemu-img of the tools tree. @throws `ICT_DISK_BLOB_GONE` when the raw disk is no longer in the cache. */
export function convertToQcow2(raw: Digest, ctx: BuildContext): Promise<BlobRef> {
  return derive(raw, ctx, async (source, directory) => {
    await runTool(['qemu-img', ...QCOW2_ARGUMENTS, '/in', '/out/result'], source, directory, ctx);
  });
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
      return compressFile(compression, source, join(directory, 'result'), data, ctx.signal);
    }
    await runTool(['/bin/sh', '-c', COMPRESSORS[compression], 'sh', '/in', '/out/result'], source, directory, ctx);
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

async function derive(from: Digest, ctx: BuildContext, make: (source: string, directory: string) => Promise<void>): Promise<BlobRef> {
  const source = await ctx.blobs.path(from);
  if (source === undefined) {
    throw diskError('ICT_DISK_BLOB_GONE', {
      message: `The disk ${from} disappeared from the cache, or was damaged, while the build ran`,
      hint: 'Run the build again; it makes the disk anew.',
      facts: { digest: from },
    });
  }
  const directory = await mkdtemp(join(ctx.temporary, 'derive-'));
  try {
    await make(source, directory);
    return await ctx.blobs.putFile(join(directory, 'result'));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
