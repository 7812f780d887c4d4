import { compareText, ContentHasher } from '@ict/integrity';
import { inspectError } from './errors.js';
import type { FileEntry, ReadableFilesystem } from './filesystems/filesystem.js';
import { MOST_INSIDE, openInside } from './filesystems/image-in-file.js';
import { asFile } from './filesystems/pieces.js';
import { withImage, type ImageReport, type OpenedImage, type PartitionReport } from './inspect-image.js';

/** A value of one image that the other has not, or has otherwise. */
export interface ValueDifference {
  /**
   * Path of the value in an {@link ImageReport}, such as `partitions.2.filesystem.id`; partitions by their numbers. `partitions.2.content` is the digest of
   * a partition whose files nobody reads.
   */
  readonly what: string;
  /** Absent where the image has no such value. */
  readonly a?: unknown;
  readonly b?: unknown;
}

/** What can differ between two files of one path. */
export type FileAspect = 'type' | 'content' | 'size' | 'mode' | 'owner' | 'time' | 'target' | 'device' | 'attributes' | 'links';

/** A path that one image has and the other has not, or has otherwise. */
export interface FileDifference {
  readonly partition: number;
  /** Of a file in a filesystem, an initrd or a unified kernel image that is a file: behind the path of that. */
  readonly path: string;
  readonly change: 'added' | 'removed' | 'changed';
  /** Of what changed, in a fixed order; empty otherwise. */
  readonly aspects: readonly FileAspect[];
  /** Of a file in which others lie: why those were not compared, by the image that is the reason. */
  readonly unread?: { readonly a?: string; readonly b?: string };
}

/** What two images do not have in common; `a` is the first, `b` the second. */
export interface ImageComparison {
  readonly a: ImageReport;
  readonly b: ImageReport;
  readonly values: readonly ValueDifference[];
  readonly files: readonly FileDifference[];
  /** Partitions of both whose files were compared. */
  readonly compared: readonly number[];
  /** Partitions of both of which nobody reads files, and whose bytes were compared. */
  readonly comparedBytes: readonly number[];
}

/**
 * Compares two images by what they hold: partition tables, filesystems, boot entries, and each file of filesystems that can be read. Where
 * bytes lie on the disk does not matter. Of a partition whose files nobody reads, its bytes.
 *
 * @param options `times`: also when files were last changed; `names`: what errors call the images, as of {@link inspectImage}.
 * @throws `ICT_INSPECT_IMAGE` as {@link inspectImage}; the signal's reason.
 */
export async function compareImages(
  a: string,
  b: string,
  options: { readonly times: boolean; readonly signal?: AbortSignal; readonly names?: readonly [string, string] },
): Promise<ImageComparison> {
  const [one, other] = options.names ?? [a, b];
  return withImage(a, (first) => withImage(b, (second) => compare(first, second, { ...options, names: [one, other] }), other), one);
}

async function compare(
  a: OpenedImage,
  b: OpenedImage,
  options: { readonly times: boolean; readonly signal?: AbortSignal; readonly names: readonly [string, string] },
): Promise<ImageComparison> {
  const { names, signal } = options;
  const files: FileDifference[] = [];
  const compared: number[] = [];
  for (const [number, one] of a.filesystems) {
    const other = b.filesystems.get(number);
    if (one.files === undefined || other?.files === undefined) continue;
    compared.push(number);
    try {
      for await (const difference of compareFiles(telling(one.files, names[0], signal), telling(other.files, names[1], signal), options))
        files.push({ partition: number, ...difference });
    } catch (cause) {
      if (!(cause instanceof DamagedImage)) throw cause;
      throw inspectError('ICT_INSPECT_IMAGE', {
        message: `files of partition ${number} cannot be compared, as its filesystem in ${cause.image} is damaged: ${cause.message}`,
        hint: 'Check it with the fsck of its filesystem, or build the image again.',
        facts: { partition: number, path: cause.image },
        cause,
      });
    }
  }
  const values = [...compareReports(a.report, b.report)];
  const comparedBytes: number[] = [];
  for (const [number, one] of a.contents) {
    const other = b.contents.get(number);
    if (other === undefined || compared.includes(number)) continue;
    comparedBytes.push(number);
    const [first, second] = [asFile(one), asFile(other)];
    if (one.sizeBytes === other.sizeBytes && (await sameContent(first, second, signal))) continue;
    values.push({ what: `partitions.${number}.content`, a: await digestOf(first, signal), b: await digestOf(second, signal) });
  }
  values.sort((one, other) => compareText(one.what, other.what));
  return { a: a.report, b: b.report, values, files, compared, comparedBytes };
}

/** A filesystem that is damaged, and the image that has it. */
class DamagedImage extends Error {
  override readonly name = 'DamagedImage';
  readonly image: string;

  constructor(image: string, cause: RangeError) {
    super(cause.message, { cause });
    this.image = image;
  }
}

/** Files of an image, which say of damage what image it is in. */
function telling(files: ReadableFilesystem, image: string, signal: AbortSignal | undefined): Side {
  const toldOf = (cause: unknown): unknown => (cause instanceof RangeError ? new DamagedImage(image, cause) : cause);
  const told = async function* <Item>(items: AsyncIterable<Item>): AsyncGenerator<Item, void, undefined> {
    try {
      yield* items;
    } catch (cause) {
      throw toldOf(cause);
    }
  };
  return {
    walk: async function* () {
      for await (const entry of told(files.walk())) yield { ...entry, content: () => told(entry.content()) };
    },
    inside: async (entry) => {
      const opened = await openInside(entry, signal).catch((cause: unknown) => {
        throw toldOf(cause);
      });
      if (opened === undefined) return undefined;
      const { files: inner, unread } = opened;
      return { ...(inner === undefined ? {} : { files: telling(inner, image, signal) }), ...(unread === undefined ? {} : { unread }) };
    },
  };
}

/** What is compared: files of a filesystem, and of those in its files. */
interface Side extends Pick<ReadableFilesystem, 'walk'> {
  /** @returns undefined for a file in which no others are. */
  inside(entry: FileEntry): Promise<Inside | undefined>;
}

/** What is in a file. */
interface Inside {
  /** Absent where its files are not read. */
  readonly files?: Side;
  /** Why they are not. */
  readonly unread?: string;
}

/** An initrd in a unified kernel image in the FAT of an ISO image: no image of a system goes deeper, and one may name itself. */
const DEEPEST = 3;

type Contained = Pick<FileEntry, 'content' | 'digest'>;

async function digestOf({ content, digest }: Contained, signal: AbortSignal | undefined): Promise<string> {
  if (digest !== undefined) return digest;
  const hasher = new ContentHasher();
  for await (const part of content()) {
    signal?.throwIfAborted();
    hasher.update(part);
  }
  return hasher.finish().digest;
}

function compareReports(a: ImageReport, b: ImageReport): readonly ValueDifference[] {
  const [one, other] = [new Map(flatten(keyed(a))), new Map(flatten(keyed(b)))];
  const names = [...new Set([...one.keys(), ...other.keys()])].sort(compareText);
  return names.flatMap((what) => {
    const [x, y] = [one.get(what), other.get(what)];
    if (x === y) return [];
    return [{ what, ...(x === undefined ? {} : { a: x }), ...(y === undefined ? {} : { b: y }) }];
  });
}

/** Lists by what their members are called, so that one more member is one difference. */
function keyed({ partitions, boot, ...rest }: ImageReport): object {
  return {
    ...rest,
    partitions: Object.fromEntries(partitions.map((partition: PartitionReport) => [partition.number, partition])),
    boot:
      boot === undefined
        ? undefined
        : { loaders: boot.loaders, entries: Object.fromEntries(boot.entries.map((entry) => [entry.file, entry])) },
  };
}

function* flatten(value: object, prefix = ''): Generator<[string, unknown], void, undefined> {
  for (const [key, member] of Object.entries(value) as [string, unknown][]) {
    if (member === undefined) continue;
    const what = prefix === '' ? key : `${prefix}.${key}`;
    if (Array.isArray(member)) yield [what, member.join(', ')];
    else if (typeof member === 'object' && member !== null) yield* flatten(member, what);
    else yield [what, member];
  }
}

/** Goes through both trees at once: they come in one order. */
async function* compareFiles(
  a: Side,
  b: Side,
  options: { readonly times: boolean; readonly signal?: AbortSignal },
  inside = { left: MOST_INSIDE },
  depth = 0,
): AsyncGenerator<Omit<FileDifference, 'partition'>, void, undefined> {
  const { times, signal } = options;
  const [ones, others] = [await namesOf(a, signal), await namesOf(b, signal)];
  for (const path of [...new Set([...ones.entries.keys(), ...others.entries.keys()])].sort(compareText)) {
    signal?.throwIfAborted();
    const [one, other] = [ones.entries.get(path), others.entries.get(path)];
    if (one === undefined) yield { path, change: 'added', aspects: [] };
    else if (other === undefined) yield { path, change: 'removed', aspects: [] };
    else {
      const aspects = await aspectsOf(one, other, times, signal);
      if (ones.names(one) !== others.names(other)) aspects.push('links');
      if (aspects.length === 0) continue;
      const looks = aspects.includes('content') && depth < DEEPEST && inside.left > 0;
      const inOne = looks ? await a.inside(one) : undefined;
      if (inOne !== undefined) inside.left--;
      const inOther = inOne === undefined ? undefined : await b.inside(other);
      yield { path, change: 'changed', aspects, ...unreadOf(inOne, inOther) };
      if (inOne?.files === undefined || inOther?.files === undefined) continue;
      for await (const inner of compareFiles(inOne.files, inOther.files, options, inside, depth + 1))
        yield { ...inner, path: `${path}${inner.path}` };
    }
  }
}

/** Why files in two files are not compared. */
function unreadOf(one: Inside | undefined, other: Inside | undefined): Pick<FileDifference, 'unread'> {
  const [a, b] = [one?.unread, other?.unread];
  return a === undefined && b === undefined ? {} : { unread: { ...(a === undefined ? {} : { a }), ...(b === undefined ? {} : { b }) } };
}

interface Names {
  readonly entries: ReadonlyMap<string, FileEntry>;
  /** Stands for all names of the same file. */
  readonly names: (entry: FileEntry) => string;
}

async function namesOf(files: Pick<ReadableFilesystem, 'walk'>, signal: AbortSignal | undefined): Promise<Names> {
  const entries = new Map<string, FileEntry>();
  const paths = new Map<number, string[]>();
  for await (const entry of files.walk()) {
    signal?.throwIfAborted();
    entries.set(entry.path, entry);
    if (entry.type === 'directory' || entry.inode === 0) continue;
    const known = paths.get(entry.inode);
    if (known === undefined) paths.set(entry.inode, [entry.path]);
    else known.push(entry.path);
  }
  const linked = new Map<number, string>();
  for (const [inode, known] of paths) if (known.length > 1) linked.set(inode, digestOfNames(known));
  return { entries, names: ({ type, inode, path }) => (type === 'directory' ? path : (linked.get(inode) ?? path)) };
}

/** Short, as it is held against that of the other side for each of them. */
function digestOfNames(paths: readonly string[]): string {
  const hasher = new ContentHasher();
  for (const path of paths) hasher.update(Buffer.from(`${path}\0`));
  return hasher.finish().digest;
}

async function aspectsOf(a: FileEntry, b: FileEntry, times: boolean, signal: AbortSignal | undefined): Promise<FileAspect[]> {
  if (a.type !== b.type) return ['type'];
  const found: FileAspect[] = [];
  if (a.type === 'file') {
    if (a.sizeBytes !== b.sizeBytes) found.push('content', 'size');
    else if (!(await sameFile(a, b, signal))) found.push('content');
  }
  if (a.mode !== b.mode) found.push('mode');
  if (a.owner !== b.owner || a.group !== b.group) found.push('owner');
  if (times && a.seconds !== b.seconds) found.push('time');
  if (a.target !== b.target) found.push('target');
  if (a.device?.join() !== b.device?.join()) found.push('device');
  if (JSON.stringify(a.attributes) !== JSON.stringify(b.attributes)) found.push('attributes');
  return found;
}

/** What is known by its digest is not read again. */
async function sameFile(a: Contained, b: Contained, signal: AbortSignal | undefined): Promise<boolean> {
  if (a.digest === undefined && b.digest === undefined) return sameContent(a, b, signal);
  return (await digestOf(a, signal)) === (await digestOf(b, signal));
}

/** Compares two files of one size, whose pieces may be cut differently. */
async function sameContent(a: Contained, b: Contained, signal: AbortSignal | undefined): Promise<boolean> {
  const others = b.content();
  let other: Buffer = Buffer.alloc(0);
  try {
    for await (const piece of a.content()) {
      signal?.throwIfAborted(); // a file may be a very large hole
      for (let at = 0; at < piece.length; ) {
        if (other.length === 0) {
          const next = await others.next();
          if (next.done === true) return false;
          other = next.value;
          continue;
        }
        const length = Math.min(piece.length - at, other.length);
        if (piece.compare(other, 0, length, at, at + length) !== 0) return false;
        at += length;
        other = other.subarray(length);
      }
    }
    return true;
  } finally {
    await others.return();
  }
}
