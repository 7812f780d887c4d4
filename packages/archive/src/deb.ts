import { buffer as collect } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import { openArMember, readAr, type ArMember } from './ar.js';
import type { Compression } from './compression.js';
import { decompress, decompressTo } from './decompress.js';
import { archiveError } from './errors.js';
import type { TarEntry } from './tar-entry.js';
import { readTar } from './tar-reader.js';

export interface DebOptions {
  readonly signal?: AbortSignal;
  /** Bound of the decompressed control archive; default 16 MiB. */
  readonly maxControlBytes?: number;
  /** Bound of the decompressed data archive; default 16 GiB. */
  readonly maxDataBytes?: number;
  /** Where decompressors are looked for; default: the environment's `PATH`. */
  readonly searchPath?: string;
}

/** A binary package of Debian. Nothing but the list of parts has been read yet. */
export interface Deb {
  /** How `control.tar` and `data.tar` are compressed. */
  readonly compression: { readonly control: Compression; readonly data: Compression };
  /**
   * The files of the control archive (`control`, `md5sums`, `preinst`, ...) by name.
   *
   * @throws `ICT_ARCHIVE_DEB` when there is no `control`, or anything but plain files at the top.
   */
  control(): Promise<Map<string, Uint8Array>>;
  /** The files of the package, as in its archive. Each call reads the package anew. */
  data(): AsyncIterable<TarEntry>;
  /** The uncompressed data archive: what `dpkg-deb --fsys-tarfile` prints. */
  dataTar(): Readable;
  /** The uncompressed control archive: what `dpkg-deb --ctrl-tarfile` prints. */
  controlTar(): Readable;
  /** Writes the uncompressed archives at the current place of an open file, which may move on only this way. */
  writeControlTar(descriptor: number): Promise<void>;
  writeDataTar(descriptor: number): Promise<void>;
}

const CONTROL: Readonly<Record<string, Compression>> = {
  'control.tar': 'none',
  'control.tar.gz': 'gz',
  'control.tar.xz': 'xz',
  'control.tar.zst': 'zstd',
};
const DATA: Readonly<Record<string, Compression>> = {
  'data.tar': 'none',
  'data.tar.gz': 'gz',
  'data.tar.xz': 'xz',
  'data.tar.zst': 'zstd',
  'data.tar.bz2': 'bz2',
  'data.tar.lzma': 'lzma',
};

/** Up to this size, decoding a member in this process is faster than starting a program for it. */
const SMALL_MEMBER_BYTES = 128 * 1024;

/**
 * Opens a Debian package, format 2.x: `debian-binary`, then a control archive, then a data archive. Members whose name starts with `_`
 * may stand between them; what follows the data archive is ignored, as deb(5) asks.
 *
 * @throws `ICT_ARCHIVE_DEB` for other members or formats, what {@link readAr} throws for a bad archive.
 * @see deb(5)
 */
export async function readDeb(file: string, options: DebOptions = {}): Promise<Deb> {
  const { controlMember, dataMember } = await findMembers(file, options.signal);
  const compression = { control: CONTROL[controlMember.name] ?? 'none', data: DATA[dataMember.name] ?? 'none' };
  const { signal, searchPath, maxControlBytes = 16 * 2 ** 20, maxDataBytes = 16 * 2 ** 30 } = options;
  const shared = { ...(signal === undefined ? {} : { signal }), ...(searchPath === undefined ? {} : { searchPath }) };
  const part = (member: ArMember, kind: Compression, maxBytes: number) => {
    const bounds = { ...shared, maxBytes, small: member.sizeBytes <= SMALL_MEMBER_BYTES };
    return {
      read: () => decompress(openArMember(file, member, shared), kind, bounds),
      write: (descriptor: number) => decompressTo(openArMember(file, member, shared), kind, descriptor, bounds),
    };
  };
  const control = part(controlMember, compression.control, maxControlBytes);
  const data = part(dataMember, compression.data, maxDataBytes);
  const [controlTar, dataTar] = [control.read, data.read];
  return {
    compression,
    controlTar,
    dataTar,
    writeControlTar: control.write,
    writeDataTar: data.write,
    control: () => readControl(file, controlTar()),
    data: () => readTar(dataTar(), options.signal === undefined ? {} : { signal: options.signal }),
  };
}

async function findMembers(file: string, signal: AbortSignal | undefined): Promise<{ controlMember: ArMember; dataMember: ArMember }> {
  let versionSeen = false;
  let controlMember: ArMember | undefined;
  for await (const member of readAr(file)) {
    signal?.throwIfAborted();
    if (!versionSeen) {
      if (member.name !== 'debian-binary') throw badDeb(file, `it starts with "${member.name}" and not with debian-binary`);
      await checkVersion(file, member);
      versionSeen = true;
    } else if (member.name.startsWith('_')) {
      continue;
    } else if (controlMember === undefined) {
      if (!Object.hasOwn(CONTROL, member.name)) throw badDeb(file, `"${member.name}" stands where the control archive must be`);
      controlMember = member;
    } else {
      if (!Object.hasOwn(DATA, member.name)) throw badDeb(file, `"${member.name}" stands where the data archive must be`);
      return { controlMember, dataMember: member };
    }
  }
  throw badDeb(file, versionSeen ? 'its control or data archive is missing' : 'it is empty');
}

async function checkVersion(file: string, member: ArMember): Promise<void> {
  if (member.sizeBytes > 1024) throw badDeb(file, 'its debian-binary is too long');
  const text = (await collect(openArMember(file, member))).toString('latin1');
  const line = /^(\d+)\.(\d+)\n/.exec(text);
  if (line?.[1] !== '2') throw badDeb(file, `its format is "${text.slice(0, 20).trim()}" and not 2.x`);
}

async function readControl(file: string, tar: Readable): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for await (const entry of readTar(tar, { maxSparseBytes: 0 })) {
    const name = entry.path.replace(/^(\.\/)+/, '');
    if (entry.type === 'directory' && (name === '.' || name === '')) continue;
    if (entry.type !== 'file') throw badDeb(file, `"${entry.path}" of its control archive is a ${entry.type}`);
    if (name === '' || name === '.' || name === '..' || name.includes('/') || files.has(name)) {
      throw badDeb(file, `"${entry.path}" of its control archive is not at the top, or is there twice`);
    }
    files.set(name, await contentOf(entry));
  }
  if (!files.has('control')) throw badDeb(file, 'its control archive has no file "control"');
  return files;
}

/** Bounded by the limit of the stream that the entry comes from. */
async function contentOf(entry: TarEntry): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of entry.content) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}

function badDeb(file: string, reason: string): Error {
  return archiveError('ICT_ARCHIVE_DEB', {
    message: `${file} is not a Debian package that can be read: ${reason}`,
    hint: 'Check the file with "dpkg-deb --info"; fetch it again when it is damaged.',
    facts: { file, reason },
  });
}
