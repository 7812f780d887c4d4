import { packageIndexError } from './errors.js';

/** A column of numbers or a run of bytes. */
export type Section = Uint8Array | Uint32Array;

/** Columns by name. */
export type Sections = Readonly<Record<string, Section>>;

/** What a container holds: whose format it is, and which version of it. */
export interface SectionsKind {
  readonly kind: string;
  /** Raised when the meaning of a section changes: containers of other versions are not read. */
  readonly version: number;
}

interface SectionEntry {
  readonly name: string;
  /** Bytes a number: 1 or 4. */
  readonly width: 1 | 4;
  /** Of the first byte, from the end of the header. */
  readonly offset: number;
  readonly sizeBytes: number;
}

interface Header extends SectionsKind {
  readonly sections: readonly SectionEntry[];
}

const MAGIC = Buffer.from('ICTINDEX', 'latin1');
/** Magic and length of the header. */
const PREFIX = MAGIC.length + 4;
const ALIGNMENT = 8;
const MAX_HEADER_BYTES = 64 * 1024;

/**
 * Puts columns into one container: `ICTINDEX`, the length of the header (32 bits), the header (JSON), then the columns, each at a
 * multiple of eight bytes. Numbers are little-endian. Equal input gives equal bytes.
 */
export function encodeSections({ kind, version }: SectionsKind, sections: Sections): Uint8Array<ArrayBuffer> {
  const entries: SectionEntry[] = [];
  let offset = 0;
  for (const [name, section] of Object.entries(sections)) {
    entries.push({ name, width: section.BYTES_PER_ELEMENT as 1 | 4, offset, sizeBytes: section.byteLength });
    offset = aligned(offset + section.byteLength);
  }
  const header = Buffer.from(JSON.stringify({ kind, version, sections: entries } satisfies Header), 'utf8');
  const start = aligned(PREFIX + header.length);
  const bytes = Buffer.alloc(start + offset);
  MAGIC.copy(bytes);
  bytes.writeUInt32LE(header.length, MAGIC.length);
  header.copy(bytes, PREFIX);
  Object.values(sections).forEach((section, i) => {
    bytes.set(new Uint8Array(section.buffer, section.byteOffset, section.byteLength), start + entries[i].offset);
  });
  return bytes;
}

/**
 * The columns of a container, as views of its bytes: nothing is copied, and the bytes must not change afterwards.
 *
 * Only the frame is checked. Whoever reads a container from disk makes sure first, by its digest, that it is the one that was written.
 *
 * @throws `ICT_PACKAGE_INDEX_INVALID` for what is no container of this kind and version, or is cut off.
 */
export function decodeSections({ kind, version }: SectionsKind, bytes: Uint8Array): Sections {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length < PREFIX || !buffer.subarray(0, MAGIC.length).equals(MAGIC)) throw invalid('it does not begin as one');
  const headerBytes = buffer.readUInt32LE(MAGIC.length);
  if (headerBytes > MAX_HEADER_BYTES || PREFIX + headerBytes > buffer.length) throw invalid('its header is cut off');
  const header = readHeader(buffer.toString('utf8', PREFIX, PREFIX + headerBytes));
  if (header.kind !== kind || header.version !== version) {
    throw invalid(`it is of kind ${header.kind} ${header.version}, not ${kind} ${version}`);
  }
  const start = aligned(PREFIX + headerBytes);
  const sections: Record<string, Section> = {};
  for (const { name, width, offset, sizeBytes } of header.sections) {
    if (start + offset + sizeBytes > buffer.length) throw invalid(`its section ${name} is cut off`);
    const at = bytes.byteOffset + start + offset;
    if (width === 1) sections[name] = new Uint8Array(bytes.buffer, at, sizeBytes);
    else if (at % 4 === 0) sections[name] = new Uint32Array(bytes.buffer, at, sizeBytes / 4);
    else sections[name] = new Uint32Array(bytes.slice(start + offset, start + offset + sizeBytes).buffer);
  }
  return sections;
}

function readHeader(text: string): Header {
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch (cause) {
    throw invalid('its header cannot be read', cause);
  }
  if (!isHeader(header)) throw invalid('its header is not one');
  return header;
}

function isHeader(value: unknown): value is Header {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, version, sections } = value as Partial<Header>;
  return typeof kind === 'string' && typeof version === 'number' && Array.isArray(sections) && sections.every(isEntry);
}

function isEntry(value: unknown): value is SectionEntry {
  if (typeof value !== 'object' || value === null) return false;
  const { name, width, offset, sizeBytes } = value as Partial<SectionEntry>;
  if (typeof name !== 'string' || (width !== 1 && width !== 4)) return false;
  return isCount(offset) && isCount(sizeBytes) && offset % ALIGNMENT === 0 && sizeBytes % width === 0;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function aligned(offset: number): number {
  return Math.ceil(offset / ALIGNMENT) * ALIGNMENT;
}

function invalid(why: string, cause?: unknown): Error {
  return packageIndexError('ICT_PACKAGE_INDEX_INVALID', {
    message: `a cached package index cannot be used: ${why}`,
    hint: 'Nothing is lost: the index of the repository is read again.',
    ...(cause === undefined ? {} : { cause }),
  });
}
