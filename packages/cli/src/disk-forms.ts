import { execFile } from 'node:child_process';
import { createReadStream, createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createGzip, createZstdCompress } from 'node:zlib';
import { copySparse, temporaryName } from '@ict/integrity';
import { cliError } from './errors.js';

const run = promisify(execFile);

/** @throws `ICT_CLI_HOST_MISSING` where there is no qemu-img; errors of `execFile`. */
async function runQemuImg(argv: readonly string[], signal: AbortSignal): Promise<string> {
  const { stdout } = await run('qemu-img', argv, { signal }).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT' || cause.path !== 'qemu-img') throw cause;
    throw cliError('ICT_CLI_HOST_MISSING', {
      message: 'qemu-img is needed for disks in formats of virtual machines',
      hint: 'Install it: Debian has it in the package qemu-utils.',
      cause,
    });
  });
  return stdout;
}

/** A disk in a file: as it is, in the format of a virtual machine, or compressed. */
export interface DiskForm {
  /** As qemu-img names it. */
  readonly format: 'raw' | 'qcow2' | 'vmdk' | 'vpc' | 'vhdx' | 'vdi';
  readonly compression?: 'gz' | 'zst';
}

/** A disk that can be read, and may be one that is not made. */
export interface SourceForm extends Omit<DiskForm, 'compression'> {
  readonly compression?: DiskForm['compression'] | 'xz' | 'bz2';
}

/** What can be read and made, by the ending of the file. */
export const diskForms: Readonly<Record<string, DiskForm>> = {
  '.raw': { format: 'raw' },
  '.img': { format: 'raw' },
  '.raw.gz': { format: 'raw', compression: 'gz' },
  '.raw.zst': { format: 'raw', compression: 'zst' },
  '.img.gz': { format: 'raw', compression: 'gz' },
  '.img.zst': { format: 'raw', compression: 'zst' },
  '.qcow2': { format: 'qcow2' },
  '.vmdk': { format: 'vmdk' },
  '.vhd': { format: 'vpc' },
  '.vhdx': { format: 'vhdx' },
  '.vdi': { format: 'vdi' },
};

/** What can be read, by the ending of the file. */
export const sourceForms: Readonly<Record<string, SourceForm>> = {
  ...diskForms,
  '.raw.xz': { format: 'raw', compression: 'xz' },
  '.raw.bz2': { format: 'raw', compression: 'bz2' },
  '.img.xz': { format: 'raw', compression: 'xz' },
  '.img.bz2': { format: 'raw', compression: 'bz2' },
};

/** Endings of files of images that have more than one dot. */
const LONG_ENDING = /\.(?:[a-z\d]+\.(?:gz|xz|zst|bz2)|(?:manifest|spdx)\.json|lock\.yml)$/;

/** What follows the name of an image in that of one of its files, whatever dots the name has: `.qcow2`, `.tar.gz`, `.lock.yml`. */
export function endingOf(file: string): string {
  return LONG_ENDING.exec(file)?.[0] ?? extname(file);
}

/**
 * Writes `to`, a new file, as the disk `from` in another form.
 *
 * @param source the form of `from`.
 * @throws `ICT_CLI_USAGE` where `from` is not in its form, or needs other files; `ICT_CLI_HOST_MISSING`; what `decompress` fails with; errors of Node,
 *   and of `execFile` for qemu-img.
 */
export async function convertDisk(from: string, source: SourceForm, to: string, target: DiskForm, signal: AbortSignal): Promise<void> {
  const raw = join(dirname(to), temporaryName());
  try {
    const unpacked = await unpack(from, source, raw, target, signal);
    const { file, format } = unpacked ? ({ file: raw, format: 'raw' } as const) : { file: from, format: source.format };
    if (target.compression !== undefined) {
      const compress = target.compression === 'gz' ? createGzip() : createZstdCompress();
      await pipeline(createReadStream(file), compress, createWriteStream(to), { signal });
    } else if (target.format === format) {
      await copySparse(file, to, signal, unpacked ? 'found' : 'kept');
    } else {
      await convert(file, format, to, target.format, signal);
    }
  } finally {
    await rm(raw, { force: true }).catch(() => undefined); // a failure says more
  }
}

/** Makes `raw` of what no single step leads from to the form that is wanted. @returns whether that was needed. */
async function unpack(from: string, source: SourceForm, raw: string, target: DiskForm, signal: AbortSignal): Promise<boolean> {
  if (source.compression !== undefined) {
    await pipeline(await decompressed(createReadStream(from), source.compression, signal), createWriteStream(raw), { signal });
    return true;
  }
  if (source.format === 'raw' || target.compression === undefined) return false;
  await convert(from, source.format, raw, 'raw', signal);
  return true;
}

/** Loads who decompresses where something is compressed. */
async function decompressed(source: Readable, kind: NonNullable<SourceForm['compression']>, signal: AbortSignal): Promise<Readable> {
  const { decompress } = await import('@ict/archive');
  return decompress(source, kind === 'zst' ? 'zstd' : kind, { signal });
}

async function convert(from: string, source: DiskForm['format'], to: string, target: DiskForm['format'], signal: AbortSignal) {
  if (source !== 'raw') await requireAlone(from, source, signal);
  // Without force_size the disk grows to what cylinders, heads and sectors can say.
  const options = target === 'vpc' ? ['-o', 'force_size=on'] : [];
  await runQemuImg(['convert', '-f', source, '-O', target, ...options, from, to], signal);
}

/** What qemu-img says of a disk that may lie in several files. */
interface DiskInfo {
  readonly 'backing-filename'?: string;
  readonly 'format-specific'?: {
    readonly data?: { readonly 'data-file'?: string; readonly extents?: readonly { readonly filename: string }[] };
  };
}

/** A disk that was made elsewhere may name any file of this machine as a part of itself: that one is not written into a copy. */
async function requireAlone(file: string, format: DiskForm['format'], signal: AbortSignal): Promise<void> {
  const stdout = await runQemuImg(['info', '--output=json', '-f', format, file], signal).catch((error: unknown) => {
    const { stderr } = error as { readonly stderr?: unknown };
    if (typeof stderr !== 'string' || stderr === '') throw error;
    throw cliError('ICT_CLI_USAGE', {
      message: `${file} cannot be read as ${format}: ${stderr.trim().split('\n').at(-1)}`,
      hint: 'Look whether the file is whole, and whether its ending says what it is. An image of the cache can be exported as it is, under its own ending.',
      cause: error,
    });
  });
  const { 'backing-filename': backing, 'format-specific': { data = {} } = {} } = JSON.parse(stdout) as DiskInfo;
  const others = [backing, data['data-file'], ...(data.extents ?? []).map(({ filename }) => filename)];
  const other = others.find((name) => name !== undefined && name !== file);
  if (other === undefined) return;
  throw cliError('ICT_CLI_USAGE', {
    message: `${file} is not the whole disk: a part of it is in ${JSON.stringify(other)}`,
    hint: 'Make one file of it where all its parts are, with `qemu-img convert`.',
    facts: { other },
  });
}

/** The last line that a program which failed wrote to standard error. */
export function programsWords(error: unknown): string | undefined {
  const { stderr } = error as { readonly stderr?: unknown };
  return typeof stderr === 'string' ? stderr.trim().split('\n').at(-1) : undefined;
}
