import { archiveError } from './errors.js';
import type { TarEntryType, TarHeader } from './tar-entry.js';
import { BLOCK_BYTES, MAX_OWNER } from './tar-header.js';
import { encodePaxRecord, XATTR_PREFIX } from './tar-pax.js';

/** A member to write. A `TarEntry` is one, so archives can be filtered and written again. */
export interface TarInput extends Omit<TarHeader, 'xattrs' | 'sizeBytes'> {
  /** Of a file, exactly the length of `content`; may be left out when `content` is bytes. */
  readonly sizeBytes?: number;
  readonly xattrs?: ReadonlyMap<string, Uint8Array>;
  readonly content?: Uint8Array | AsyncIterable<Uint8Array>;
}

const TYPEFLAGS: Readonly<Record<TarEntryType, string>> = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  character: '3',
  block: '4',
  directory: '5',
  fifo: '6',
};
const OUTPUT_BYTES = 64 * 1024;
const MAX_OCTAL_7 = 0o7777777;
const MAX_OCTAL_11 = 0o77777777777;

/**
 * Writes a tar archive that is a function of its entries alone: ustar headers, and a pax header only where ustar cannot say it
 * (names that are long or not ASCII, large numbers, times before 1970, extended attributes), its keys sorted. Ids are numbers only;
 * there are no access or change times. The caller sorts the entries. The end is two zero blocks, without further padding.
 *
 * Chunks are up to 64 KiB or as large as the content's own; use each before asking for the next.
 *
 * @throws `ICT_ARCHIVE_ENTRY` for an entry that cannot be written faithfully or content of another length than it says;
 *   what a content throws; the signal's reason.
 */
export async function* writeTar(
  entries: AsyncIterable<TarInput> | Iterable<TarInput>,
  options: { readonly signal?: AbortSignal } = {},
): AsyncGenerator<Buffer, void, undefined> {
  const output = new OutputBlocks();
  for await (const entry of entries) {
    options.signal?.throwIfAborted();
    const sizeBytes = contentSize(entry);
    yield* output.push(encodeHeaders(entry, sizeBytes));
    if (entry.type !== 'file') continue;
    let written = 0;
    for await (const chunk of chunksOf(entry.content)) {
      written += chunk.length;
      if (written > sizeBytes) throw badEntry(entry, `its content is longer than ${sizeBytes} bytes`);
      yield* output.push(chunk);
    }
    if (written < sizeBytes) throw badEntry(entry, `its content is ${written} bytes and not ${sizeBytes}`);
    yield* output.push(Buffer.alloc((BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES));
  }
  yield* output.push(Buffer.alloc(2 * BLOCK_BYTES));
  yield* output.flush();
}

/**
 * What stands before the content of a member, as {@link writeTar} writes it: its header, after a pax header where one is needed.
 *
 * @throws `ICT_ARCHIVE_ENTRY` for an entry that cannot be written faithfully.
 */
export function encodeTarHeader(entry: Omit<TarInput, 'content'>): Buffer {
  return encodeHeaders(entry, entry.sizeBytes ?? 0);
}

/** Joins small pieces into chunks; large pieces pass through uncopied. */
class OutputBlocks {
  #block = Buffer.allocUnsafeSlow(OUTPUT_BYTES);
  #used = 0;

  *push(bytes: Uint8Array): Generator<Buffer, void, undefined> {
    if (bytes.length > OUTPUT_BYTES - this.#used) yield* this.flush();
    if (bytes.length > OUTPUT_BYTES) {
      yield Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    } else {
      this.#block.set(bytes, this.#used);
      this.#used += bytes.length;
    }
  }

  *flush(): Generator<Buffer, void, undefined> {
    if (this.#used === 0) return;
    const full = this.#block.subarray(0, this.#used);
    this.#block = Buffer.allocUnsafeSlow(OUTPUT_BYTES);
    this.#used = 0;
    yield full;
  }
}

function encodeHeaders(entry: TarInput, sizeBytes: number): Buffer {
  const path = entry.type === 'directory' && !entry.path.endsWith('/') ? `${entry.path}/` : entry.path;
  checkName(entry, path);
  if (entry.type !== 'directory' && path.endsWith('/')) throw badEntry(entry, 'only the name of a directory may end in a slash');
  const isLink = entry.type === 'symlink' || entry.type === 'hardlink';
  const linkTarget = isLink ? (entry.linkTarget ?? '') : '';
  if (isLink) checkName(entry, linkTarget);
  checkNumbers(entry);

  const pax = new Map<string, Uint8Array | string>();
  const [prefix, name] = splitPath(path) ?? [undefined, undefined];
  if (name === undefined) pax.set('path', path);
  if (!fitsField(linkTarget, 100)) pax.set('linkpath', linkTarget);
  if (entry.uid > MAX_OCTAL_7) pax.set('uid', String(entry.uid));
  if (entry.gid > MAX_OCTAL_7) pax.set('gid', String(entry.gid));
  if (sizeBytes > MAX_OCTAL_11) pax.set('size', String(sizeBytes));
  if (entry.mtimeSeconds < 0 || entry.mtimeSeconds > MAX_OCTAL_11) pax.set('mtime', String(entry.mtimeSeconds));
  for (const [attribute, value] of entry.xattrs ?? []) {
    if (attribute === '' || /[=\0]/.test(attribute) || !attribute.isWellFormed())
      throw badEntry(entry, 'an extended attribute has no proper name');
    pax.set(`${XATTR_PREFIX}${attribute}`, value);
  }

  const header = headerBlock({
    name: name ?? asciiEnd(path),
    prefix: prefix ?? '',
    typeflag: TYPEFLAGS[entry.type],
    mode: entry.mode,
    uid: entry.uid > MAX_OCTAL_7 ? 0 : entry.uid,
    gid: entry.gid > MAX_OCTAL_7 ? 0 : entry.gid,
    sizeBytes: sizeBytes > MAX_OCTAL_11 ? 0 : sizeBytes,
    mtimeSeconds: pax.has('mtime') ? 0 : entry.mtimeSeconds,
    linkTarget: pax.has('linkpath') ? asciiEnd(linkTarget) : linkTarget,
    devMajor: entry.devMajor ?? 0,
    devMinor: entry.devMinor ?? 0,
  });
  if (pax.size === 0) return header;

  const keys = [...pax.keys()].sort();
  const records = Buffer.concat(keys.map((key) => encodePaxRecord(key, pax.get(key) ?? '')));
  const paxHeader = headerBlock({
    name: `PaxHeaders/${asciiEnd(entry.path).slice(-80)}`,
    prefix: '',
    typeflag: 'x',
    mode: 0o644,
    uid: 0,
    gid: 0,
    sizeBytes: records.length,
    mtimeSeconds: 0,
    linkTarget: '',
    devMajor: 0,
    devMinor: 0,
  });
  const padding = Buffer.alloc((BLOCK_BYTES - (records.length % BLOCK_BYTES)) % BLOCK_BYTES);
  return Buffer.concat([paxHeader, records, padding, header]);
}

interface HeaderFields {
  readonly name: string;
  readonly prefix: string;
  readonly typeflag: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly mtimeSeconds: number;
  readonly linkTarget: string;
  readonly devMajor: number;
  readonly devMinor: number;
}

function headerBlock(fields: HeaderFields): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, at: number, digits: number): void => {
    block.write(value.toString(8).padStart(digits, '0'), at, digits, 'latin1');
  };
  block.write(fields.name, 0, 100, 'latin1');
  octal(fields.mode, 100, 7);
  octal(fields.uid, 108, 7);
  octal(fields.gid, 116, 7);
  octal(fields.sizeBytes, 124, 11);
  octal(fields.mtimeSeconds, 136, 11);
  block.fill(0x20, 148, 156);
  block.write(fields.typeflag, 156, 1, 'latin1');
  block.write(fields.linkTarget, 157, 100, 'latin1');
  block.write('ustar\u000000', 257, 8, 'latin1');
  octal(fields.devMajor, 329, 7);
  octal(fields.devMinor, 337, 7);
  block.write(fields.prefix, 345, 155, 'latin1');
  let sum = 0;
  for (const byte of block) sum += byte;
  octal(sum, 148, 6);
  block[154] = 0;
  return block;
}

/** Prefix and name for the ustar fields, or undefined when a pax header must carry the path. */
function splitPath(path: string): [string, string] | undefined {
  if (fitsField(path, 100)) return ['', path];
  if (!isAscii(path) || path.length > 256) return undefined;
  // The slash between the two is not stored, and the name may not be empty.
  const slash = path.indexOf('/', path.length - 101);
  if (slash <= 0 || slash > 155 || slash === path.length - 1) return undefined;
  return [path.slice(0, slash), path.slice(slash + 1)];
}

function fitsField(text: string, length: number): boolean {
  return text.length <= length && isAscii(text);
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x7e) return false;
  return true;
}

/** What readers without pax see in place of a name that does not fit. */
function asciiEnd(text: string): string {
  return text.replace(/[^\x20-\x7e]/gu, '_').slice(-100);
}

function contentSize(entry: TarInput): number {
  const { content } = entry;
  const known = content instanceof Uint8Array ? content.length : content === undefined ? 0 : undefined;
  const sizeBytes = entry.sizeBytes ?? known;
  if (entry.type !== 'file') {
    if ((sizeBytes ?? 0) !== 0) throw badEntry(entry, `a ${entry.type} has no content`);
    return 0;
  }
  if (sizeBytes === undefined) throw badEntry(entry, 'the length of its content is not given');
  return sizeBytes;
}

function checkName(entry: TarInput, name: string): void {
  if (name === '' || name.includes('\0') || !name.isWellFormed()) throw badEntry(entry, 'a name is empty or is not proper text');
}

function checkNumbers(entry: TarInput): void {
  const within = (value: number, max: number): boolean => Number.isSafeInteger(value) && value >= 0 && value <= max;
  if (!within(entry.mode, 0o7777)) throw badEntry(entry, 'its mode is not permission bits');
  if (!within(entry.uid, MAX_OWNER) || !within(entry.gid, MAX_OWNER)) throw badEntry(entry, 'an owner is none that Linux has');
  if (!within(entry.sizeBytes ?? 0, Number.MAX_SAFE_INTEGER)) throw badEntry(entry, 'its size is not a whole number of bytes');
  if (!Number.isSafeInteger(entry.mtimeSeconds)) throw badEntry(entry, 'its time is not a whole number of seconds');
  if (!within(entry.devMajor ?? 0, MAX_OCTAL_7) || !within(entry.devMinor ?? 0, MAX_OCTAL_7))
    throw badEntry(entry, 'a device number is too large');
}

async function* chunksOf(content: TarInput['content']): AsyncGenerator<Uint8Array, void, undefined> {
  if (content instanceof Uint8Array) yield content;
  else if (content !== undefined) yield* content;
}

function badEntry(entry: TarInput, reason: string): Error {
  return archiveError('ICT_ARCHIVE_ENTRY', {
    message: `"${entry.path}" cannot be written into a tar archive: ${reason}`,
    hint: 'This is a mistake of the program that made the entry.',
    facts: { path: entry.path, reason },
  });
}
