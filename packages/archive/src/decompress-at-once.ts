import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { findProgram, runProgramAtOnce } from './codec-program.js';
import type { Compression } from './compression.js';
import { XZ } from './decompress.js';

const DECODERS: Readonly<Partial<Record<Compression, typeof gunzipSync>>> = {
  gz: gunzipSync,
  zstd: zstdDecompressSync as typeof gunzipSync,
};

/** Nearly all files of packages are compressed to more than a fifth. */
const USUAL_RATIO = 5;
const MIN_CHUNK_BYTES = 64 * 1024;

/** What a decoder answers that is asked for more than the bytes; Node's types leave it out. */
interface Decoded {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

/**
 * Decompresses bytes that lie in memory, in one call and without streams, which take longer to pass small data on than decoders to decode it.
 * Nothing else happens in this process meanwhile.
 *
 * @returns undefined for what has to go through `decompress`: other formats than gz, zstd and xz, xz without the program, several frames of zstd, results
 *   beyond `maxBytes`, and damaged data, of which it says what is wrong.
 */
export function decompressAtOnce(bytes: Uint8Array, kind: Compression, maxBytes: number): Buffer | undefined {
  if (kind === 'xz') return decompressXz(bytes, maxBytes);
  const decode = DECODERS[kind];
  if (decode === undefined) return undefined;
  try {
    // What fits into one chunk is not copied again. Memory that nothing is written to costs nothing.
    const chunkSize = Math.min(USUAL_RATIO * bytes.length + MIN_CHUNK_BYTES, maxBytes);
    const { buffer, engine } = decode(bytes, { info: true, maxOutputLength: maxBytes, chunkSize }) as unknown as Decoded;
    // Of several frames of zstd Node decodes the first and drops the others.
    return engine.bytesWritten === bytes.length ? buffer : undefined;
  } catch {
    return undefined;
  }
}

function decompressXz(bytes: Uint8Array, maxBytes: number): Buffer | undefined {
  const xz = findProgram('xz');
  return xz === undefined ? undefined : runProgramAtOnce(xz, XZ, bytes, maxBytes);
}
