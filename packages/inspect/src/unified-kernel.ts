import type { BootEntry } from './boot-configuration.js';
import type { FileEntry } from './filesystems/filesystem.js';

const SECTION_BYTES = 40;
/** Sections that hold text; the others are whole kernels. */
const MOST_TEXT_BYTES = 64 * 1024;
const HEAD_BYTES = 64 * 1024;

/**
 * Reads the sections of a unified kernel image that are text.
 *
 * @returns undefined when the file is no such image.
 * @see https://uapi-group.org/specifications/specs/unified_kernel_image/
 */
export async function readUnifiedKernel(file: FileEntry): Promise<BootEntry | undefined> {
  const sections = sectionsOf(await read(file, 0, Math.min(HEAD_BYTES, file.sizeBytes)));
  if (sections?.has('.linux') !== true) return undefined;
  const text = async (name: string): Promise<string | undefined> => {
    const section = sections.get(name);
    if (section === undefined || section.sizeBytes > MOST_TEXT_BYTES || section.at + section.sizeBytes > file.sizeBytes) return undefined;
    return (await read(file, section.at, section.sizeBytes)).toString().replace(/\0+$/, '').trim();
  };
  const [release, version, options] = [await text('.osrel'), await text('.uname'), await text('.cmdline')];
  const title = /^PRETTY_NAME="?(.*?)"?$/m.exec(release ?? '')?.[1];
  return {
    file: file.path,
    ...(title === undefined ? {} : { title }),
    ...(version === undefined ? {} : { version }),
    initrds: [],
    options: options ?? '',
  };
}

interface Section {
  /** Offset in the file, in bytes. */
  readonly at: number;
  readonly sizeBytes: number;
}

/** @see Microsoft, PE Format, "Section Table" */
function sectionsOf(head: Buffer): ReadonlyMap<string, Section> | undefined {
  if (head.length < 64 || head.toString('latin1', 0, 2) !== 'MZ') return undefined;
  const at = head.readUInt32LE(60);
  if (at + 24 > head.length || head.toString('latin1', at, at + 4) !== 'PE\0\0') return undefined;
  const first = at + 24 + head.readUInt16LE(at + 20);
  const count = head.readUInt16LE(at + 6);
  if (first + count * SECTION_BYTES > head.length) return undefined;
  return new Map(
    Array.from({ length: count }, (_none, index) => {
      const section = head.subarray(first + index * SECTION_BYTES, first + (index + 1) * SECTION_BYTES);
      const sizeBytes = Math.min(section.readUInt32LE(8), section.readUInt32LE(16));
      return [section.toString('latin1', 0, 8).replace(/\0.*$/s, ''), { at: section.readUInt32LE(20), sizeBytes }];
    }),
  );
}

async function read(file: FileEntry, offset: number, length: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let at = 0;
  for await (const piece of file.content()) {
    const from = Math.max(0, offset - at);
    at += piece.length;
    if (from < piece.length) parts.push(piece.subarray(from, from + Math.min(piece.length, offset + length - (at - piece.length)) - from));
    if (at >= offset + length) break;
  }
  return Buffer.concat(parts).subarray(0, length);
}
