const MAGIC = 0x7f454c46;
/** Class and byte order of the only files that are read: 64 bits, little-endian. A program of `armv7hl` tells nothing. */
const CLASS_64 = 2;
const LITTLE_ENDIAN = 1;
const HEADER_BYTES = 64;

const SEGMENT_BYTES = 56;
const LOADED = 1;
const DYNAMIC = 2;

const ENTRY_BYTES = 16;
const END = 0n;
const NEEDED = 1n;
const STRING_TABLE = 5n;
const NAME = 14n;

/** Of the dynamic section, of which a hundred entries are many: the file itself says how long it is, and so how many names are read. */
const MAX_DYNAMIC_BYTES = 64 * 1024;
/** As of any file. */
const MAX_NAME_BYTES = 255;

/** A part of the file, and where it lies in memory. */
interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly sizeBytes: number;
}

/** What a program or shared library says of libraries, by the names that they are asked for: `libc.so.6`. */
export interface LibraryNeeds {
  /** Its own name, which libraries have. */
  readonly name: string | undefined;
  /** Those that it cannot start without. */
  readonly needed: readonly string[];
}

const NOTHING: LibraryNeeds = { name: undefined, needed: [] };

/**
 * Reads what a program or library needs to start.
 *
 * @param content of any file. What is no ELF file, or a damaged one, needs nothing. A name that no file can have is none.
 * @see elf(5)
 */
export function readLibraryNeeds(content: Uint8Array): LibraryNeeds {
  const elf = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  if (elf.length < HEADER_BYTES || elf.readUInt32BE(0) !== MAGIC || elf[4] !== CLASS_64 || elf[5] !== LITTLE_ENDIAN) return NOTHING;
  const segments = [...readSegments(elf)];
  const dynamic = segments.find(({ type }) => type === DYNAMIC);
  if (dynamic === undefined) return NOTHING;
  const entries = [...readEntries(elf.subarray(dynamic.offset, dynamic.offset + Math.min(dynamic.sizeBytes, MAX_DYNAMIC_BYTES)))];
  const table = Number(entries.find(([tag]) => tag === STRING_TABLE)?.[1]);
  const around = segments.find(({ type, address, sizeBytes }) => type === LOADED && table >= address && table < address + sizeBytes);
  if (around === undefined) return NOTHING;
  const strings = elf.subarray(around.offset + table - around.address);
  const namesOf = (wanted: bigint): readonly string[] =>
    entries.flatMap(([tag, at]) => (tag === wanted ? readName(strings.subarray(Number(at), Number(at) + MAX_NAME_BYTES + 1)) : []));
  return { name: namesOf(NAME)[0], needed: namesOf(NEEDED) };
}

function* readSegments(elf: Buffer): Generator<Segment, void, undefined> {
  const first = Number(elf.readBigUInt64LE(32));
  const count = elf.readUInt16LE(56);
  for (let index = 0; index < count; index++) {
    const segment = elf.subarray(first + index * SEGMENT_BYTES, first + (index + 1) * SEGMENT_BYTES);
    if (segment.length < SEGMENT_BYTES) return;
    const [offset, address, sizeBytes] = [8, 16, 32].map((field) => Number(segment.readBigUInt64LE(field))) as [number, number, number];
    yield { type: segment.readUInt32LE(0), offset, address, sizeBytes };
  }
}

/** The text up to the first zero byte; nothing where it is empty, or has no end. */
function readName(text: Buffer): readonly string[] {
  const end = text.indexOf(0);
  return end > 0 ? [text.toString('latin1', 0, end)] : [];
}

/** Tags with their values, up to the end mark. */
function* readEntries(dynamic: Buffer): Generator<readonly [tag: bigint, value: bigint], void, undefined> {
  for (let at = 0; at + ENTRY_BYTES <= dynamic.length; at += ENTRY_BYTES) {
    const tag = dynamic.readBigUInt64LE(at);
    if (tag === END) return;
    yield [tag, dynamic.readBigUInt64LE(at + 8)];
  }
}
