import {
  chmodSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { mounted } from '@ict/fixtures';
import { describe, expect, it } from 'vitest';
import { bytesOf } from '../src/bytes.js';
import { openExt } from '../src/filesystems/ext.js';
import { parseBlockOfAttributes } from '../src/filesystems/ext-attributes.js';
import type { FileEntry, OpenedFilesystem, ReadableFilesystem } from '../src/filesystems/filesystem.js';
import { gathered } from '../src/filesystems/filesystem.js';
import { withImage } from '../src/inspect-image.js';
import { copyOf, emptyFile, MIB, overwrite, run, workDirectory } from './images.js';

const SECONDS = 1_700_000_000;

/** A tree with everything that an ext filesystem keeps in a way of its own. */
async function makeTree(directory: string): Promise<Map<string, Buffer>> {
  const contents = new Map<string, Buffer>();
  const put = (name: string, content: Buffer): void => {
    writeFileSync(join(directory, name), content);
    contents.set(`/${name}`, content);
  };
  mkdirSync(join(directory, 'deep/er'), { recursive: true });
  mkdirSync(join(directory, 'many'));
  put('empty', Buffer.alloc(0));
  put('deep/er/small', Buffer.from('small\n'));
  put('large', Buffer.from(Array.from({ length: 3 * MIB }, (_none, index) => (index * 7 + (index >> 12)) & 0xff)));
  for (let index = 0; index < 700; index++) put(`many/a name that takes its room ${index}`, Buffer.from(String(index)));
  writeFileSync(join(directory, 'sparse'), 'begin');
  truncateSync(join(directory, 'sparse'), 6 * MIB);
  overwrite(join(directory, 'sparse'), 5 * MIB, Buffer.from('end'));
  contents.set('/sparse', readFileSync(join(directory, 'sparse')));
  symlinkSync('small', join(directory, 'deep/er/short link'));
  symlinkSync(`/${'long/'.repeat(30)}target`, join(directory, 'long link'));
  linkSync(join(directory, 'large'), join(directory, 'deep/hard link'));
  contents.set('/deep/hard link', contents.get('/large') as Buffer);
  chmodSync(join(directory, 'empty'), 0o4750);
  await run('setfattr', '-n', 'user.note', '-v', 'a value', join(directory, 'empty'));
  await run('setfattr', '-n', 'user.long', '-v', 'v'.repeat(700), join(directory, 'deep/er/small'));
  utimesSync(join(directory, 'empty'), SECONDS, SECONDS);
  lutimesSync(join(directory, 'long link'), SECONDS, SECONDS);
  return contents;
}

async function everything(files: ReadableFilesystem | undefined): Promise<Map<string, FileEntry>> {
  const found = new Map<string, FileEntry>();
  if (files !== undefined) for await (const entry of files.walk()) found.set(entry.path, entry);
  return found;
}

describe.each(['ext2', 'ext3', 'ext4'])('%s', (type) => {
  it('is read as it was written: contents, links, holes, attributes, owners, times', async () => {
    const directory = workDirectory();
    const tree = join(directory, 'tree');
    mkdirSync(tree);
    const contents = await makeTree(tree);
    const image = emptyFile(join(directory, 'image'), 64 * MIB);
    const options = type === 'ext4' ? ['-b', '4096'] : ['-b', '1024'];
    await run('mke2fs', '-q', '-t', type, ...options, '-L', 'a label', '-U', '6a7b8c9d-0e1f-4213-9425-364758697a8b', '-d', tree, image);
    await withImage(image, async ({ report, filesystems }) => {
      expect(report.partitions).toMatchObject([
        {
          number: 0,
          type: 'whole',
          filesystem: { type, label: 'a label', id: '6a7b8c9d-0e1f-4213-9425-364758697a8b', sizeBytes: 64 * MIB },
        },
      ]);
      const files = filesystems.get(0)?.files;
      const found = await everything(files);
      for (const [path, content] of contents) {
        const entry = found.get(path);
        expect([path, entry?.type, entry?.sizeBytes]).toEqual([path, 'file', content.length]);
        expect((await gathered((entry as FileEntry).content())).equals(content), path).toBe(true);
      }
      const links = ['/deep/er/short link', '/long link'];
      const directories = ['/', '/deep', '/deep/er', '/lost+found', '/many'];
      expect([...found.keys()].sort()).toEqual([...contents.keys(), ...links, ...directories].sort());
      expect(found.get('/deep/er/short link')).toMatchObject({ type: 'symlink', target: 'small' });
      expect(found.get('/long link')).toMatchObject({ type: 'symlink', target: `/${'long/'.repeat(30)}target`, seconds: SECONDS });
      expect(found.get('/empty')).toMatchObject({
        mode: 0o4750,
        seconds: SECONDS,
        attributes: { 'user.note': Buffer.from('a value').toString('hex') },
      });
      expect(found.get('/deep/er/small')?.attributes).toEqual({ 'user.long': Buffer.from('v'.repeat(700)).toString('hex') });
      expect(found.get('/large')?.inode).toBe(found.get('/deep/hard link')?.inode);
      expect(found.get('/empty')?.owner).toBe(process.geteuid?.());
      expect(await files?.find('/deep/er/small')).toMatchObject({ path: '/deep/er/small' });
      expect(await files?.find('/deep/er/none')).toBeUndefined();
      expect(await files?.find('/empty/none')).toBeUndefined();
    });
  });
});

it('of ext4 has times behind 2038, and devices', async () => {
  const directory = workDirectory();
  const tree = join(directory, 'tree');
  mkdirSync(tree);
  writeFileSync(join(tree, 'later'), '');
  const image = emptyFile(join(directory, 'image'), 8 * MIB);
  await run('mke2fs', '-q', '-t', 'ext4', '-I', '256', '-d', tree, image);
  // mke2fs does not write the bits above 32.
  await run('debugfs', '-w', '-R', 'set_inode_field /later mtime @5', image);
  await run('debugfs', '-w', '-R', 'set_inode_field /later mtime_extra 1', image);
  await run('debugfs', '-w', '-R', 'mknod disk b 8 300', image);
  await run('debugfs', '-w', '-R', 'mknod null c 1 3', image);
  await run('debugfs', '-w', '-R', 'mknod pipe p', image);
  await withImage(image, async ({ filesystems }) => {
    const found = await everything(filesystems.get(0)?.files);
    expect(found.get('/later')?.seconds).toBe(2 ** 32 + 5);
    expect(found.get('/disk')).toMatchObject({ type: 'block', device: [8, 300] });
    expect(found.get('/null')).toMatchObject({ type: 'character', device: [1, 3] });
    expect(found.get('/pipe')).toMatchObject({ type: 'fifo' });
  });
});

it('one that was not unmounted says so', async () => {
  const image = emptyFile(join(workDirectory(), 'image'), 8 * MIB);
  await run('mke2fs', '-q', '-t', 'ext4', image);
  await mounted(image, 'rw', (directory) => {
    writeFileSync(join(directory, 'file'), '');
    copyOf(image, 'mounted');
  });
  await withImage(`${image}.mounted`, async ({ report, filesystems }) => {
    expect(report.partitions[0]?.problem).toBe('this ext4 was not unmounted, and changes that are only in its journal are not read');
    expect(filesystems.get(0)?.files).toBeDefined();
  });
  await withImage(image, async ({ report }) => expect(report.partitions[0]).not.toHaveProperty('problem'));
});

it.each(['inline_data', 'meta_bg,^resize_inode', '^filetype'])('what is made with %s is told, and not read', async (features) => {
  const image = emptyFile(join(workDirectory(), 'image'), 8 * MIB);
  await run('mke2fs', '-q', '-t', 'ext4', '-I', '256', '-O', features, image);
  await withImage(image, async ({ report, filesystems }) => {
    expect(report.partitions[0]?.problem).toMatch(/^files of this ext4 are not read: /u);
    expect(filesystems.get(0)?.files).toBeUndefined();
  });
});

it('an access control list in an inode of its own is named by that', () => {
  const block = Buffer.alloc(1024);
  block.writeUInt32LE(0xea02_0000, 0);
  const entry = block.subarray(32);
  entry.writeUInt8(2, 1);
  entry.writeUInt32LE(12, 4);
  entry.writeUInt32LE(2000, 8);
  block.writeUInt16LE(2, 1020); // whatever it is, no entry of that list
  expect(parseBlockOfAttributes(block)).toEqual({ 'system.posix_acl_access': 'inode 12' });
});

it('a damaged tree of extents, directory or inode ends in a problem, and never in a loop', async () => {
  const directory = workDirectory();
  const tree = join(directory, 'tree');
  mkdirSync(join(tree, 'sub'), { recursive: true });
  writeFileSync(join(tree, 'sub/file'), 'content');
  const image = emptyFile(join(directory, 'image'), 8 * MIB);
  await run('mke2fs', '-q', '-t', 'ext4', '-b', '1024', '-d', tree, image);
  const block = Number((await run('debugfs', '-R', 'bmap /sub 0', image)).trim());
  const root = Number((await run('debugfs', '-R', 'bmap / 0', image)).trim());
  // The directory holds itself.
  const entry = Buffer.alloc(12);
  entry.writeUInt32LE(Number(/Inode: (\d+)/.exec(await run('debugfs', '-R', 'stat /sub', image))?.[1]), 0);
  entry.writeUInt16LE(1024, 4);
  entry.writeUInt8(4, 6);
  entry.write('self', 8);
  overwrite(image, block * 1024, entry);
  await withImage(image, async ({ filesystems }) => {
    await expect(everything(filesystems.get(0)?.files)).rejects.toThrow('the directory /sub/self has another name already');
  });
  overwrite(image, root * 1024 + 4, Buffer.from([0xff, 0xff]));
  await withImage(image, async ({ report, filesystems }) => {
    expect(report.partitions[0]?.problem).toBe('the directory / is damaged');
    await expect(everything(filesystems.get(0)?.files)).rejects.toThrow('the directory / is damaged');
  });
});

/** An ext4 with `/file` of ten blocks, and where the inode of that is. */
async function withFile(): Promise<{
  readonly image: string;
  readonly inodeAt: number;
  readonly blockAt: (index: number) => Promise<number>;
}> {
  const directory = workDirectory();
  const tree = join(directory, 'tree');
  mkdirSync(tree);
  writeFileSync(join(tree, 'file'), Buffer.alloc(10 * 1024, 'content'));
  const image = emptyFile(join(directory, 'image'), 8 * MIB);
  await run('mke2fs', '-q', '-t', 'ext4', '-b', '1024', '-d', tree, image);
  const [, block, offset] = /block (\d+), offset (0x[\da-f]+)/.exec(await run('debugfs', '-R', 'imap /file', image)) ?? [];
  const blockAt = async (index: number): Promise<number> =>
    Number((await run('debugfs', '-R', `bmap /file ${index}`, image)).trim()) * 1024;
  return { image, inodeAt: Number(block) * 1024 + Number(offset), blockAt };
}

/** A node of a tree of extents, all of which are the same. */
function nodeOf(bytes: number, depth: number, entry: Buffer): Buffer {
  const count = Math.floor((bytes - 12) / 12);
  const header = Buffer.alloc(12);
  for (const [index, value] of [0xf30a, count, count, depth].entries()) header.writeUInt16LE(value, index * 2);
  return Buffer.concat([header, ...Array.from({ length: count }, () => entry)]);
}

it('a tree of extents that leads to one node many times ends', async () => {
  const { image, inodeAt, blockAt } = await withFile();
  const places = await Promise.all([0, 1, 2, 3, 4].map(blockAt));
  let entry = Buffer.alloc(12); // an extent of no blocks
  for (const [depth, place] of places.entries()) {
    overwrite(image, place, nodeOf(1024, depth, entry));
    entry = Buffer.alloc(12);
    entry.writeUInt32LE(place / 1024, 4);
  }
  overwrite(image, inodeAt + 0x28, nodeOf(60, 5, entry));
  await withImage(image, async ({ filesystems }) => {
    const file = await filesystems.get(0)?.files?.find('/file');
    await expect(gathered((file as FileEntry).content())).rejects.toThrow('an extent tree is damaged');
  });
});

it('a file that is larger than any is refused', async () => {
  const { image, inodeAt } = await withFile();
  overwrite(image, inodeAt + 0x6c, Buffer.from([0, 0, 1]));
  await withImage(image, async ({ filesystems }) => {
    await expect(everything(filesystems.get(0)?.files)).rejects.toThrow(/\/file has \d+ bytes, more than a file has/u);
  });
});

it('entries hold nothing of what was read for them', async () => {
  const { image } = await withFile();
  await using handle = await open(image);
  const bytes = bytesOf(handle, statSync(image).size);
  const read: Buffer[] = [];
  const copying = async (offset: number, length: number): Promise<Buffer> => {
    read.push(Buffer.from(await bytes.read(offset, length)));
    return read.at(-1) as Buffer;
  };
  const { files } = (await openExt({ ...bytes, read: copying })) as OpenedFilesystem;
  const found = await everything(files);
  for (const buffer of read) buffer.fill(0);
  expect(await gathered((found.get('/file') as FileEntry).content())).toEqual(Buffer.alloc(10 * 1024, 'content'));
});
