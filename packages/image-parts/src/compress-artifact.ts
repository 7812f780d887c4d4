import { join } from 'node:path';
import type { BlobRef, BuildContext, Compression, Digest, Json } from '@ict/plugin-api';
import { compressFile, compressorIdentity, compressToOneFrame, oneFrameIdentity } from './compress-in-pieces.js';
import { deriveBlob, runTool } from './derived-blob.js';
import type { ByteRange } from './piecewise.js';

/**
 * Who decompresses. Linux decompresses its initrd by code of its own, which knows of xz only the checksum CRC32 and reads one zstd frame.
 *
 * @see lib/decompress_unxz.c and lib/decompress_unzstd.c of the kernel
 */
export type Decompressor = 'any' | 'linux';

/** Programs that write to their standard output: paths are arguments of a fixed script, never part of it. */
function compressor(compression: 'xz' | 'bz2', decompressor: Decompressor): string {
  if (compression === 'bz2') return 'exec bzip2 -9 --stdout "$1" > "$2"';
  const check = decompressor === 'linux' ? 'crc32' : 'crc64';
  return `exec xz -6 --check=${check} --threads=2 --block-size=16MiB --stdout "$1" > "$2"`;
}

/** Key of {@link compressArtifact}. */
export function compressKey(plain: Digest, compression: Compression, ctx: BuildContext, decompressor: Decompressor = 'any'): Json {
  switch (compression) {
    case 'gz':
      return { plain, compressor: compressorIdentity('gz') };
    case 'zstd':
      return { plain, compressor: decompressor === 'linux' ? oneFrameIdentity() : compressorIdentity('zstd') };
    default:
      return { plain, tools: ctx.tools.digest, compressor: compressor(compression, decompressor) };
  }
}

export interface CompressOptions {
  /** Default `any`. */
  readonly decompressor?: Decompressor;
  /** Tells where data is expected in the file, so that holes need not be read; it does not change the result. Absent: everywhere. */
  readonly findData?: (file: string) => Promise<readonly ByteRange[]>;
}

/**
 * A blob compressed: gzip and zstd by Node, xz and bzip2 by programs of the tools tree.
 *
 * @throws `ICT_IMAGE_BLOB_GONE` when the blob is no longer in the cache.
 */
export function compressArtifact(
  plain: Digest,
  compression: Compression,
  ctx: BuildContext,
  { decompressor = 'any', findData }: CompressOptions = {},
): Promise<BlobRef> {
  return deriveBlob(plain, ctx, async (source, directory) => {
    const result = join(directory, 'result');
    if (compression === 'xz' || compression === 'bz2') {
      await runTool(['sh', '-c', compressor(compression, decompressor), 'sh', '/in', '/out/result'], source, directory, ctx);
    } else if (compression === 'zstd' && decompressor === 'linux') await compressToOneFrame(source, result, ctx.signal);
    else await compressFile(compression, source, result, await findData?.(source), ctx.signal);
    return 'result';
  });
}
