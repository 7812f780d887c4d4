import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { compareImages } from '../src/compare-images.js';
import type { FileEntry } from '../src/filesystems/filesystem.js';
import { childPath, filesystemOver } from '../src/filesystems/filesystem-over.js';
import { nothing } from '../src/filesystems/pieces.js';
import { emptyFile, MIB, run, workDirectory } from './images.js';

const COMMON = { mode: 0o755, owner: 0, group: 0, sizeBytes: 0, seconds: 0, content: nothing };
const ROOT: FileEntry = { ...COMMON, path: '/', type: 'directory', inode: 1 };

/** The paths of a filesystem whose root has these. */
async function pathsOf(entries: () => Iterable<FileEntry>): Promise<readonly string[]> {
  const paths: string[] = [];
  for await (const { path } of filesystemOver(ROOT, async function* () {
    yield* entries();
  }).walk())
    paths.push(path);
  return paths;
}

function file(name: string, more: Partial<FileEntry> = {}): FileEntry {
  return { ...COMMON, path: childPath(ROOT, name), type: 'file', inode: 2, ...more };
}

it.each(['', '.', '..', 'a/b', '../b', 'a\0b'])('%j is no name', async (name) => {
  await expect(pathsOf(() => [file(name)])).rejects.toThrow(new RangeError('the directory / has a name that is none'));
});

it('of two files with one name none is left out', async () => {
  expect(await pathsOf(() => [file('b'), file('a')])).toEqual(['/', '/a', '/b']);
  await expect(pathsOf(() => [file('b'), file('a'), file('b')])).rejects.toThrow(new RangeError('/b is there twice'));
});

it.each([
  ['attributes', { attributes: { 'user.x': 'x'.repeat(MIB) } }],
  ['a target', { type: 'symlink', target: 'x'.repeat(MIB) }],
] as const)('a directory without an end whose files have %s ends', async (_name, more) => {
  const endless = function* (): Generator<FileEntry, void, undefined> {
    for (let index = 0; ; index++) yield file(`${index}`, more);
  };
  await expect(pathsOf(endless)).rejects.toThrow(/^its paths, targets and attributes have more than \d+ characters$/u);
});

it('directories are walked before what is beside them, and no deeper than paths lead', async () => {
  const walked: string[] = [];
  const walk = async (deepest: number): Promise<void> => {
    const { walk: names } = filesystemOver(ROOT, async function* (directory) {
      yield { ...file('z'), path: childPath(directory, 'z') };
      if (directory.inode < deepest) yield { ...ROOT, path: childPath(directory, 'a'), inode: directory.inode + 1 };
    });
    for await (const { path } of names()) walked.push(path);
  };
  await walk(3);
  expect(walked).toEqual(['/', '/a', '/a/a', '/a/a/z', '/a/z', '/z']);
  await walk(2049);
  await expect(walk(Infinity)).rejects.toThrow(/lies deeper than 2048 directories$/u);
});

it('files whose names are no UTF-8 are compared, each by its own', async () => {
  const directory = workDirectory();
  const image = async (name: string, content: string): Promise<string> => {
    const tree = join(directory, `tree ${name}`);
    mkdirSync(tree);
    for (const [last, text] of [
      [0xe8, content],
      [0xe9, 'equal'],
    ] as const)
      writeFileSync(Buffer.concat([Buffer.from(join(tree, 'caf')), Buffer.from([last])]), text);
    await run('mke2fs', '-q', '-t', 'ext4', '-d', tree, emptyFile(join(directory, name), 8 * MIB));
    return join(directory, name);
  };
  const { files } = await compareImages(await image('a', 'one'), await image('b', 'two'), { times: false });
  expect(files).toMatchObject([{ path: '/caf\\xe8', change: 'changed', aspects: ['content'] }]);
});

it('links that lead to what is no UTF-8 are compared by their bytes', async () => {
  const directory = workDirectory();
  const image = async (name: string, last: number): Promise<string> => {
    const tree = join(directory, `tree ${name}`);
    mkdirSync(tree);
    symlinkSync(Buffer.from([0x63, last]), join(tree, 'link'));
    await run('mke2fs', '-q', '-t', 'ext4', '-d', tree, emptyFile(join(directory, name), 8 * MIB));
    return join(directory, name);
  };
  const { files } = await compareImages(await image('a', 0xe8), await image('b', 0xe9), { times: false });
  expect(files).toMatchObject([{ path: '/link', change: 'changed', aspects: ['target'] }]);
});
