import { ByteReader } from './byte-reader.js';
import { archiveError } from './errors.js';
import { TarBody } from './tar-body.js';
import type { TarEntry, TarEntryType, TarHeader } from './tar-entry.js';
import {
  BLOCK_BYTES,
  decodeName,
  field,
  isZeroBlock,
  malformedTar,
  MAX_OWNER,
  number,
  readRawHeader,
  size,
  type RawHeader,
} from './tar-header.js';
import { parsePaxRecords, paxSeconds, paxSize, XATTR_PREFIX, type PaxRecord } from './tar-pax.js';
import {
  checkSparse,
  readLeadingRuns,
  readOldSparse,
  readOldSparseExtension,
  readPaxSparse,
  type PaxSparse,
  type SparseMap,
  type SparseRun,
} from './tar-sparse.js';

export interface ReadTarOptions {
  readonly signal?: AbortSignal;
  /** Largest extended header, long name or long link; default 1 MiB. */
  readonly maxHeaderBytes?: number;
  /** Largest real size of a sparse file, which costs a hostile archive nothing to claim; default 64 GiB. */
  readonly maxSparseBytes?: number;
}

/** What stands before a member: long names and extended headers. */
interface Preamble {
  readonly local: readonly PaxRecord[];
  readonly longName: Buffer | undefined;
  readonly longLink: Buffer | undefined;
}

/** A member's metadata, with what is needed to read its content. */
interface Member {
  readonly header: TarHeader;
  readonly storedBytes: number;
  readonly sparse: PaxSparse | undefined;
}

const TYPES: Readonly<Record<string, TarEntryType>> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  S: 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'character',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
};
const NO_XATTRS: ReadonlyMap<string, Uint8Array> = new Map();
const MAX_SPARSE_RUNS = 1_000_000;

/**
 * Reads an uncompressed tar archive: v7, ustar, GNU (long names, base 256, old sparse files) and pax (local and global headers,
 * sparse files 0.0, 0.1 and 1.0, `SCHILY.xattr.*`). Other extended keys (atime, owner names, comments, ACL texts) are ignored.
 *
 * After the end mark the source is read to its end, so that the checksum of a compressed stream is verified too.
 * When the caller stops early, the source is closed.
 *
 * @throws `ICT_ARCHIVE_TAR_HEADER`, `ICT_ARCHIVE_TAR_NAME`, `ICT_ARCHIVE_TAR_UNSUPPORTED` (multi-volume archives, unknown types),
 *   `ICT_ARCHIVE_TRUNCATED` (also when the end mark is absent), `ICT_ARCHIVE_TOO_LARGE`; the signal's reason; what the source throws.
 */
export async function* readTar(source: AsyncIterable<Uint8Array>, options: ReadTarOptions = {}): AsyncGenerator<TarEntry, void, undefined> {
  const reader = new ByteReader(source);
  const maxHeaderBytes = options.maxHeaderBytes ?? 1024 * 1024;
  const globals = new Map<string, PaxRecord>();
  let local: PaxRecord[] | undefined;
  let longName: Buffer | undefined;
  let longLink: Buffer | undefined;
  try {
    for (;;) {
      options.signal?.throwIfAborted();
      const at = reader.offset;
      const block = reader.take(BLOCK_BYTES) ?? (await reader.read(BLOCK_BYTES));
      if (block.length < BLOCK_BYTES) throw truncated(at);
      const pending = local !== undefined || longName !== undefined || longLink !== undefined;
      if (isZeroBlock(block)) {
        if (pending) throw malformedTar(at, 'an extended header has no member');
        await reader.skip(Infinity);
        return;
      }
      const raw = readRawHeader(block, at);
      switch (raw.typeflag) {
        case 'x':
          if (local !== undefined) throw malformedTar(at, 'two extended headers stand before one member');
          local = parsePaxRecords(await readMetadata(reader, raw, maxHeaderBytes, at), at);
          continue;
        case 'g':
          for (const record of parsePaxRecords(await readMetadata(reader, raw, maxHeaderBytes, at), at)) addGlobal(globals, record, at);
          continue;
        case 'L':
          if (longName !== undefined) throw malformedTar(at, 'two long names stand before one member');
          longName = untilNul(await readMetadata(reader, raw, maxHeaderBytes, at));
          continue;
        case 'K':
          if (longLink !== undefined) throw malformedTar(at, 'two long link targets stand before one member');
          longLink = untilNul(await readMetadata(reader, raw, maxHeaderBytes, at));
          continue;
        default:
      }
      // `raw.block` may share memory with the source's chunk: everything is read out of it before the next byte is asked for.
      const old = raw.typeflag === 'S' ? readOldSparse(block, at) : undefined;
      const member = readMember(raw, globals, { local: local ?? [], longName, longLink }, at);
      local = longName = longLink = undefined;

      const body = new TarBody(reader, member.header.path, member.storedBytes);
      let { header } = member;
      let map: SparseMap | undefined;
      if (old !== undefined) {
        map = { realSizeBytes: old.realSizeBytes, runs: old.extended ? await readExtensions(reader, old.runs, at) : old.runs };
      } else if (member.sparse !== undefined) {
        const { realSizeBytes, runs } = member.sparse;
        map = { realSizeBytes, runs: runs === 'before-content' ? await readLeadingRuns(body.block, at) : runs };
      }
      if (map !== undefined) {
        if (map.realSizeBytes > (options.maxSparseBytes ?? 64 * 2 ** 30)) throw tooLarge(header.path, 'its sparse content', at);
        body.spread(checkSparse(map, body.remaining, at));
        header = { ...header, sizeBytes: map.realSizeBytes };
      }
      yield { ...header, content: body };
      const passing = body.finish();
      if (passing !== undefined) await passing;
    }
  } finally {
    await reader.close();
  }
}

function readMember(raw: RawHeader, globals: ReadonlyMap<string, PaxRecord>, preamble: Preamble, at: number): Member {
  const { block } = raw;
  const pax = new Map(globals);
  for (const record of preamble.local) pax.set(record.key, record);
  // An empty value takes the key back, be it from a global header or an earlier record.
  const record = (key: string): PaxRecord | undefined => {
    const found = pax.get(key);
    return found === undefined || found.value.length === 0 ? undefined : found;
  };
  const owner = (key: string, offset: number): number => {
    const found = record(key);
    const id = found === undefined ? size(block, offset, 8, at) : paxSize(found, at);
    if (id > MAX_OWNER) throw malformedTar(at, `its ${key} ${id} is none that Linux has`);
    return id;
  };

  const declared = TYPES[raw.typeflag];
  if (declared === undefined || (raw.typeflag === 'S' && raw.format !== 'gnu')) throw unsupportedType(raw.typeflag, at);
  const sparse = declared === 'file' ? readPaxSparse(preamble.local, at) : undefined;
  const name = decodeName(sparse?.name ?? record('path')?.value ?? preamble.longName ?? shortName(raw), at);
  if (name === '') throw malformedTar(at, 'a member has no name');
  const paxBytes = record('size');
  const storedBytes = paxBytes === undefined ? raw.sizeBytes : paxSize(paxBytes, at);
  // Before ustar, a directory was a file whose name ends in a slash; GNU tar and dpkg still read it so.
  const type = declared === 'file' && name.endsWith('/') ? 'directory' : declared;
  if (type !== 'file' && storedBytes !== 0) throw malformedTar(at, `"${name.slice(0, 200)}" is a ${type} but has content`);

  const mtime = record('mtime');
  const xattrs = readXattrs(pax);
  return {
    storedBytes,
    sparse,
    header: {
      path: withoutSlashesAtEnd(name),
      type,
      mode: number(block, 100, 8, at) & 0o7777,
      uid: owner('uid', 108),
      gid: owner('gid', 116),
      sizeBytes: storedBytes,
      mtimeSeconds: mtime === undefined ? number(block, 136, 12, at) : paxSeconds(mtime, at),
      ...(type === 'hardlink' || type === 'symlink' ? { linkTarget: linkTarget(raw, record('linkpath'), preamble.longLink, at) } : {}),
      ...(type === 'character' || type === 'block' ? { devMajor: size(block, 329, 8, at), devMinor: size(block, 337, 8, at) } : {}),
      xattrs,
    },
  };
}

/** Not by a regular expression: that looks again and again at the slashes of a name that has a megabyte of them. */
function withoutSlashesAtEnd(name: string): string {
  let end = name.length;
  while (end > 1 && name[end - 1] === '/') end--;
  return name.slice(0, end);
}

function shortName(raw: RawHeader): Buffer {
  const name = field(raw.block, 0, 100);
  const prefix = raw.format === 'ustar' ? field(raw.block, 345, 155) : undefined;
  return prefix === undefined || prefix.length === 0 ? name : Buffer.concat([prefix, Buffer.from('/'), name]);
}

function linkTarget(raw: RawHeader, record: PaxRecord | undefined, longLink: Buffer | undefined, at: number): string {
  const target = decodeName(record?.value ?? longLink ?? field(raw.block, 157, 100), at);
  if (target === '') throw malformedTar(at, 'a link has no target');
  return target;
}

function readXattrs(pax: ReadonlyMap<string, PaxRecord>): ReadonlyMap<string, Uint8Array> {
  let xattrs: Map<string, Uint8Array> | undefined;
  for (const { key, value } of pax.values()) {
    if (key.startsWith(XATTR_PREFIX))
      (xattrs ??= new Map<string, Uint8Array>()).set(key.slice(XATTR_PREFIX.length), Uint8Array.from(value));
  }
  return xattrs ?? NO_XATTRS;
}

/** Global headers may set defaults such as owners; one name or size for every member makes no sense and is refused. */
function addGlobal(globals: Map<string, PaxRecord>, record: PaxRecord, at: number): void {
  if (record.key === 'path' || record.key === 'linkpath' || record.key === 'size' || record.key.startsWith('GNU.sparse.')) {
    throw malformedTar(at, `a global header sets ${record.key}`);
  }
  globals.set(record.key, record);
}

async function readMetadata(reader: ByteReader, raw: RawHeader, maxBytes: number, at: number): Promise<Buffer> {
  if (raw.sizeBytes > maxBytes) throw tooLarge('an extended header', 'it', at);
  const padded = Math.ceil(raw.sizeBytes / BLOCK_BYTES) * BLOCK_BYTES;
  const bytes = await reader.read(padded);
  if (bytes.length < padded) throw truncated(at);
  // A copy: it is kept while the reader goes on, and the source may use its buffer again.
  return Buffer.from(bytes.subarray(0, raw.sizeBytes));
}

async function readExtensions(reader: ByteReader, first: readonly SparseRun[], at: number): Promise<SparseRun[]> {
  const runs = [...first];
  for (let extended = true; extended; ) {
    const block = await reader.read(BLOCK_BYTES);
    if (block.length < BLOCK_BYTES) throw truncated(at);
    const extension = readOldSparseExtension(block, at);
    runs.push(...extension.runs);
    extended = extension.extended;
    if (runs.length > MAX_SPARSE_RUNS) throw malformedTar(at, 'a sparse file has too many parts');
  }
  return runs;
}

function untilNul(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0);
  return end === -1 ? bytes : bytes.subarray(0, end);
}

function unsupportedType(typeflag: string, at: number): Error {
  const shown = JSON.stringify(typeflag);
  return archiveError('ICT_ARCHIVE_TAR_UNSUPPORTED', {
    message: `The tar archive has a member of type ${shown} at byte ${at}, which is not supported`,
    hint: 'Pack the archive in pax or GNU format, without volumes or incremental dumps.',
    facts: { offset: at, typeflag },
  });
}

function tooLarge(what: string, subject: string, at: number): Error {
  return archiveError('ICT_ARCHIVE_TOO_LARGE', {
    message: `The tar archive is refused at "${what}": ${subject} is larger than allowed`,
    hint: 'The archive may be hostile. Check where it comes from.',
    facts: { offset: at },
  });
}

function truncated(at: number): Error {
  return archiveError('ICT_ARCHIVE_TRUNCATED', {
    message: `The tar archive ends at byte ${at} without its end mark`,
    hint: 'The file is incomplete: fetch it again.',
    facts: { offset: at },
  });
}
