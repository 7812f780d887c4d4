import { readInitrd, type InitrdEntry } from '@ict/archive';
import { compareText, ContentHasher } from '@ict/integrity';
import { isIctError, type EntryType } from '@ict/plugin-api';
import { gathered, type FileEntry, type OpenedFilesystem, type ReadableFilesystem } from './filesystem.js';
import { hold, nameText, type Held } from './filesystem-over.js';
import { requireSize, typeOf } from './inode-fields.js';
import { MOST_UNPACKED_BYTES } from './limits.js';
import { nothing } from './pieces.js';

/** What says that nobody here decompresses it; whether it is an initrd is unknown then. */
const NO_DECODER: readonly string[] = ['ICT_ARCHIVE_COMPRESSION', 'ICT_ARCHIVE_PROGRAM_MISSING'];

/** The content of a file, which all its names have. */
interface Body {
  /** The member that has it. */
  member: number;
  sizeBytes: number;
  digest: string;
  readonly inode: number;
}

/** One name of an initrd. */
interface Member extends Pick<FileEntry, 'path' | 'type' | 'mode' | 'owner' | 'group' | 'seconds' | 'target' | 'device' | 'inode'> {
  /** Of a file. */
  readonly body?: Body;
}

/**
 * Reads an initrd, whose archives are gone through once, for the names and for digests of the contents. Of a name that several archives have, the last counts, as for Linux.
 *
 * @returns undefined for what is none; with `unread` where it is damaged or hostile, or compressed as nobody here decompresses.
 * @throws what reading its content fails with; the signal's reason.
 */
export async function openInitrd(source: Pick<FileEntry, 'content'>, signal?: AbortSignal): Promise<OpenedFilesystem | undefined> {
  const summary = { type: 'cpio' };
  const members = membersOf(source, signal);
  try {
    const first = await members.next().catch((cause: unknown) => reasonOf(cause));
    if (first instanceof Error)
      return isIctError(first) && NO_DECODER.includes(first.code) ? { summary, unread: first.message } : undefined;
    const index = await indexOf(first, members).catch((cause: unknown) => reasonOf(cause));
    return index instanceof Error ? { summary, unread: index.message } : { summary, files: filesOf(index, source) };
  } finally {
    await members.return();
  }
}

function membersOf({ content }: Pick<FileEntry, 'content'>, signal?: AbortSignal): ReturnType<typeof readInitrd> {
  return readInitrd(content(), { maxBytes: MOST_UNPACKED_BYTES, ...(signal === undefined ? {} : { signal }) });
}

/** Why an initrd is not read. @throws what is no fault of its own. */
function reasonOf(cause: unknown): Error {
  if (cause instanceof RangeError || (isIctError(cause) && cause.code.startsWith('ICT_ARCHIVE_'))) return cause;
  throw cause;
}

/** Members by their paths. @throws RangeError for what is not to be believed, `ICT_ARCHIVE_`… where it is damaged. */
async function indexOf(
  first: IteratorResult<InitrdEntry, void>,
  members: AsyncGenerator<InitrdEntry, void, undefined>,
): Promise<ReadonlyMap<string, Member>> {
  const index = new Map<string, Member>();
  const held: Held = { names: 0, characters: 0 };
  /** Files with several names, of one archive. */
  let linked = new Map<string, Body>();
  let archive = 0;
  let count = 1; // an inode of 0 is none
  for (let next = first; next.done !== true; next = await members.next()) {
    const entry = next.value;
    if (entry.archive !== archive) linked = new Map();
    archive = entry.archive;
    const path = pathOf(entry.nameBytes ?? Buffer.alloc(0));
    const type = typeOf(entry.mode, path, entry.inode);
    requireSize(path, type, entry.sizeBytes);
    const body = type === 'file' ? await bodyOf(entry, linked, count) : undefined;
    const member: Member = {
      ...{ path, type, mode: entry.mode & 0o7777, owner: entry.uid, group: entry.gid, seconds: entry.mtimeSeconds },
      ...(type === 'symlink' ? { target: nameText(await gathered(buffers(entry.content))) } : {}),
      ...(DEVICES.includes(type) ? { device: [entry.rdevMajor, entry.rdevMinor] as const } : {}),
      inode: body?.inode ?? count,
      ...(body === undefined ? {} : { body }),
    };
    hold(held, member);
    index.set(path, member);
    count++;
  }
  return index;
}

const DEVICES: readonly EntryType[] = ['character', 'block'];

/** Of several names of a file one has its content, as programs write it the last, and the others are empty. */
async function bodyOf(entry: InitrdEntry, linked: Map<string, Body>, member: number): Promise<Body> {
  const hasher = new ContentHasher();
  for await (const piece of entry.content) hasher.update(piece);
  const { sizeBytes } = entry;
  const { digest } = hasher.finish();
  const body: Body = { member, sizeBytes, digest, inode: member };
  if (entry.links < 2) return body;
  const key = [entry.deviceMajor, entry.deviceMinor, entry.inode].join();
  const known = linked.get(key);
  if (known !== undefined) return sizeBytes === 0 ? known : Object.assign(known, { member, sizeBytes, digest });
  linked.set(key, body);
  return body;
}

/** From the root, wherever names begin. @throws RangeError for one that leads elsewhere. */
function pathOf(name: Buffer): string {
  const text = nameText(name);
  const parts = text.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw new RangeError(`its name ${text} leads out of a directory`);
  return `/${parts.join('/')}`;
}

function filesOf(index: ReadonlyMap<string, Member>, source: Pick<FileEntry, 'content'>): ReadableFilesystem {
  const entryOf = ({ body, ...member }: Member): FileEntry => ({
    ...member,
    sizeBytes: body?.sizeBytes ?? Buffer.byteLength(member.target ?? ''),
    ...(body === undefined ? { content: nothing } : { digest: body.digest, content: () => contentOf(source, body) }),
  });
  const below = (directory: string): readonly FileEntry[] => {
    const prefix = directory === '/' ? directory : `${directory}/`;
    const isIn = (path: string): boolean => path.length > prefix.length && path.startsWith(prefix) && !path.includes('/', prefix.length);
    return [...index.values()]
      .filter(({ path }) => isIn(path))
      .sort((a, b) => compareText(a.path, b.path))
      .map(entryOf);
  };
  return {
    walk: async function* () {
      // A slash is before all else, so that directories come before what they hold, and that before their neighbours.
      const keys = [...index.keys()].map((path) => [path.replaceAll('/', '\0'), path] as const);
      for (const [, path] of keys.sort(([a], [b]) => compareText(a, b))) yield entryOf(index.get(path) as Member);
    },
    find: async (path) => {
      const found = index.get(path);
      return found === undefined ? undefined : entryOf(found);
    },
    list: async (path) => (index.get(path)?.type === 'directory' ? below(path) : undefined),
  };
}

/** Goes through the initrd once more, up to the content. */
async function* contentOf(source: Pick<FileEntry, 'content'>, { member }: Body): AsyncGenerator<Buffer, void, undefined> {
  let count = 1;
  for await (const { content } of membersOf(source)) {
    if (count++ !== member) continue;
    yield* buffers(content);
    return;
  }
}

async function* buffers(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, undefined> {
  for await (const { buffer, byteOffset, byteLength } of pieces) yield Buffer.from(buffer, byteOffset, byteLength);
}
