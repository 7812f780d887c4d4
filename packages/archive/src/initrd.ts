import { ByteReader } from './byte-reader.js';
import { detectCompression, DETECTION_BYTES, type Compression } from './compression.js';
import { isMember, malformed, readMembers, type CpioEntry } from './cpio.js';
import { CPIO_ALIGNMENT } from './cpio-writer.js';
import { decompressPart, tooLarge } from './decompress.js';
import { archiveError } from './errors.js';
import { decompressLegacyLz4, LZ4_LEGACY_MAGIC } from './lz4-legacy.js';

/** A member of one of the archives of an initrd. */
export interface InitrdEntry extends CpioEntry {
  /** Which archive it is of, from 0: names of one file are in one. */
  readonly archive: number;
}

export interface ReadInitrdOptions {
  readonly signal?: AbortSignal;
  /** Refuse to decompress more bytes than this, of all parts together; default: no bound. */
  readonly maxBytes?: number;
}

/** What Linux decompresses, beside lz4 and lzo. */
const KINDS: readonly Compression[] = ['gz', 'xz', 'zstd', 'bz2', 'lzma'];
/** How data begins of which nobody here has a decoder. */
const UNREAD: Readonly<Record<string, Buffer>> = {
  lzop: Buffer.from('894c5a4f000d0a1a0a', 'hex'),
  'lz4 frames, which Linux does not read either': Buffer.from('04224d18', 'hex'),
};

/** How many more bytes may be decompressed. */
interface Budget {
  readonly maxBytes: number;
  left: number;
}

/**
 * Reads an initrd as Linux does: archives of cpio in the new ASCII form, one behind the other, with zeros between them, some uncompressed (microcode
 * for processors), some compressed with gz, xz, zstd, lz4, bz2 or lzma. Data of xz, bz2 and lzma ends with the
 * source: what follows is refused by xz and lzma, and passed over by bz2.
 *
 * @throws as `readCpio` and `decompress`; `ICT_ARCHIVE_CPIO` also for what is neither an archive nor compressed; `ICT_ARCHIVE_COMPRESSION` for what nobody here
 *   decompresses; `ICT_ARCHIVE_TOO_LARGE`.
 * @see Documentation/driver-api/early-userspace/buffer-format.rst, and init/initramfs.c, of the kernel
 */
export async function* readInitrd(
  source: AsyncIterable<Uint8Array>,
  { signal, maxBytes = Infinity }: ReadInitrdOptions = {},
): AsyncGenerator<InitrdEntry, void, undefined> {
  const options = signal === undefined ? {} : { signal };
  const budget: Budget = { maxBytes, left: maxBytes };
  let archive = 0;
  /** Archives of the initrd, or of one compressed part of it. */
  async function* archivesOf(bytes: ByteReader, isPart: boolean): AsyncGenerator<InitrdEntry, void, undefined> {
    let head = await bytes.peek(DETECTION_BYTES);
    do {
      const at = bytes.offset;
      if (isMember(head)) {
        if (at % CPIO_ALIGNMENT !== 0) throw malformed(at, `an archive does not begin at a multiple of ${CPIO_ALIGNMENT} bytes`);
        for await (const entry of readMembers(bytes, options)) yield { ...entry, archive };
        archive++;
      } else {
        const part = isPart ? undefined : openPart(bytes, head, options);
        if (part === undefined) throw malformed(at, 'there is neither an archive nor compressed data that is known');
        yield* closing(new ByteReader(within(budget, part)), (inner) => archivesOf(inner, true));
      }
      head = await behindZeros(bytes);
    } while (head.length > 0);
  }
  yield* closing(new ByteReader(source), (reader) => archivesOf(reader, false));
}

async function* closing<Item>(
  reader: ByteReader,
  work: (reader: ByteReader) => AsyncIterable<Item>,
): AsyncGenerator<Item, void, undefined> {
  try {
    yield* work(reader);
  } finally {
    await reader.close();
  }
}

interface Part {
  readonly kind: Compression | 'lz4';
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** Decompresses what begins at the place of a reader; undefined for what nobody knows. */
function openPart(reader: ByteReader, head: Buffer, options: Pick<ReadInitrdOptions, 'signal'>): Part | undefined {
  const begins = (magic: Buffer): boolean => head.subarray(0, magic.length).equals(magic);
  if (begins(LZ4_LEGACY_MAGIC)) return { kind: 'lz4', bytes: decompressLegacyLz4(reader) };
  const unread = Object.keys(UNREAD).find((name) => begins(UNREAD[name] as Buffer));
  if (unread !== undefined) {
    throw archiveError('ICT_ARCHIVE_COMPRESSION', {
      message: `At byte ${reader.offset} it is compressed with ${unread}`,
      hint: 'Unpack it with the program for such data.',
      facts: { offset: reader.offset, compression: unread },
    });
  }
  const kind = detectCompression(head);
  return KINDS.includes(kind) ? { kind, bytes: decompressPart(reader, kind, options) } : undefined;
}

async function* within(budget: Budget, { kind, bytes }: Part): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const piece of bytes) {
    if ((budget.left -= piece.length) < 0) throw tooLarge(kind, budget.maxBytes);
    yield piece;
  }
}

/** Passes over zeros, which lie between archives. @returns the bytes that follow, which stay to be read. */
async function behindZeros(reader: ByteReader): Promise<Buffer> {
  for (let piece = await reader.some(ZEROS_BYTES); piece !== undefined; piece = await reader.some(ZEROS_BYTES)) {
    const used = piece.findIndex((byte) => byte !== 0);
    if (used < 0) continue;
    reader.unread(piece.length - used);
    break;
  }
  return reader.peek(DETECTION_BYTES);
}

const ZEROS_BYTES = 64 * 1024;
