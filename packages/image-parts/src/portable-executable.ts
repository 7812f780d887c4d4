import type { ByteRange } from './piecewise.js';

/** One section of a program. */
export interface ProgramSection {
  readonly name: string;
  /** In memory, counted from where the program is loaded. */
  readonly address: number;
  readonly memoryBytes: number;
  /** In the file; `length` is a multiple of the alignment. */
  readonly content: ByteRange;
}

/** What the headers of a program for UEFI say (PE32+). Offsets are those of the file. */
export interface PortableExecutable {
  readonly sections: readonly ProgramSection[];
  readonly headerBytes: number;
  /** Where the checksum is; nothing of UEFI reads it. */
  readonly checksumOffset: number;
  /** Where it says which range of the file holds signatures. */
  readonly certificatesOffset: number;
  /** Undefined for a program without signatures. */
  readonly certificates: ByteRange | undefined;
}

/** A section to append. */
export interface AddedSection {
  readonly name: string;
  readonly sizeBytes: number;
  /** Code, which old kernels run where it lies. */
  readonly code?: true;
}

/** A program with more sections, of which the contents are still missing. */
export interface ExtendedProgram {
  /** All that comes before the first new section. */
  readonly head: Buffer;
  /** Where in the file each new section begins, in their order. What lies between them is zeros. */
  readonly offsets: readonly number[];
  readonly sizeBytes: number;
}

/** Headers are no longer than this: a longer beginning of a file need not be read. */
export const PROGRAM_HEAD_BYTES = 64 * 1024;

/** Makes the error for a file that is no such program, or cannot get what it is to get. */
export type ProgramRefusal = (reason: string) => Error;

const SECTION_ENTRY_BYTES = 40;
/** In the optional header of PE32+. */
const OPTIONAL = {
  magic: 0,
  codeBytes: 4,
  dataBytes: 8,
  sectionAlignment: 32,
  fileAlignment: 36,
  imageBytes: 56,
  headerBytes: 60,
  checksum: 64,
  directories: 108,
  certificates: 112 + 4 * 8,
  least: 112 + 5 * 8,
} as const;
const PE32_PLUS = 0x20b;
/** Where an added section begins in memory at least: pages of every architecture that UEFI knows. */
const PAGE_BYTES = 4096;
const MAX_BYTES = 2 ** 32 - 1;
/** Initialized data that can be read; code that can be read and run. */
const [DATA, CODE] = [0x4000_0040, 0x6000_0020];

/**
 * Reads the headers of a program.
 *
 * @param head the beginning of the file: {@link PROGRAM_HEAD_BYTES} of it, or all.
 * @param sizeBytes of the whole file.
 * @see Microsoft's "PE Format"
 */
export function readPortableExecutable(head: Buffer, sizeBytes: number, refuse: ProgramRefusal): PortableExecutable {
  return readHeaders(head, sizeBytes, refuse).program;
}

/**
 * Appends sections to a program: each begins in memory at the next page after the last, and in the file at the next multiple of its alignment. What follows the
 * sections of the program (symbols for debuggers, signatures) is left out, as it is true no longer. All else stays, the time of its headers too: equal input gives equal bytes.
 */
export function appendSections(program: Buffer, added: readonly AddedSection[], refuse: ProgramRefusal): ExtendedProgram {
  const { program: read, coff, optional, table, sectionAlignment, fileAlignment } = readHeaders(program, program.length, refuse);
  const { sections, headerBytes } = read;
  const tableEnd = table + (sections.length + added.length) * SECTION_ENTRY_BYTES;
  const contents = sections.map(({ content }) => content).filter(({ length }) => length > 0);
  if (tableEnd > Math.min(headerBytes, ...contents.map(({ offset }) => offset)))
    throw refuse(`its headers have no room for ${added.length} more sections`);
  const known = sections.map(({ name }) => name);
  const taken = added.find(({ name }) => known.includes(name));
  if (taken !== undefined) throw refuse(`it has a section ${taken.name} already`);
  let end = alignedTo(fileAlignment, Math.max(headerBytes, ...contents.map(({ offset, length }) => offset + length)));
  let address = Math.max(...sections.map((section) => section.address + Math.max(section.memoryBytes, section.content.length)));
  const head = Buffer.alloc(end);
  program.copy(head, 0, 0, Math.min(end, program.length));
  const offsets: number[] = [];
  const sizes = { code: head.readUInt32LE(optional + OPTIONAL.codeBytes), data: head.readUInt32LE(optional + OPTIONAL.dataBytes) };
  for (const [index, { name, sizeBytes, code }] of added.entries()) {
    const length = alignedTo(fileAlignment, sizeBytes);
    address = alignedTo(Math.max(PAGE_BYTES, sectionAlignment), address);
    if (Math.max(address, end) + length > MAX_BYTES) throw refuse(`with its section ${name} it would have 4 GiB or more`);
    const entry = table + (sections.length + index) * SECTION_ENTRY_BYTES;
    head.fill(0, entry, entry + SECTION_ENTRY_BYTES);
    head.write(name, entry, 8, 'latin1');
    head.writeUInt32LE(sizeBytes, entry + 8);
    head.writeUInt32LE(address, entry + 12);
    head.writeUInt32LE(length, entry + 16);
    head.writeUInt32LE(end, entry + 20);
    head.writeUInt32LE(code === true ? CODE : DATA, entry + 36);
    sizes[code === true ? 'code' : 'data'] += length;
    offsets.push(end);
    end += length;
    address += sizeBytes;
  }
  head.writeUInt16LE(sections.length + added.length, coff + 2);
  head.writeBigUInt64LE(0n, coff + 8); // no symbols
  head.writeUInt32LE(sizes.code % 2 ** 32, optional + OPTIONAL.codeBytes);
  head.writeUInt32LE(sizes.data % 2 ** 32, optional + OPTIONAL.dataBytes);
  head.writeUInt32LE(alignedTo(sectionAlignment, address), optional + OPTIONAL.imageBytes);
  head.writeUInt32LE(0, read.checksumOffset);
  head.writeBigUInt64LE(0n, read.certificatesOffset);
  return { head, offsets, sizeBytes: end };
}

/** What a program is made of, and where its headers say so. */
interface Headers {
  readonly program: PortableExecutable;
  /** Offsets of the COFF header, the optional header and the table of sections. */
  readonly coff: number;
  readonly optional: number;
  readonly table: number;
  readonly sectionAlignment: number;
  readonly fileAlignment: number;
}

function readHeaders(head: Buffer, sizeBytes: number, refuse: ProgramRefusal): Headers {
  const need = (end: number): void => {
    if (end > head.length) throw refuse('it ends within its headers');
  };
  need(64);
  if (head.toString('latin1', 0, 2) !== 'MZ') throw refuse('it does not begin with "MZ"');
  const start = head.readUInt32LE(0x3c);
  const [coff, optional] = [start + 4, start + 24];
  need(optional);
  if (head.toString('latin1', start, coff) !== 'PE\0\0') throw refuse('it has no PE header');
  const optionalBytes = head.readUInt16LE(coff + 16);
  const table = optional + optionalBytes;
  const count = head.readUInt16LE(coff + 2);
  need(table + count * SECTION_ENTRY_BYTES);
  if (optionalBytes < OPTIONAL.least || head.readUInt16LE(optional + OPTIONAL.magic) !== PE32_PLUS) throw refuse('it is no PE32+ program');
  if (head.readUInt32LE(optional + OPTIONAL.directories) < 5) throw refuse('it has no place for signatures');
  const sectionAlignment = head.readUInt32LE(optional + OPTIONAL.sectionAlignment);
  const fileAlignment = head.readUInt32LE(optional + OPTIONAL.fileAlignment);
  const headerBytes = head.readUInt32LE(optional + OPTIONAL.headerBytes);
  if (![sectionAlignment, fileAlignment].every(isAlignment)) throw refuse('its alignment is no power of two');
  if (count === 0) throw refuse('it has no sections');
  if (headerBytes < table + count * SECTION_ENTRY_BYTES || headerBytes > Math.min(head.length, sizeBytes))
    throw refuse('its headers have a wrong size');
  const sections = Array.from({ length: count }, (_, index): ProgramSection => {
    const entry = table + index * SECTION_ENTRY_BYTES;
    const content = { offset: head.readUInt32LE(entry + 20), length: head.readUInt32LE(entry + 16) };
    const name = head.toString('latin1', entry, entry + 8).replace(/\0+$/u, '');
    if (content.length > 0 && content.offset + content.length > sizeBytes) throw refuse(`it ends within its section ${name}`);
    return { name, address: head.readUInt32LE(entry + 12), memoryBytes: head.readUInt32LE(entry + 8), content };
  });
  const certificatesOffset = optional + OPTIONAL.certificates;
  const certificates = { offset: head.readUInt32LE(certificatesOffset), length: head.readUInt32LE(certificatesOffset + 4) };
  if (certificates.length > 0 && certificates.offset + certificates.length !== sizeBytes) throw refuse('its signatures are not at its end');
  return {
    program: {
      sections,
      headerBytes,
      checksumOffset: optional + OPTIONAL.checksum,
      certificatesOffset,
      certificates: certificates.length === 0 ? undefined : certificates,
    },
    ...{ coff, optional, table, sectionAlignment, fileAlignment },
  };
}

function alignedTo(alignment: number, value: number): number {
  return Math.ceil(value / alignment) * alignment;
}

function isAlignment(value: number): boolean {
  return value >= 8 && value <= 2 ** 24 && Number.isInteger(Math.log2(value));
}
