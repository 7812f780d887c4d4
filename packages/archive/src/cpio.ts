import { ByteReader } from './byte-reader.js';
import { decodeText } from './decode-text.js';
import { archiveError } from './errors.js';

/** A member of a cpio archive. */
export interface CpioEntry {
  /** As the archive has it (`./usr/bin/true`), read by {@link decodeText}; undefined in the stripped form. Not yet safe to use. */
  readonly name: string | undefined;
  /** The same as its bytes, until the next entry is asked for. */
  readonly nameBytes: Buffer | undefined;
  /** In the stripped form: which file of the package this is; undefined in the others. */
  readonly index: number | undefined;
  /** Type and permission bits, as `stat` gives them; 0 in the stripped form, like all numbers but the size. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly links: number;
  /** Seconds since 1970. */
  readonly mtimeSeconds: number;
  readonly inode: number;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  /** Of a device node. */
  readonly rdevMajor: number;
  readonly rdevMinor: number;
  readonly sizeBytes: number;
  /** Can be read once, before the next entry is asked for. What is not read is passed over. */
  readonly content: AsyncIterable<Uint8Array>;
}

export interface ReadCpioOptions {
  readonly signal?: AbortSignal;
  /** Size of a file in the stripped form, which does not say it; without this function that form is refused. */
  readonly strippedSize?: (index: number) => number | undefined;
}

const MAGIC_BYTES = 6;
const NEW_ASCII: readonly string[] = ['070701', '070702'];
const NEWC_BYTES = 104;
const STRIPPED_BYTES = 8;
const MAX_NAME_BYTES = 4096;
const TRAILER = 'TRAILER!!!';

/**
 * Reads a cpio archive in the new ASCII form (`070701`, with checksums `070702`) or the stripped form of rpm (`07070X`), in which members
 * are numbers of the files that the package's header describes. After the trailer the source is read to its end.
 *
 * @throws `ICT_ARCHIVE_CPIO` for a bad header or name, `ICT_ARCHIVE_TRUNCATED` (also when the trailer is absent); the signal's reason; what
 *   the source throws.
 * @see cpio(5), and rpm's cpio.c for the stripped form
 */
export async function* readCpio(
  source: AsyncIterable<Uint8Array>,
  options: ReadCpioOptions = {},
): AsyncGenerator<CpioEntry, void, undefined> {
  const reader = new ByteReader(source);
  try {
    yield* readMembers(reader, options);
    await reader.skip(Infinity);
  } finally {
    await reader.close();
  }
}

/** Members from the place of a reader on, which is left behind the trailer; otherwise as {@link readCpio}. */
export async function* readMembers(reader: ByteReader, options: ReadCpioOptions): AsyncGenerator<CpioEntry, void, undefined> {
  for (;;) {
    options.signal?.throwIfAborted();
    const at = reader.offset;
    const entry = await readEntry(reader, options);
    if (entry === undefined) return;
    const body = new CpioBody(reader, entry.sizeBytes, at);
    yield { ...entry, content: body };
    await body.finish();
  }
}

/** Whether bytes are how a member in the new ASCII form begins. */
export function isMember(bytes: Buffer): boolean {
  return NEW_ASCII.includes(bytes.toString('latin1', 0, MAGIC_BYTES));
}

/** The next header; undefined for the trailer. */
async function readEntry(reader: ByteReader, options: ReadCpioOptions): Promise<Omit<CpioEntry, 'content'> | undefined> {
  const at = reader.offset;
  const magic = (await exactly(reader, MAGIC_BYTES, at)).toString('latin1');
  if (magic === '07070X') {
    const index = hex(await exactly(reader, STRIPPED_BYTES, at), 0, at);
    await align(reader, at);
    const sizeBytes = options.strippedSize?.(index);
    if (sizeBytes === undefined) throw malformed(at, `it has a member ${index} that nothing describes`);
    return { ...NOTHING, name: undefined, nameBytes: undefined, index, sizeBytes };
  }
  if (!NEW_ASCII.includes(magic)) throw malformed(at, 'a member does not begin with the magic number of the new ASCII form');
  const fields = await exactly(reader, NEWC_BYTES, at);
  const [inode, mode, uid, gid, links, mtimeSeconds, sizeBytes, deviceMajor, deviceMinor, rdevMajor, rdevMinor, nameBytes] = Array.from(
    { length: 12 },
    (_, i) => hex(fields, i * 8, at),
  ) as [number, number, number, number, number, number, number, number, number, number, number, number];
  if (nameBytes < 2 || nameBytes > MAX_NAME_BYTES) throw malformed(at, `a name has ${nameBytes} bytes`);
  const raw = await exactly(reader, nameBytes, at);
  if (raw.indexOf(0) !== nameBytes - 1) throw malformed(at, 'a name is not ended by its only NUL');
  await align(reader, at);
  const text = raw.subarray(0, nameBytes - 1);
  const name = decodeText(text);
  if (name === TRAILER) return undefined;
  return {
    name,
    nameBytes: text,
    index: undefined,
    mode,
    uid,
    gid,
    links,
    mtimeSeconds,
    inode,
    deviceMajor,
    deviceMinor,
    rdevMajor,
    rdevMinor,
    sizeBytes,
  };
}

const NOTHING = {
  mode: 0,
  uid: 0,
  gid: 0,
  links: 0,
  mtimeSeconds: 0,
  inode: 0,
  deviceMajor: 0,
  deviceMinor: 0,
  rdevMajor: 0,
  rdevMinor: 0,
} as const;

/** The content of one member, from the reader that all members share. */
class CpioBody implements AsyncIterable<Uint8Array> {
  readonly #reader: ByteReader;
  readonly #at: number;
  #remaining: number;
  #started = false;
  #passed = false;

  constructor(reader: ByteReader, sizeBytes: number, at: number) {
    this.#reader = reader;
    this.#remaining = sizeBytes;
    this.#at = at;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    if (this.#started || this.#passed) {
      throw archiveError('ICT_ARCHIVE_ENTRY_PASSED', {
        message: 'The content of a member can be read once, before the next member is asked for',
        hint: 'This is a defect: please report it.',
      });
    }
    this.#started = true;
    while (this.#remaining > 0) {
      const part = await this.#reader.some(this.#remaining);
      if (part === undefined) throw truncated(this.#at);
      this.#remaining -= part.length;
      yield part;
    }
  }

  async finish(): Promise<void> {
    this.#passed = true;
    if ((await this.#reader.skip(this.#remaining)) < this.#remaining) throw truncated(this.#at);
    this.#remaining = 0;
    await align(this.#reader, this.#at);
  }
}

/** Members and names are padded to four bytes, counted from the start of the archive. */
async function align(reader: ByteReader, at: number): Promise<void> {
  const padding = (4 - (reader.offset % 4)) % 4;
  if ((await reader.skip(padding)) < padding) throw truncated(at);
}

async function exactly(reader: ByteReader, count: number, at: number): Promise<Buffer> {
  const bytes = reader.take(count) ?? (await reader.read(count));
  if (bytes.length < count) throw truncated(at);
  return bytes;
}

function hex(bytes: Buffer, offset: number, at: number): number {
  const text = bytes.toString('latin1', offset, offset + 8);
  if (!/^[0-9A-Fa-f]{8}$/.test(text)) throw malformed(at, 'a field of a header is no hexadecimal number');
  return Number.parseInt(text, 16);
}

/** @param at where in the archive. */
export function malformed(at: number, reason: string): Error {
  return archiveError('ICT_ARCHIVE_CPIO', {
    message: `The cpio archive is damaged or hostile: at byte ${at}, ${reason}`,
    hint: 'Fetch the file again.',
    facts: { offset: at, reason },
  });
}

function truncated(at: number): Error {
  return archiveError('ICT_ARCHIVE_TRUNCATED', {
    message: `The cpio archive ends inside the member at byte ${at}, or has no trailer`,
    hint: 'Fetch the file again.',
    facts: { offset: at },
  });
}
