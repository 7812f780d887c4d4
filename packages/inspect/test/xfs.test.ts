import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { look, mounted, withoutShownAcls } from '@ict/fixtures';
import { XFS_BLOCK, XFS_FEATURE, XFS_HASHES, XFS_HEADER, XFS_INODE_FIELDS_BYTES, xfsChecksum, type XfsHeader } from '@ict/image-parts';
import { describe, expect, it } from 'vitest';
import { compareImages } from '../src/compare-images.js';
import { openXfs } from '../src/filesystems/xfs/open-xfs.js';
import { placeOfInode } from '../src/filesystems/xfs/places.js';
import { readSuperblock, type Superblock } from '../src/filesystems/xfs/superblock.js';
import { withImage } from '../src/inspect-image.js';
import { bytesIn, numbersFrom, readAll } from './damage.js';
import { fillTree, lookInto, noise } from './everything.js';
import { copyOf, emptyFile, MIB, overwrite, run, workDirectory } from './images.js';

/** Of no other test: the kernel mounts no two xfs of one. */
const UUID = randomUUID();
const SIZE = 300 * MIB;
/** Of one that mkfs.xfs makes for tests only. */
const SMALL = 32 * MIB;
const LONGEST_LINK = 1023;
const SECTOR = 512;
const LARGEST_SECTOR = 4096;
const FEATURES_AT = 216;
const CHECKSUM = { superblock: 224, inode: 100 } as const;

/** An image that the kernel filled by what `fill` does in its mount. @param features that mkfs.xfs of the host does not know. */
async function written(options: readonly string[], fill: (directory: string) => void, features = 0, sizeBytes = SIZE): Promise<string> {
  const image = emptyFile(join(workDirectory(), 'image'), sizeBytes);
  await run('mkfs.xfs', '-q', '-K', '-m', `uuid=${UUID}`, '-L', 'a label', ...options, image);
  changeSuperblock(image, (block) => block.writeUInt32BE(block.readUInt32BE(FEATURES_AT) + features, FEATURES_AT));
  await mounted(image, 'rw', fill);
  return image;
}

/** Changes the first superblock, and makes its checksum right again. */
function changeSuperblock(image: string, change: (block: Buffer) => void): void {
  const head = Buffer.alloc(LARGEST_SECTOR);
  const file = openSync(image, 'r');
  readSync(file, head);
  closeSync(file);
  const block = head.subarray(0, head.readUInt16BE(102));
  change(block);
  block.writeUInt32LE(xfsChecksum(block, CHECKSUM.superblock), CHECKSUM.superblock);
  overwrite(image, 0, block);
}

/** Sets many attributes of a file at once, also those that are longer than an argument may be. */
function setAttributes(directory: string, file: string, attributes: readonly (readonly [name: string, value: Buffer])[]): void {
  const list = join(workDirectory(), 'attributes');
  const lines = attributes.map(([name, value]) => `${name}=0s${value.toString('base64')}\n`);
  writeFileSync(list, `# file: ${file}\n${lines.join('')}\n`);
  execFileSync('setfattr', [`--restore=${list}`], { cwd: directory, stdio: 'pipe' });
}

/** An entry for owner, a user, group, mask and others each. */
const ACL = Buffer.from(
  ['02000000', '01000700ffffffff', '02000600e8030000', '04000500ffffffff', '10000700ffffffff', '20000000ffffffff'].join(''),
  'hex',
);

/** Everything that an xfs has forms for. */
function fillAll(directory: string): void {
  const at = (path: string): string => join(directory, path);
  const tool = (program: string, ...argv: string[]): unknown => execFileSync(program, argv, { stdio: 'pipe' });
  fillTree(directory, LONGEST_LINK);
  for (const [name, count] of [
    ['short', 3],
    ['single', 20],
    ['leaf', 200],
  ] as const) {
    mkdirSync(at(name));
    for (let index = 0; index < count; index++) writeFileSync(at(`${name}/a name ${index}`), '');
  }
  // They grow in turns, so that their blocks are far from each other.
  for (const name of ['one', 'other']) mkdirSync(at(name));
  for (let index = 0; index < 1500; index++)
    for (const name of ['one', 'other']) linkSync(at(`single/a name ${index % 20}`), at(`${name}/${'n'.repeat(200)} ${index}`));
  tool('fallocate', '--length', '1M', at('reserved'));
  overwrite(at('reserved'), 70_000, Buffer.from('written'));
  tool('fallocate', '--keep-size', '--length', '1M', at('empty'));
  const file = openSync(at('pieces'), 'w');
  for (let piece = 0; piece < 3000; piece++) writeSync(file, `piece ${piece}`, piece * 8192 + 5);
  closeSync(file);
  setAttributes(directory, 'large', [
    ...Array.from({ length: 400 }, (_none, index) => [`user.${index}`, noise(60)] as const),
    ['user.long', noise(65_536)],
    ['system.posix_acl_access', ACL],
  ]);
  const long = Array.from({ length: 30 }, (_none, index) => [`trusted.long ${index}`, noise(3000 + 500 * index)] as const);
  setAttributes(directory, 'sparse', long);
  for (let index = 0; index < 12; index++)
    for (const name of ['reserved', 'pieces']) tool('setfattr', '-n', `user.${index}`, '-v', 'v'.repeat(4000), at(name));
  setAttributes(directory, 'deep', [
    ['system.posix_acl_access', ACL],
    ['system.posix_acl_default', ACL],
  ]);
  utimesSync(at('noise'), new Date(-5000), new Date(-5000)); // of a negative number Node makes the time that it is
}

describe.each<[string, readonly string[], number?]>([
  ['what mkfs.xfs makes', []],
  ['small blocks, and who owns them', ['-b', 'size=1024', '-m', 'rmapbt=1']],
  ['blocks of names that consist of several, and large inodes', ['-n', 'size=65536', '-i', 'size=2048']],
  ['less features', ['-m', 'bigtime=0,inobtcount=0,reflink=0,finobt=0', '-i', 'sparse=0']],
  ['large sectors and counters', ['-s', 'size=4096', '-i', 'nrext64=1']],
  ['names of parents', ['-i', 'nrext64=1'], XFS_FEATURE.exchanges | XFS_FEATURE.parents],
])('an xfs of the kernel with %s', (_name, options, features = 0) => {
  it('is read as the kernel shows it: contents, links, holes, attributes, devices, times', async () => {
    const image = await written(options, fillAll, features);
    const seen = withoutShownAcls(await mounted(image, 'ro', look));
    expect(seen.length).toBeGreaterThan(4100);
    expect(await lookInto(image)).toEqual(seen);
    await withImage(image, async ({ report, filesystems }) => {
      expect(report.partitions).toMatchObject([{ number: 0, filesystem: { type: 'xfs', label: 'a label', id: UUID, sizeBytes: SIZE } }]);
      const files = filesystems.get(0)?.files;
      expect(await files?.find('/leaf/a name 150')).toMatchObject({ sizeBytes: 0 });
      expect(await files?.find('/leaf/none')).toBeUndefined();
    });
  });
});
it('has every form of what is read there', async () => {
  const image = await written([], fillAll);
  const field = async (path: string, ...commands: readonly string[]): Promise<string> => {
    const argv = [`path /${path}`, ...commands].flatMap((command) => ['-c', command]);
    return (await run('xfs_db', '-r', ...argv, image)).trim().replace(/^.* = /u, '');
  };
  const format = (path: string, fork = ''): Promise<string> => field(path, `p core.${fork}format`);
  // 32 GiB behind the names of a directory is what finds them by their hashes.
  const hashes = (path: string, kind: string): Promise<string> => field(path, `dblock ${2 ** 23}`, `p ${kind}.info.hdr.magic`);
  expect(await Promise.all(['short', 'single', 'one', 'large', 'pieces'].map((path) => format(path)))).toEqual([
    '1 (local)',
    '2 (extents)',
    '3 (btree)',
    '2 (extents)',
    '3 (btree)',
  ]);
  expect(await field('single', 'p core.size')).toBe('4096');
  expect([await hashes('leaf', 'lhdr'), await hashes('deep/er', 'nhdr')]).toEqual(['0x3df1', '0x3ebe']);
  expect(await field('pieces', 'p u3.bmbt.level')).toBe('2');
  expect(await Promise.all(['deep', 'noise', 'reserved'].map((path) => format(path, 'a')))).toEqual([
    '1 (local)',
    '2 (extents)',
    '3 (btree)',
  ]);
  expect(await field('large', 'ablock 0', 'p hdr.info.hdr.magic')).toBe('0x3ebe');
});

it.each<[string, readonly string[], (block: Buffer) => void]>([
  ['it is of version 4', ['-m', 'crc=0'], () => {}],
  ['files of it may lie on a realtime device', [], (block) => block.writeBigUInt64BE(1n, 16)],
  ['it has to be repaired first (needsrepair)', [], (block) => block.writeUInt32BE(0x1b, FEATURES_AT)],
  ['its metadata lies in directories (metadir)', [], (block) => block.writeUInt32BE(0x10b, FEATURES_AT)],
  ['its files lie in zones (zoned)', [], (block) => block.writeUInt32BE(0x20b, FEATURES_AT)],
  ['it has features that are not known here (0x80000400)', [], (block) => block.writeUInt32BE(0x8000_040b, FEATURES_AT)],
  ['its directories do not say what their names are (no ftype)', [], (block) => block.writeUInt32BE(0xa, FEATURES_AT)],
])('what is not read says why: %s', async (reason, options, change) => {
  const image = emptyFile(join(workDirectory(), 'image'), SIZE);
  await run('mkfs.xfs', '-q', '-K', '-L', 'a label', ...options, image);
  changeSuperblock(image, change);
  await withImage(image, async ({ report, filesystems }) => {
    expect(report.partitions[0]).toMatchObject({
      filesystem: { type: 'xfs', label: 'a label', sizeBytes: SIZE },
      problem: `files of this xfs are not read: ${reason}`,
    });
    expect(filesystems.get(0)?.files).toBeUndefined();
  });
});

it('is read with a UUID that was changed, and says that one', async () => {
  const image = await written([], (directory) => writeFileSync(join(directory, 'file'), 'text'));
  const other = randomUUID();
  await run('xfs_db', '-x', '-c', `uuid ${other}`, image);
  expect(await lookInto(image)).toEqual(await mounted(image, 'ro', look));
  await withImage(image, async ({ report }) => expect(report.partitions[0]).toMatchObject({ filesystem: { id: other } }));
});

it('no more space is free than there is, and a wrong checksum is told', async () => {
  const image = await written([], () => {});
  changeSuperblock(image, (block) => block.writeBigUInt64BE(2n ** 40n, 144));
  await withImage(image, async ({ report }) => {
    expect(report.partitions[0]).toMatchObject({ filesystem: { sizeBytes: SIZE, freeBytes: SIZE } });
    expect(report.partitions[0]).not.toHaveProperty('problem');
  });
  overwrite(image, 300, noise(8));
  await withImage(image, async ({ report }) => {
    expect(report.partitions[0]?.problem).toBe('the superblock of the xfs is damaged: its checksum is wrong');
  });
});

it('two images that differ by one file are told by its path', async () => {
  const a = await written(['--unsupported'], fillLittle, 0, SMALL);
  const b = copyOf(a, 'changed');
  expect(await compareImages(a, b, { times: true })).toMatchObject({ values: [], files: [], compared: [0], comparedBytes: [] });
  await mounted(b, 'rw', (directory) => overwrite(join(directory, 'single/name 7'), 500, Buffer.from('TEXT')));
  expect((await compareImages(a, b, { times: false })).files).toEqual([
    { partition: 0, path: '/single/name 7', change: 'changed', aspects: ['content'] },
  ]);
});

it.each<[string, readonly string[], string, number]>([
  ['went around', ['--unsupported'], 'rw', 1200],
  ['has long records', [], 'rw,logbsize=256k', 200],
  ['has records that are filled up', ['-l', 'su=65536'], 'rw', 200],
])('whether it was unmounted is told by its log, which %s', async (what, options, mount, files) => {
  const image = emptyFile(join(workDirectory(), 'image'), options.includes('--unsupported') ? SMALL : SIZE);
  await run('mkfs.xfs', '-q', '-K', ...options, image);
  const problemOf = (path: string): Promise<string | undefined> => withImage(path, async ({ report }) => report.partitions[0]?.problem);
  const pending = 'this xfs was not unmounted, and changes that are only in its log are not read';
  expect(await problemOf(image)).toBeUndefined();
  await mounted(image, mount, async (directory) => {
    for (let round = 0; round < 12; round++) {
      mkdirSync(join(directory, 'many'));
      for (let index = 0; index < files; index++) writeFileSync(join(directory, `many/${index}`), '');
      execFileSync('sync', ['--file-system', directory]);
      rmSync(join(directory, 'many'), { recursive: true });
    }
    execFileSync('sync', ['--file-system', directory]);
    expect(await problemOf(copyOf(image, 'mounted'))).toContain(pending);
  });
  expect(await problemOf(image)).toBeUndefined();
  expect(await mounted(`${image}.mounted`, 'rw', look)).toHaveLength(1);
  expect(await problemOf(`${image}.mounted`)).toBeUndefined();
  expect(await run('xfs_logprint', '-t', image)).toContain('<CLEAN>');
  // How often the log went around when the superblock went through it.
  const cycle = readFileSync(image).readUInt32BE(240);
  expect(cycle).toSatisfy((times: number) => (what === 'went around' ? times > 1 : times === 1));
});

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

/** A little of every form. */
function fillLittle(directory: string): void {
  const at = (path: string): string => join(directory, path);
  for (const name of ['deep', 'single', 'large']) mkdirSync(at(name));
  writeFileSync(at('deep/file'), 'text '.repeat(20));
  for (let index = 0; index < 20; index++) writeFileSync(at(`single/name ${index}`), 'text '.repeat(index * 20));
  for (let index = 0; index < 25; index++) linkSync(at('deep/file'), at(`large/${'n'.repeat(200)} ${index}`));
  symlinkSync('er', at('link'));
  symlinkSync('long/'.repeat(150), at('long link'));
  const file = openSync(at('pieces'), 'w');
  for (let piece = 0; piece < 300; piece++) writeSync(file, `piece ${piece}`, piece * 8192 + 5);
  closeSync(file);
  setAttributes(directory, 'deep', [['user.note', Buffer.from('a value')]]);
  setAttributes(directory, 'single', [['user.long', noise(9000)]]);
  setAttributes(directory, 'deep/file', [
    ['system.posix_acl_access', ACL],
    ...Array.from({ length: 100 }, (_none, index) => [`user.${index}`, noise(60)] as const),
  ]);
}

/** An extent of one block, in the form of the device. */
function extentAt(logical: number, block: bigint): Buffer {
  const record = Buffer.alloc(16);
  record.writeBigUInt64BE((BigInt(logical) << 9n) | (block >> 43n), 0);
  record.writeBigUInt64BE(BigInt.asUintN(64, (block << 21n) | 1n), 8);
  return record;
}

/** Where the content of an inode begins, or the way to it. */

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
