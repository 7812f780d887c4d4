import { BTRFS_ITEM, BTRFS_KEY_BYTES, BTRFS_OBJECT } from '@ict/image-parts';
import { readWide, type Bytes } from '../../bytes.js';
import { gathered, type FileEntry, type OpenedFilesystem } from '../filesystem.js';
import { childPath, filesystemOver, nameText } from '../filesystem-over.js';
import { attributesOf, requireSize, typeOf } from '../inode-fields.js';
import { MOST_ATTRIBUTES } from '../limits.js';
import { nothing } from '../pieces.js';
import { ChunkMap } from './chunk-map.js';
import { FileContents } from './file-content.js';
import { readSuperblock, type Superblock, type TreeRoot } from './superblock.js';
import { TreeReader } from './tree-reader.js';

/** Fixed part of an entry of a directory, or of an extended attribute. */
const ENTRY_BYTES = 30;
/** How many numbers of inodes each subvolume has here, half of them for the places of others. */
const NUMBERS = 2 ** 40;
const MOST_SUBVOLUMES = 2 ** 12;

/** A tree of files. */
interface Subvolume {
  readonly id: number;
  /** Counts those that were met. */
  readonly index: number;
  readonly root: TreeRoot;
}

interface BtrfsEntry extends FileEntry {
  /** Undefined for a place where a subvolume was when a snapshot was made: a directory without files. */
  readonly subvolume: Subvolume | undefined;
  readonly object: number;
}

/**
 * Reads a btrfs, with subvolumes as directories, as they are seen where its top level is mounted.
 *
 * @returns undefined when there is none.
 * @throws RangeError where it is damaged.
 * @see https://btrfs.readthedocs.io/en/latest/dev/On-disk-format.html
 */
export async function openBtrfs(bytes: Bytes): Promise<OpenedFilesystem | undefined> {
  const superblock = await readSuperblock(bytes);
  if (superblock === undefined) return undefined;
  const { summary, refusal, hasLog } = superblock;
  if (refusal !== undefined) return { summary, unread: refusal };
  const volume = await Volume.open(bytes, superblock);
  const root = await volume.top();
  const files = filesystemOver(root, (directory) => volume.children(directory as BtrfsEntry));
  return { summary, files, ...(hasLog ? { pending: 'log' } : {}) };
}

class Volume {
  readonly #trees: TreeReader;
  readonly #contents: FileContents;
  readonly #root: TreeRoot;
  readonly #subvolumes = new Map<number, Subvolume>();

  private constructor(bytes: Bytes, chunks: ChunkMap, trees: TreeReader, root: TreeRoot) {
    this.#trees = trees;
    this.#contents = new FileContents(bytes, chunks, trees);
    this.#root = root;
  }

  static async open(bytes: Bytes, superblock: Superblock): Promise<Volume> {
    const chunks = new ChunkMap(superblock.device);
    chunks.addAll(superblock.systemChunks);
    const trees = new TreeReader(bytes, chunks, superblock);
    for await (const { offset, data } of trees.items(superblock.chunkRoot, BTRFS_OBJECT.firstChunk, BTRFS_ITEM.chunk))
      chunks.add(offset, data);
    return new Volume(bytes, chunks, trees, superblock.root);
  }

  async top(): Promise<BtrfsEntry> {
    return this.#entry('/', await this.#subvolume(BTRFS_OBJECT.files), BTRFS_OBJECT.firstFile);
  }

  async *children(directory: BtrfsEntry): AsyncGenerator<BtrfsEntry, void, undefined> {
    const { subvolume, object } = directory;
    if (subvolume === undefined) return;
    for await (const { data } of this.#trees.items(subvolume.root, object, BTRFS_ITEM.directoryIndex)) {
      const name = data.subarray(ENTRY_BYTES, ENTRY_BYTES + data.readUInt16LE(27));
      const path = childPath(directory, nameText(name));
      const target = readWide(data, 0);
      if (data.readUInt8(8) !== BTRFS_ITEM.root) yield await this.#entry(path, subvolume, target);
      else if (await this.#isPlaceOf(subvolume.id, object, name, target))
        yield await this.#entry(path, await this.#subvolume(target), BTRFS_OBJECT.firstFile);
      else yield emptyPlace(path, directory, subvolume, target);
    }
  }

  /** Whether a subvolume is where a directory says: a snapshot of what was around it says so, too. */
  async #isPlaceOf(parent: number, directory: number, name: Buffer, child: number): Promise<boolean> {
    const reference = await this.#trees.find(this.#root, parent, BTRFS_ITEM.rootReference, child);
    return reference !== undefined && readWide(reference, 0) === directory && reference.subarray(18).equals(name);
  }

  async #subvolume(id: number): Promise<Subvolume> {
    const known = this.#subvolumes.get(id);
    if (known !== undefined) return known;
    let item: Buffer | undefined;
    for await (const { data } of this.#trees.items(this.#root, id, BTRFS_ITEM.root)) item = data; // the newest is the last
    if (item === undefined) throw new RangeError(`there is no subvolume ${id}`);
    const index = this.#subvolumes.size;
    if (index === MOST_SUBVOLUMES) throw new RangeError(`there are more than ${MOST_SUBVOLUMES} subvolumes`);
    const subvolume = { id, index, root: { at: readWide(item, 176), level: item.readUInt8(238) } };
    this.#subvolumes.set(id, subvolume);
    return subvolume;
  }

  /** @see btrfs_inode_item in include/uapi/linux/btrfs_tree.h of the kernel */
  async #entry(path: string, subvolume: Subvolume, object: number): Promise<BtrfsEntry> {
    let inode: Buffer | undefined;
    const attributes: [string, string][] = [];
    for await (const { kind, data } of this.#trees.items(subvolume.root, object, BTRFS_ITEM.inode, BTRFS_ITEM.attribute)) {
      if (kind === BTRFS_ITEM.inode) inode = data;
      else if (kind === BTRFS_ITEM.attribute) attributes.push(...attributesIn(data));
      if (attributes.length > MOST_ATTRIBUTES) throw new RangeError(`${path} has more than ${MOST_ATTRIBUTES} extended attributes`);
    }
    if (inode === undefined || object >= NUMBERS / 2) throw new RangeError(`${path} has inode ${object}, which is none`);
    const bits = inode.readUInt32LE(52);
    const type = typeOf(bits, path, object);
    const sizeBytes = type === 'file' || type === 'symlink' ? readWide(inode, 16) : 0;
    requireSize(path, type, sizeBytes);
    const content = (): AsyncGenerator<Buffer, void, undefined> => this.#contents.of(subvolume.root, object, sizeBytes);
    return {
      ...{ path, type, mode: bits & 0o7777, owner: inode.readUInt32LE(44), group: inode.readUInt32LE(48), sizeBytes },
      seconds: Number(inode.readBigInt64LE(136)),
      ...(type === 'symlink' ? { target: nameText(await gathered(content())) } : {}),
      // The kernel's own form of the number, not that of its system calls.
      ...(type === 'character' || type === 'block' ? { device: [inode.readUInt32LE(56) >>> 20, inode.readUInt32LE(56) & 0xf_ffff] } : {}),
      ...attributesOf(attributes),
      inode: subvolume.index * NUMBERS + object,
      content: type === 'file' ? content : nothing,
      ...{ subvolume, object },
    };
  }
}

/** What the kernel shows where a subvolume is not. @see new_simple_dir in fs/btrfs/inode.c of the kernel */
function emptyPlace(path: string, directory: BtrfsEntry, { index }: Subvolume, child: number): BtrfsEntry {
  if (child >= NUMBERS / 2) throw new RangeError(`there is no subvolume ${child}`);
  const { owner, group, seconds } = directory;
  const inode = index * NUMBERS + NUMBERS / 2 + child;
  return {
    ...{ path, type: 'directory', mode: 0o755, owner, group, seconds, sizeBytes: 0, inode, content: nothing },
    subvolume: undefined,
    object: child,
  };
}

/** Attributes whose names have the same hash are in one item. @see btrfs_dir_item in include/uapi/linux/btrfs_tree.h of the kernel */
function* attributesIn(item: Buffer): Generator<[string, string], void, undefined> {
  for (let at = 0; at < item.length; ) {
    const name = at + ENTRY_BYTES;
    const value = name + item.readUInt16LE(at + BTRFS_KEY_BYTES + 10);
    const end = value + item.readUInt16LE(at + BTRFS_KEY_BYTES + 8);
    if (end > item.length) throw new RangeError('extended attributes are damaged');
    yield [nameText(item.subarray(name, value)), item.toString('hex', value, end)];
    at = end;
  }
}
