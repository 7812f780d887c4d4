import { join } from 'node:path';
import type { BlobRef, BuildContext, Compression, Digest, Json } from '@ict/plugin-api';
import { compressFile, compressorIdentity } from './compress-in-pieces.js';
import { deriveBlob, runTool } from './derived-blob.js';
import { likelyData } from './likely-data.js';
import type { DiskLayout } from './partitions.js';

/** Programs that write to their standard output: paths are arguments of a fixed script, never part of it. */
const COMPRESSORS: Readonly<Record<'xz' | 'bz2', string>> = {
  xz: 'exec xz -6 --check=crc64 --threads=2 --block-size=16MiB --stdout "$1" > "$2"',
  bz2: 'exec bzip2 -9 --stdout "$1" > "$2"',
};

/** Key of {@link compressArtifact}. */
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
export function compressArtifact(
  plain: Digest,
  compression: Compression,
  layout: DiskLayout | undefined,
  ctx: BuildContext,
): Promise<BlobRef> {
  return deriveBlob(plain, ctx, async (source, directory) => {
    if (compression === 'gz' || compression === 'zstd') {
      const data = layout === undefined ? undefined : await likelyData(source, layout);
      await compressFile(compression, source, join(directory, 'result'), data, ctx.signal);
    } else await runTool(['sh', '-c', COMPRESSORS[compression], 'sh', '/in', '/out/result'], source, directory, ctx);
    return 'result';
  });
}
