import { readFileSync } from 'node:fs';
import { XFS_BLOCK, XFS_HASHES, XFS_HEADER, XFS_INODE_FIELDS_BYTES, xfsChecksum, type XfsHeader } from '@ict/image-parts';
import { expect, it } from 'vitest';
import { openXfs } from '../src/filesystems/xfs/open-xfs.js';
import { placeOfInode } from '../src/filesystems/xfs/places.js';
import { readSuperblock, type Superblock } from '../src/filesystems/xfs/superblock.js';
import { bytesIn, numbersFrom, readAll } from './damage.js';
import { CHECKSUM, fillLittle, SECTOR, SMALL, written } from './xfs-images.js';

/** A small image in memory, which is damaged where it is told. */
class Victim {
  readonly bytes: Buffer;
  readonly #superblock: Superblock;

  private constructor(bytes: Buffer, superblock: Superblock) {
    this.bytes = bytes;
    this.#superblock = superblock;
  }

  /** The same image each time, as it takes a while to make. */
  static #little: Promise<Buffer> | undefined;

  static async ofLittle(): Promise<Victim> {
    Victim.#little ??= written(['--unsupported'], fillLittle, 0, SMALL).then((image) => readFileSync(image));
    const bytes = Buffer.from(await Victim.#little);
    const found = await readSuperblock(bytesIn(bytes));
    if (typeof found?.superblock !== 'object') throw new Error('the image cannot be read before it is damaged');
    return new Victim(bytes, found.superblock);
  }

  open(): ReturnType<typeof openXfs> {
    return openXfs(bytesIn(this.bytes));
  }

  /** Changes an inode, and makes its checksum right again. */
  async inode(path: string, change: (inode: Buffer) => void): Promise<void> {
    const entry = await (await this.open())?.files?.find(path);
    const at = placeOfInode(this.#superblock, entry?.inode as number);
    this.sealed(at, this.#superblock.inodeBytes, CHECKSUM.inode, change);
  }

  /** Changes the blocks of one kind, and makes their checksums right again. */
  blocks(kind: string, change: (block: Buffer) => void): void {
    for (const { at, length, checksum } of this.places().filter((place) => place.kind === kind)) this.sealed(at, length, checksum, change);
  }

  sealed(at: number, length: number, checksum: number, change: (block: Buffer) => void): void {
    const block = this.bytes.subarray(at, at + length);
    change(block);
    block.writeUInt32LE(xfsChecksum(block, checksum), checksum);
  }

  /** All blocks and inodes that say what they are, of what is read. */
  places(): readonly { readonly kind: string; readonly at: number; readonly length: number; readonly checksum: number }[] {
    const { blockBytes, inodeBytes } = this.#superblock;
    const found = [];
    for (let at = 0; at < this.bytes.length; at += inodeBytes) {
      const isBlock = at % blockBytes === 0;
      const block = this.bytes.subarray(at, at + (isBlock ? blockBytes : inodeBytes));
      const [, kind, header] =
        KINDS.find(([magic, , { checksum }]) => isBlock && holds(block, magic) && hasChecksum(block, checksum)) ?? [];
      if (kind !== undefined && header !== undefined) found.push({ kind, at, length: blockBytes, checksum: header.checksum });
      const inode = block.subarray(0, inodeBytes);
      const isInode = inode.toString('latin1', 0, 2) === 'IN' && inode.readUInt16BE(2) !== 0 && hasChecksum(inode, CHECKSUM.inode);
      if (isInode) found.push({ kind: 'inode', at, length: inodeBytes, checksum: CHECKSUM.inode });
    }
    return found;
  }
}

/** What tells blocks, and how they are called here. */
const KINDS: readonly (readonly [magic: string | number, kind: string, header: XfsHeader])[] = [
  [XFS_BLOCK.extents, 'extents', XFS_HEADER.extents],
  [XFS_BLOCK.names, 'names', XFS_HEADER.names],
  [XFS_BLOCK.allNames, 'all names', XFS_HEADER.names],
  [XFS_BLOCK.target, 'target', XFS_HEADER.bytes],
  [XFS_BLOCK.value, 'value', XFS_HEADER.bytes],
  [XFS_HASHES.node, 'node', XFS_HEADER.hashes],
  [XFS_HASHES.attributes, 'attributes', XFS_HEADER.hashes],
];

function holds(block: Buffer, magic: string | number): boolean {
  return typeof magic === 'string' ? block.toString('latin1', 0, 4) === magic : block.readUInt16BE(8) === magic;
}

function hasChecksum(block: Buffer, at: number): boolean {
  return xfsChecksum(block, at) === block.readUInt32LE(at);
}

/** An extent of one block, in the form of the device. */
function extentAt(logical: number, block: bigint): Buffer {
  const record = Buffer.alloc(16);
  record.writeBigUInt64BE((BigInt(logical) << 9n) | (block >> 43n), 0);
  record.writeBigUInt64BE(BigInt.asUintN(64, (block << 21n) | 1n), 8);
  return record;
}

it.each<[string, string, (victim: Victim) => Promise<void> | void]>([
  [
    'a directory that holds the one above it',
    'the directory /deep/file has another name already',
    async (victim) => {
      const root = (await (await victim.open())?.files?.find('/'))?.inode as number;
      // Size of the name, its place, the name, its kind.
      await victim.inode('/deep', (inode) => inode.writeUInt32BE(root, XFS_INODE_FIELDS_BYTES + 6 + 3 + 4 + 1));
    },
  ],
  [
    'more extents than an inode has room for',
    'its extents',
    (victim) => victim.inode('/deep/file', (inode) => inode.writeUInt32BE(9000, 76)),
  ],
  [
    'an extent outside of the filesystem',
    'the xfs has no block 4503599627370495',
    (victim) => victim.inode('/single/name 3', (inode) => extentAt(0, 2n ** 52n - 1n).copy(inode, XFS_INODE_FIELDS_BYTES)),
  ],
  [
    'extents that overlap',
    'its extents',
    (victim) =>
      victim.inode('/single/name 3', (inode) => {
        inode.writeUInt32BE(2, 76);
        inode.copy(inode, XFS_INODE_FIELDS_BYTES + 16, XFS_INODE_FIELDS_BYTES, XFS_INODE_FIELDS_BYTES + 16);
      }),
  ],
  [
    'a tree of extents that leads to one leaf many times',
    'its extents',
    (victim) =>
      victim.inode('/pieces', (inode) => {
        const room = Math.floor((inode.readUInt8(82) * 8 - 4) / 16);
        const pointers = inode.subarray(XFS_INODE_FIELDS_BYTES + 4 + room * 8);
        pointers.copy(pointers, 8, 0, 8);
      }),
  ],
  [
    'a tree of extents that holds itself',
    'its extents',
    (victim) => {
      let first: Buffer | undefined;
      victim.blocks('extents', (block) => {
        // In numbers of one group places are what blocks are counted by.
        first ??= block;
        if (first !== block) return;
        block.writeUInt16BE(1, 4);
        block.writeUInt16BE(1, 6);
        const room = Math.floor((block.length - 72) / 16);
        block.writeBigUInt64BE(block.readBigUInt64BE(24) / 8n, 72 + room * 8);
      });
      return victim.inode('/pieces', (inode) => inode.writeUInt16BE(2, XFS_INODE_FIELDS_BYTES));
    },
  ],
  [
    'a tree of extents with more than a block holds',
    'its extents',
    (victim) => victim.blocks('extents', (block) => block.writeUInt16BE(9000, 6)),
  ],
  ['a tree of extents whose leaves are empty', 'its extents', (victim) => victim.blocks('extents', (block) => block.writeUInt16BE(0, 6))],
  ['a directory without blocks', 'its blocks of names', (victim) => victim.inode('/large', (inode) => inode.writeUInt32BE(0, 76))],
  [
    'a tree of extents with fewer than the inode says',
    'its extents',
    (victim) => victim.inode('/pieces', (inode) => inode.writeUInt32BE(20, 76)),
  ],
  [
    'a file that is larger than any',
    'bytes, more than a file has',
    (victim) => victim.inode('/pieces', (inode) => inode.writeUInt32BE(2 ** 13, 56)),
  ],
  [
    'a directory that is larger than any',
    'the directory /large is too large',
    (victim) => victim.inode('/large', (inode) => inode.writeUInt32BE(1, 56)),
  ],
  [
    'names in an inode that end before it says',
    'names of a directory are damaged',
    (victim) => victim.inode('/deep', (inode) => inode.writeUInt8(inode.readUInt8(XFS_INODE_FIELDS_BYTES) - 1, XFS_INODE_FIELDS_BYTES)),
  ],
  [
    'a target in an inode that is longer than its room',
    'its extents',
    (victim) => victim.inode('/link', (inode) => inode.writeUInt32BE(1000, 60)),
  ],
  [
    'a target that is longer than any',
    'the target of /long link has',
    (victim) => victim.inode('/long link', (inode) => inode.writeUInt32BE(9000, 60)),
  ],
  ["a target that is another's", 'its block at byte', (victim) => victim.blocks('target', (block) => block.writeUInt32BE(1, 36))],
  [
    'a target that is shorter than its inode says',
    'the target of a link',
    (victim) => victim.blocks('target', (block) => block.writeUInt32BE(5, 8)),
  ],
  [
    'names that end behind their block',
    'a block of names is damaged',
    (victim) => victim.blocks('all names', (block) => block.writeUInt16BE(4096, block.readUInt16BE(48) + 2)),
  ],
  [
    'names that have no length',
    'a block of names is damaged',
    (victim) => victim.blocks('names', (block) => block.writeUInt32BE(0xffff_0000, 64)),
  ],
  [
    'more hashes than a block of names holds',
    'a block of names is damaged',
    (victim) => victim.blocks('all names', (block) => block.writeUInt32BE(9000, block.length - 8)),
  ],
  ['a block of names that is none', 'a block of names is none', (victim) => victim.blocks('names', (block) => block.write('XDF3'))],
  [
    'a tree of attributes that holds itself',
    'its extended attributes',
    (victim) => victim.blocks('node', (block) => block.writeUInt32BE(0, 64 + 4)),
  ],
  [
    'a tree of attributes that leads to one leaf twice',
    'its extended attributes',
    (victim) => victim.blocks('node', (block) => block.copy(block, 64 + 8, 64, 64 + 8)),
  ],
  [
    'a tree of attributes that is too deep',
    'its extended attributes',
    (victim) => victim.blocks('node', (block) => block.writeUInt16BE(6, 58)),
  ],
  [
    'a value that lies nowhere',
    'its extended attributes',
    (victim) => victim.blocks('attributes', (block) => block.writeUInt32BE(99, block.readUInt16BE(84))),
  ],
  [
    'a value that is longer than any',
    'an extended attribute has 4294967295 bytes',
    (victim) => victim.blocks('attributes', (block) => block.writeUInt32BE(2 ** 32 - 1, block.readUInt16BE(84) + 4)),
  ],
  [
    'a value whose parts are in another order',
    'its extended attributes',
    (victim) => victim.blocks('value', (block) => block.writeUInt32BE(8080, 4)),
  ],
  [
    'an attribute of two kinds',
    'an extended attribute has two kinds',
    (victim) => victim.inode('/deep', (inode) => inode.writeUInt8(6, XFS_INODE_FIELDS_BYTES + inode.readUInt8(82) * 8 + 6)),
  ],
  [
    'an attribute in an inode that ends behind it',
    'extended attributes are damaged',
    (victim) => victim.inode('/deep', (inode) => inode.writeUInt8(255, XFS_INODE_FIELDS_BYTES + inode.readUInt8(82) * 8 + 5)),
  ],
  ['an inode that is another', 'of the xfs is damaged', (victim) => victim.inode('/link', (inode) => inode.writeUInt32BE(1, 152))],
  [
    'an inode on a realtime device',
    'lies on a realtime device, of which there is none',
    (victim) => victim.inode('/deep/file', (inode) => inode.writeUInt16BE(1, 90)),
  ],
  [
    'a log without blocks',
    'it has sizes that no xfs has',
    (victim) => victim.sealed(0, SECTOR, CHECKSUM.superblock, (block) => block.writeUInt32BE(0, 96)),
  ],
  ['an inode that is free', '/link has inode', (victim) => victim.inode('/link', (inode) => inode.writeUInt16BE(0, 2))],
])('%s is told', async (_what, message, damage) => {
  const victim = await Victim.ofLittle();
  await damage(victim);
  expect(await readAll(() => victim.open())).toMatchObject({ message: expect.stringContaining(message) as unknown });
});

it('attributes of a file with many names are read once', async () => {
  const victim = await Victim.ofLittle();
  const [node] = victim.places().filter(({ kind }) => kind === 'node');
  const bytes = bytesIn(victim.bytes);
  let reads = 0;
  const read = (offset: number, length: number): Promise<Buffer> => {
    if (offset === node?.at) reads++;
    return bytes.read(offset, length);
  };
  expect(await readAll(() => openXfs({ ...bytes, read }))).toBe(53);
  expect(reads).toBe(1);
});

it('whatever is damaged, with right checksums, ends in a result or a problem', async () => {
  const victim = await Victim.ofLittle();
  const { bytes } = victim;
  const open = (): ReturnType<typeof openXfs> => victim.open();
  const names = await readAll(open);
  expect(names).toBe(53);
  const places = victim.places();
  expect(new Set(places.map(({ kind }) => kind))).toEqual(new Set(['inode', ...KINDS.map(([, kind]) => kind)]));
  const number = numbersFrom(20_261_130);
  const outcomes = { read: 0, told: 0 };
  const damage = async (at: number, length: number, checksum: number, change: (block: Buffer) => void): Promise<void> => {
    const sound = Buffer.from(bytes.subarray(at, at + length));
    victim.sealed(at, length, checksum, change);
    outcomes[typeof (await readAll(open)) === 'number' ? 'read' : 'told']++;
    sound.copy(bytes, at);
  };
  // Each byte of the superblock that says something, then bytes anywhere, where counts and places are more often than elsewhere.
  for (let at = 4; at < 264; at++)
    await damage(0, SECTOR, CHECKSUM.superblock, (block) => (block[at] = number(2) === 0 ? 0xff : number(256)));
  for (let turn = 0; turn < 600; turn++) {
    const { at, length, checksum } = places[number(places.length)] as (typeof places)[number];
    await damage(at, length, checksum, (block) => {
      for (let count = number(8); count >= 0; count--) block[number(number(2) === 0 ? 200 : length)] = number(256);
    });
  }
  expect(outcomes.read).toBeGreaterThan(100);
  expect(outcomes.told).toBeGreaterThan(100);
  expect(await readAll(open)).toBe(names);
});

it('a byte that changed in any block or inode is told', async () => {
  const victim = await Victim.ofLittle();
  const walked = new Set<number>();
  for await (const { inode } of (await victim.open())?.files?.walk() ?? []) walked.add(inode);
  // Inodes of the filesystem itself are not looked at.
  const isLookedAt = ({ kind, at }: { readonly kind: string; readonly at: number }): boolean =>
    kind !== 'inode' || walked.has(Number(victim.bytes.readBigUInt64BE(at + 152)));
  const places = victim.places().filter(isLookedAt);
  expect(places.length).toBeGreaterThan(walked.size + KINDS.length);
  for (const { kind, at, length } of places) {
    const last = victim.bytes.subarray(at + length - 1, at + length);
    const [sound] = last;
    last.fill(~last.readUInt8(0));
    expect([kind, await readAll(() => victim.open())]).toEqual([kind, expect.any(RangeError)]);
    last.fill(sound as number);
  }
});
