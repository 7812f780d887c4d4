import { readCpio } from '@ict/archive';
import type { CpioEntry } from '@ict/archive';
import { rpmError } from '../errors.js';
import { isGhost } from './package-files.js';
import type { RpmFile } from './package-files.js';

/** A file of a payload with its content. */
export interface PayloadEntry {
  readonly file: RpmFile;
  /** Path of an entry that came before and that this one is another link of; its content is empty then. */
  readonly linkOf: string | undefined;
  /** Can be read once, before the next entry is asked for. */
  readonly content: AsyncIterable<Uint8Array>;
}

const TYPE_MASK = 0o170000;
const REGULAR = 0o100000;
const SYMLINK = 0o120000;

/**
 * Reads a decompressed payload, each member matched with the file that the header describes: what the header does not name, or describes
 * with another type or size, is refused. Of files that are links of one another, the one with the content comes first.
 *
 * @param of name and version of the package, for messages.
 * @throws `ICT_RPM_PAYLOAD_INVALID`, and what `readCpio` throws.
 */
export async function* readPayload(
  source: AsyncIterable<Uint8Array>,
  files: readonly RpmFile[],
  of: string,
  options: { readonly signal?: AbortSignal } = {},
): AsyncGenerator<PayloadEntry, void, undefined> {
  const links = new LinkSets(files);
  const byName = new Map(files.map((file, index) => [comparable(file.path), index]));
  const seen = new Uint8Array(files.length);
  const waiting = new Map<number, number[]>();
  const strippedSize = (index: number): number | undefined => files[index] && links.storedBytes(index);
  for await (const entry of readCpio(source, { ...options, strippedSize })) {
    const index = entry.index ?? byName.get(comparable(entry.name!));
    if (index === undefined) throw invalid(of, entry, 'the header does not name it');
    if (seen[index]!++ > 0) throw invalid(of, entry, 'it is there twice');
    const file = files[index]!;
    if (entry.index === undefined) checkMember(of, entry, file, links.isSingle(index));
    const set = links.setOf(index);
    if (set !== undefined && entry.sizeBytes === 0 && file.sizeBytes > 0) {
      waiting.set(set, [...(waiting.get(set) ?? []), index]);
      continue;
    }
    if (entry.sizeBytes !== contentBytes(file))
      throw invalid(of, entry, `it has ${entry.sizeBytes} bytes and the header says ${file.sizeBytes}`);
    yield { file, linkOf: undefined, content: entry.content };
    if (set === undefined) continue;
    for (const other of waiting.get(set) ?? []) yield { file: files[other]!, linkOf: file.path, content: nothing() };
    waiting.delete(set);
  }
  for (const [, [first]] of waiting) throw invalid(of, { name: files[first!]!.path }, 'it is a link to content that is not there');
}

/** Content that a payload stores for a file: of links, their text. */
function contentBytes({ mode, sizeBytes }: RpmFile): number {
  const type = mode & TYPE_MASK;
  return type === REGULAR || type === SYMLINK ? sizeBytes : 0;
}

function checkMember(of: string, entry: CpioEntry, file: RpmFile, single: boolean): void {
  if ((entry.mode & TYPE_MASK) !== (file.mode & TYPE_MASK)) throw invalid(of, entry, 'it is of another type than the header says');
  if (single && entry.sizeBytes !== contentBytes(file)) {
    throw invalid(of, entry, `it has ${entry.sizeBytes} bytes and the header says ${file.sizeBytes}`);
  }
}

/** `./usr/bin/a`, `/usr/bin/a` and `usr/bin/a` name one file. */
function comparable(path: string): string {
  return path.replace(/^\.?\/+/, '');
}

/** A file that is only owned may have the inode of others; as the payload does not bring it, it is no link of theirs. */
function canBeLink(file: RpmFile): boolean {
  return (file.mode & TYPE_MASK) === REGULAR && !isGhost(file);
}

/** Regular files that share an inode. */
class LinkSets {
  readonly #files: readonly RpmFile[];
  readonly #sets = new Map<string, number[]>();

  constructor(files: readonly RpmFile[]) {
    this.#files = files;
    files.forEach((file, index) => {
      if (!canBeLink(file) || file.inode === 0) return;
      const key = `${file.device}:${file.inode}`;
      const set = this.#sets.get(key);
      if (set === undefined) this.#sets.set(key, [index]);
      else set.push(index);
    });
  }

  #members(index: number): readonly number[] {
    const file = this.#files[index]!;
    return canBeLink(file) ? (this.#sets.get(`${file.device}:${file.inode}`) ?? []) : [];
  }

  isSingle(index: number): boolean {
    return this.#members(index).length < 2;
  }

  /** Number of the set of links that a file belongs to; undefined for a file with one name. */
  setOf(index: number): number | undefined {
    const members = this.#members(index);
    return members.length < 2 ? undefined : members[0];
  }

  /** Bytes that the stripped form stores for a file: of links only the last has the content. */
  storedBytes(index: number): number {
    const members = this.#members(index);
    return members.length > 1 && members.at(-1) !== index ? 0 : contentBytes(this.#files[index]!);
  }
}

async function* nothing(): AsyncGenerator<Uint8Array, void, undefined> {
  // A link has no content of its own.
}

function invalid(of: string, entry: Pick<CpioEntry, 'name'> & { readonly index?: number | undefined }, reason: string): Error {
  const name = entry.name ?? `member ${entry.index}`;
  return rpmError('ICT_RPM_PAYLOAD_INVALID', {
    message: `${JSON.stringify(name)} of the payload of ${of} is not what the header says: ${reason}`,
    hint: 'Fetch the package again; when it is the same, report it to the repository.',
    facts: { package: of, member: name, reason },
  });
}
