import { PROGRAM_HEAD_BYTES, readPortableExecutable, type ProgramSection } from '@ict/image-parts';
import type { BootEntry } from './boot-configuration.js';
import { fieldText } from './bytes.js';
import type { FileEntry } from './filesystems/filesystem.js';

/** Sections that hold text; the others are whole kernels. */
const MOST_TEXT_BYTES = 64 * 1024;

/**
 * Reads the sections of a unified kernel image that are text.
 *
 * @returns undefined when the file is no such image.
 * @see https://uapi-group.org/specifications/specs/unified_kernel_image/
 */
export async function readUnifiedImage(file: FileEntry): Promise<BootEntry | undefined> {
  const sections = await sectionsOf(file);
  if (!sections.some(({ name }) => name === '.linux')) return undefined;
  const text = async (name: string): Promise<string | undefined> => {
    const section = sections.find((one) => one.name === name);
    if (section === undefined || section.memoryBytes > MOST_TEXT_BYTES) return undefined;
    const { content, memoryBytes } = section;
    const bytes = await read(file, content.offset, Math.min(content.length, memoryBytes));
    return fieldText(bytes, 0, bytes.length).trim();
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

/** Sections of a program; none of any other file. */
async function sectionsOf(file: FileEntry): Promise<readonly ProgramSection[]> {
  const head = await read(file, 0, Math.min(PROGRAM_HEAD_BYTES, file.sizeBytes));
  try {
    return readPortableExecutable(head, file.sizeBytes, (reason) => new RangeError(reason)).sections;
  } catch (error) {
    if (error instanceof RangeError) return [];
    throw error;
  }
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
