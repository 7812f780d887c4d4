import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { archiveError } from './errors.js';

/** One member of an ar archive: where its bytes are in the file. */
export interface ArMember {
  readonly name: string;
  readonly sizeBytes: number;
  /** Of the first byte of the content, from the start of the file. */
  readonly offset: number;
}

const MAGIC = '!<arch>\n';
const HEADER_BYTES = 60;
const MAX_NAME_BYTES = 64 * 1024;
const MAX_NAME_TABLE_BYTES = 16 * 1024 * 1024;
const READ_BYTES = 256 * 1024;
const WINDOW_BYTES = 1024;

/**
 * Lists the members of an ar archive, in order, without reading their content.
 *
 * Names may be plain, end in `/` (GNU, and dpkg of old), refer to a `//` table (GNU) or stand before the content (BSD `#1/n`).
 * Symbol tables (`/`, `/SYM64/`) are passed over. Only the very last padding byte may be missing, as GNU ar allows.
 *
 * @throws `ICT_ARCHIVE_AR` for a file that is not ar or has a bad header; `ICT_ARCHIVE_TRUNCATED` when a member or header
 *   reaches beyond the end of the file; Node's own error when the file cannot be read.
 * @see ar(5), deb(5)
 */
export async function* readAr(file: string): AsyncGenerator<ArMember, void, undefined> {
  const descriptor = openSync(file, 'r');
  try {
    const { size: fileBytes } = fstatSync(descriptor);
    const headers = new HeaderReader(descriptor);
    const magic = headers.read(0, Math.min(MAGIC.length, fileBytes));
    if (magic.toString('latin1') !== MAGIC) throw malformed(file, 0, 'it does not start with !<arch>');
    let names: Buffer | undefined;
    for (let at = MAGIC.length; at < fileBytes; ) {
      if (fileBytes - at < HEADER_BYTES) throw truncated(file, at, 'a member header');
      const header = headers.read(at, HEADER_BYTES).toString('latin1');
      if (header.slice(58) !== '`\n') throw malformed(file, at, 'a member header does not end as it must');
      const rawName = header.slice(0, 16).trimEnd();
      const size = decimal(header.slice(48, 58));
      if (size === undefined) throw malformed(file, at, 'a member size is not a decimal number');
      const content = at + HEADER_BYTES;
      if (size > fileBytes - content) throw truncated(file, at, `member "${rawName}"`);
      const next = content + size + (size % 2);

      if (rawName === '//') {
        if (size > MAX_NAME_TABLE_BYTES) throw malformed(file, at, 'its table of names is too long');
        names = headers.read(content, size);
      } else if (rawName.startsWith('#1/')) {
        const length = decimal(rawName.slice(3));
        if (length === undefined || length > size || length > MAX_NAME_BYTES) throw malformed(file, at, 'the length of a BSD name is bad');
        const name = text(headers.read(content, length), file, at).replace(/\0+$/, '');
        yield { name: checkName(name, file, at), sizeBytes: size - length, offset: content + length };
      } else if (/^\/\d+$/.test(rawName)) {
        yield { name: checkName(longName(names, Number(rawName.slice(1)), file, at), file, at), sizeBytes: size, offset: content };
      } else if (rawName !== '/' && rawName !== '/SYM64/') {
        yield { name: checkName(rawName.endsWith('/') ? rawName.slice(0, -1) : rawName, file, at), sizeBytes: size, offset: content };
      }
      at = next;
    }
  } finally {
    closeSync(descriptor);
  }
}

/**
 * The content of a member. Each call opens the file anew.
 *
 * @throws (through the stream) `ICT_ARCHIVE_TRUNCATED` when the file became shorter since {@link readAr}.
 */
export function openArMember(file: string, member: ArMember, options: { readonly signal?: AbortSignal } = {}): Readable {
  return Readable.from(memberBytes(file, member, options.signal), { objectMode: false, highWaterMark: READ_BYTES });
}

async function* memberBytes(file: string, member: ArMember, signal: AbortSignal | undefined): AsyncGenerator<Buffer, void, undefined> {
  const handle = await open(file, 'r');
  try {
    const end = member.offset + member.sizeBytes;
    for (let at = member.offset; at < end; ) {
      signal?.throwIfAborted();
      const want = Math.min(READ_BYTES, end - at);
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafeSlow(want), 0, want, at);
      if (bytesRead === 0) throw truncated(file, at, `member "${member.name}"`);
      yield buffer.subarray(0, bytesRead);
      at += bytesRead;
    }
  } finally {
    await handle.close();
  }
}

/**
 * Reads headers, with a little of what follows each: the first headers of most archives lie together. Synchronously, because a header
 * takes microseconds and a trip through Node's thread pool many times that.
 */
class HeaderReader {
  readonly #descriptor: number;
  #window: Buffer = Buffer.alloc(0);
  #offset = 0;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /** The `length` bytes at `position`, fewer only when the file ends before. They never change. */
  read(position: number, length: number): Buffer {
    const skip = position - this.#offset;
    if (skip < 0 || skip + length > this.#window.length) {
      this.#window = readAt(this.#descriptor, position, Math.max(length, WINDOW_BYTES));
      this.#offset = position;
    }
    return this.#window.subarray(position - this.#offset, position - this.#offset + length);
  }
}

function readAt(descriptor: number, position: number, length: number): Buffer {
  const buffer = Buffer.alloc(length);
  for (let filled = 0; filled < length; ) {
    const bytesRead = readSync(descriptor, buffer, filled, length - filled, position + filled);
    if (bytesRead === 0) return buffer.subarray(0, filled);
    filled += bytesRead;
  }
  return buffer;
}

function decimal(field: string): number | undefined {
  const digits = field.trim();
  return /^\d{1,15}$/.test(digits) ? Number(digits) : undefined;
}

function longName(names: Buffer | undefined, start: number, file: string, at: number): string {
  if (names === undefined || start >= names.length) throw malformed(file, at, 'a long name is not in the table of names');
  const end = names.indexOf(0x0a, start);
  const name = text(names.subarray(start, end === -1 ? names.length : end), file, at);
  return name.endsWith('/') ? name.slice(0, -1) : name;
}

function checkName(name: string, file: string, at: number): string {
  if (name === '' || name.includes('\0')) throw malformed(file, at, 'a member has no proper name');
  return name;
}

function text(bytes: Buffer, file: string, at: number): string {
  const decoded = bytes.toString('utf8');
  if (decoded.includes('\ufffd')) throw malformed(file, at, 'a member name is not UTF-8');
  return decoded;
}

function malformed(file: string, offset: number, reason: string): Error {
  return archiveError('ICT_ARCHIVE_AR', {
    message: `${file} is not a proper ar archive: ${reason} (at byte ${offset})`,
    hint: 'The file may be damaged or something else: fetch it again.',
    facts: { file, offset, reason },
  });
}

function truncated(file: string, offset: number, what: string): Error {
  return archiveError('ICT_ARCHIVE_TRUNCATED', {
    message: `${file} ends within ${what} (at byte ${offset})`,
    hint: 'The file is incomplete: fetch it again.',
    facts: { file, offset },
  });
}
