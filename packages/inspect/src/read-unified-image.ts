import { PROGRAM_HEAD_BYTES, readPortableExecutable, type ProgramSection } from '@ict/image-parts';
import type { BootEntry } from './boot-configuration.js';
import { fieldText } from './bytes.js';
import { gathered, type FileEntry, type OpenedFilesystem } from './filesystems/filesystem.js';
import { filesystemOver } from './filesystems/filesystem-over.js';
import { nothing } from './filesystems/pieces.js';

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
  if (!isUnified(sections)) return undefined;
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

/**
 * Opens a unified kernel image as a directory of its sections: the kernel is `/.linux`, the initrd `/.initrd`. Of several of one name the later ones have a number behind
 * it.
 *
 * @returns undefined when the file is no such image.
 */
export async function openUnifiedImage(file: FileEntry): Promise<OpenedFilesystem | undefined> {
  const sections = await sectionsOf(file);
  if (!isUnified(sections)) return undefined;
  const entries = new Map<string, FileEntry>();
  for (const { name, content, memoryBytes } of sections) {
    const own = FILE_NAME.test(name) ? name : 'section';
    let path = `/${own}`;
    for (let count = 2; entries.has(path); count++) path = `/${own}-${count}`;
    const sizeBytes = Math.min(content.length, memoryBytes);
    entries.set(path, { ...ROOT, path, type: 'file', sizeBytes, content: () => piecesOf(file, content.offset, sizeBytes) });
  }
  return {
    summary: { type: 'uki' },
    files: filesystemOver(ROOT, async function* () {
      yield* entries.values();
    }),
  };
}

/** Others name a place in the file, or nothing. */
const FILE_NAME = /^\.?\w+$/u;

/** Sections have neither owners nor times, nor is one another's. */
const ROOT: FileEntry = { path: '/', type: 'directory', mode: 0, owner: 0, group: 0, seconds: 0, sizeBytes: 0, inode: 0, content: nothing };

function isUnified(sections: readonly ProgramSection[]): boolean {
  return sections.some(({ name }) => name === '.linux');
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

function read(file: FileEntry, offset: number, length: number): Promise<Buffer> {
  return gathered(piecesOf(file, offset, length));
}

/** A part of a file, which is read from its beginning. */
async function* piecesOf(file: FileEntry, offset: number, length: number): AsyncGenerator<Buffer, void, undefined> {
  let at = 0;
  if (length === 0) return;
  for await (const piece of file.content()) {
    const from = Math.max(0, offset - at);
    const to = Math.min(piece.length, offset + length - at);
    if (from < to) yield piece.subarray(from, to);
    at += piece.length;
    if (at >= offset + length) return;
  }
}
