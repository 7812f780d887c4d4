import type { Duplex } from 'node:stream';
import { constants, createGzip, createZstdCompress } from 'node:zlib';
import { findProgram, ProgramStream } from './codec-program.js';
import { archiveError } from './errors.js';

/** Compression formats that can be written, with their lowest, highest and usual level. */
const LEVELS = { gz: [1, 9, 6], zstd: [1, 19, 3], xz: [0, 9, 6], bz2: [1, 9, 9] } as const;

/** RFC 1952, section 2.3.1. */
const GZIP_SYSTEM_OFFSET = 9;
const GZIP_SYSTEM_UNIX = 3;

/** What {@link compress} can write. */
export type WritableCompression = keyof typeof LEVELS;

export interface CompressOptions {
  /** Where programs are looked for; default: the environment's `PATH`. */
  readonly searchPath?: string;
}

/**
 * A stream that compresses what is written into it. The output depends on the bytes, the level and the encoder's version only: the
 * gzip header has no name, no time and no system; all encoders run in one thread.
 *
 * gz and zstd are encoded by Node (zstd with checksum); xz and bz2 by their programs.
 *
 * @param level gz 1-9 (default 6), zstd 1-19 (3), xz 0-9 (6), bz2 1-9 (9).
 * @throws `ICT_ARCHIVE_LEVEL`, `ICT_ARCHIVE_PROGRAM_MISSING`; the stream fails with `ICT_ARCHIVE_PROGRAM_FAILED`.
 */
export function compress(kind: WritableCompression, level?: number, options: CompressOptions = {}): Duplex {
  const [lowest, highest, usual] = LEVELS[kind];
  const chosen = level ?? usual;
  if (!Number.isInteger(chosen) || chosen < lowest || chosen > highest) {
    throw archiveError('ICT_ARCHIVE_LEVEL', {
      message: `${chosen} is not a compression level of ${kind}`,
      hint: `Use a whole number from ${lowest} to ${highest}.`,
      facts: { compression: kind, level: chosen, lowest, highest },
    });
  }
  switch (kind) {
    case 'gz':
      return gzip(chosen);
    case 'zstd':
      return createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: chosen, [constants.ZSTD_c_checksumFlag]: 1 } });
    case 'xz':
      return encoder(
        'xz',
        ['--format=xz', '--check=crc64', '--threads=1', '-c', `-${chosen}`],
        'Install the package xz-utils (Debian, Ubuntu) or xz.',
        options,
      );
    case 'bz2':
      return encoder('bzip2', ['-c', `-${chosen}`], 'Install the package bzip2.', options);
  }
}

function encoder(name: string, args: readonly string[], hint: string, options: CompressOptions): Duplex {
  const program = findProgram(name, options.searchPath);
  if (program === undefined) {
    throw archiveError('ICT_ARCHIVE_PROGRAM_MISSING', {
      message: `The program ${name} is needed, and is not installed`,
      hint,
      facts: { program: name },
    });
  }
  return new ProgramStream(program, args, (reason) =>
    archiveError('ICT_ARCHIVE_PROGRAM_FAILED', {
      message: `${name} failed: ${reason}`,
      hint: 'Check the free memory.',
      facts: { program: name, reason },
    }),
  );
}

/** Node writes no name and time 0 by itself; the byte that names the operating system is set here, to what Linux has. */
function gzip(level: number): Duplex {
  const stream = createGzip({ level });
  const push = stream.push.bind(stream);
  let at = 0;
  stream.push = (chunk: Buffer | null, encoding?: BufferEncoding): boolean => {
    if (chunk !== null) {
      if (at <= GZIP_SYSTEM_OFFSET && at + chunk.length > GZIP_SYSTEM_OFFSET) chunk[GZIP_SYSTEM_OFFSET - at] = GZIP_SYSTEM_UNIX;
      at += chunk.length;
    }
    return push(chunk, encoding);
  };
  return stream;
}
