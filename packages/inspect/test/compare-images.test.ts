import { chmodSync, linkSync, mkdirSync, rmSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { compareImages } from '../src/compare-images.js';
import { copyOf, emptyFile, makeDisk, makeFat, MIB, overwrite, run, workDirectory } from './images.js';

const UUID = '6a7b8c9d-0e1f-4213-9425-364758697a8b';

interface Sides {
  readonly directory: string;
  /** An image of the tree as it is now. */
  readonly image: (name: string, changes?: { readonly type?: string; readonly uuid?: string }) => Promise<string>;
  readonly tree: string;
}

async function tree(): Promise<Sides> {
  const directory = workDirectory();
  const root = join(directory, 'tree');
  mkdirSync(join(root, 'dir'), { recursive: true });
  writeFileSync(join(root, 'dir/file'), 'content');
  writeFileSync(join(root, 'large'), Buffer.alloc(3 * MIB, 'large'));
  writeFileSync(join(root, 'script'), '#!');
  writeFileSync(join(root, 'gone'), '');
  symlinkSync('file', join(root, 'dir/link'));
  linkSync(join(root, 'script'), join(root, 'dir/same script'));
  const esp = await makeFat(join(directory, 'esp'), 4 * MIB, { '/loader/entries/a.conf': 'title A\noptions quiet\n' }, '-F', '12');
  return {
    directory,
    tree: root,
    image: async (name, { type = 'ext4', uuid = UUID } = {}) => {
      const file = emptyFile(join(directory, `${name}.${type}`), 16 * MIB);
      await run('mke2fs', '-q', '-t', type, '-U', uuid, '-E', `hash_seed=${UUID}`, '-d', root, file);
      return makeDisk(join(directory, name), [
        { type: 'esp', name: 'esp', file: esp, sizeBytes: 4 * MIB },
        { type: 'linux-generic', name: 'root', file, sizeBytes: 16 * MIB },
      ]);
    },
  };
}

it('an image and its copy hold the same, wherever the bytes of files lie', async () => {
  const { image } = await tree();
  const a = await image('a');
  expect(await compareImages(a, copyOf(a, 'copy'), { times: true })).toMatchObject({ values: [], files: [], compared: [1, 2] });
  const other = await compareImages(a, await image('b', { type: 'ext2' }), { times: true });
  expect(other.files).toEqual([]);
  expect(other.values.map(({ what }) => what)).toEqual(['partitions.2.filesystem.freeBytes', 'partitions.2.filesystem.type']);
});

it('each kind of change is told by its path', async () => {
  const { image, tree: root } = await tree();
  const a = await image('a');
  writeFileSync(join(root, 'dir/file'), 'CONTENT');
  const large = Buffer.alloc(3 * MIB, 'large');
  large[2 * MIB + 17] = 0;
  writeFileSync(join(root, 'large'), large);
  chmodSync(join(root, 'script'), 0o755);
  await run('setfattr', '-n', 'user.note', '-v', 'value', join(root, 'dir'));
  rmSync(join(root, 'gone'));
  rmSync(join(root, 'dir/link'));
  symlinkSync('script', join(root, 'dir/link'));
  writeFileSync(join(root, 'new'), '');
  rmSync(join(root, 'dir/same script'));
  writeFileSync(join(root, 'dir/same script'), '#!');
  const b = await image('b', { uuid: UUID.replace('6a', '6b') });
  const { values, files } = await compareImages(a, b, { times: false });
  expect(values.filter(({ what }) => !what.endsWith('freeBytes'))).toEqual([
    { what: 'partitions.2.filesystem.id', a: UUID, b: UUID.replace('6a', '6b') },
  ]);
  expect(files).toEqual([
    { partition: 2, path: '/dir', change: 'changed', aspects: ['attributes'] },
    { partition: 2, path: '/dir/file', change: 'changed', aspects: ['content'] },
    { partition: 2, path: '/dir/link', change: 'changed', aspects: ['target'] },
    { partition: 2, path: '/dir/same script', change: 'changed', aspects: ['links'] },
    { partition: 2, path: '/gone', change: 'removed', aspects: [] },
    { partition: 2, path: '/large', change: 'changed', aspects: ['content'] },
    { partition: 2, path: '/new', change: 'added', aspects: [] },
    { partition: 2, path: '/script', change: 'changed', aspects: ['mode', 'links'] },
  ]);
});

it('files with very many names are compared', async () => {
  const directory = workDirectory();
  const root = join(directory, 'tree');
  mkdirSync(root);
  writeFileSync(join(root, 'file'), 'content');
  const image = async (name: string): Promise<string> => {
    await run('mksquashfs', root, join(directory, name), '-noappend', '-no-progress', '-quiet', '-comp', 'zstd');
    return join(directory, name);
  };
  for (let index = 0; index < 5000; index++) linkSync(join(root, 'file'), join(root, `${'x'.repeat(200)} ${index}`));
  const a = await image('a');
  linkSync(join(root, 'file'), join(root, 'new'));
  const { files } = await compareImages(a, await image('b'), { times: false });
  expect(files.length).toBe(5002);
  expect(files.filter(({ change }) => change === 'added')).toMatchObject([{ path: '/new' }]);
});

it('times count only when they are asked for', async () => {
  const { image, tree: root } = await tree();
  const a = await image('a');
  utimesSync(join(root, 'large'), 1_000_000_000, 1_000_000_000);
  const b = await image('b');
  expect((await compareImages(a, b, { times: false })).files).toEqual([]);
  expect((await compareImages(a, b, { times: true })).files).toEqual([
    { partition: 2, path: '/large', change: 'changed', aspects: ['time'] },
  ]);
});

it('a boot entry more is one value each, and partitions that one lacks are told', async () => {
  const { image, directory } = await tree();
  const a = await image('a');
  const esp = await makeFat(join(directory, 'other'), 4 * MIB, { '/loader/entries/b.conf': 'title B\noptions debug\n' }, '-F', '12');
  const b = makeDisk(join(directory, 'b'), [{ type: 'esp', name: 'esp', file: esp, sizeBytes: 4 * MIB }]);
  const { values, files, compared } = await compareImages(a, b, { times: false });
  expect(compared).toEqual([1]);
  expect(files.map(({ path, change }) => [path, change])).toEqual([
    ['/loader/entries/a.conf', 'removed'],
    ['/loader/entries/b.conf', 'added'],
  ]);
  expect(values).toContainEqual({ what: 'boot.entries./loader/entries/a.conf.title', a: 'A' });
  expect(values).toContainEqual({ what: 'boot.entries./loader/entries/b.conf.options', b: 'debug' });
  expect(values).toContainEqual({ what: 'partitions.2.filesystem.type', a: 'ext4' });
});

it('partitions of which nobody reads files are compared by their bytes, holes and what has no filesystem included', async () => {
  const directory = workDirectory();
  const content = emptyFile(join(directory, 'content'), 4 * MIB);
  const image = (name: string) =>
    makeDisk(join(directory, name), [{ type: 'linux-generic', name: 'data', file: content, sizeBytes: 4 * MIB }]);
  const a = image('a');
  expect(await compareImages(a, image('b'), { times: false })).toMatchObject({ values: [], compared: [], comparedBytes: [1] });
  overwrite(content, 4 * MIB - 1, Buffer.from([1]));
  const { values, comparedBytes } = await compareImages(a, image('c'), { times: false });
  const digest = expect.stringMatching(/^sha256:[0-9a-f]{64}$/) as unknown;
  expect([values, comparedBytes]).toEqual([[{ what: 'partitions.1.content', a: digest, b: digest }], [1]]);
  expect(values[0]?.a).not.toBe(values[0]?.b);
});

it('an abort ends it, and a damaged image says what it is', async () => {
  const { image } = await tree();
  const a = await image('a');
  const signal = AbortSignal.abort(new Error('enough'));
  await expect(compareImages(a, a, { times: false, signal })).rejects.toThrow('enough');
  const cut = copyOf(a, 'cut');
  truncateSync(cut, 12 * MIB);
  const { values, compared } = await compareImages(a, cut, { times: false });
  expect(compared).toEqual([1]);
  expect(values).toContainEqual({ what: 'partitions.2.problem', b: 'it ends behind the disk' });
  const damaged = copyOf(a, 'damaged');
  const block = Number((await run('debugfs', '-R', 'bmap /dir 0', `${a}.ext4`)).trim());
  overwrite(damaged, 5 * MIB + block * 1024 + 4, Buffer.from([0xff, 0xff]));
  for (const [first, second] of [
    [a, damaged],
    [damaged, a],
  ] as const) {
    await expect(compareImages(first, second, { times: false })).rejects.toMatchObject({
      code: 'ICT_INSPECT_IMAGE',
      message: expect.stringMatching(/its filesystem in \S*\.damaged is damaged: .*the directory \/dir is damaged/) as unknown,
      facts: { partition: 2, path: damaged },
    });
  }
  overwrite(cut, 0, Buffer.alloc(5 * MIB));
  await expect(compareImages(a, cut, { times: false })).rejects.toMatchObject({ code: 'ICT_INSPECT_IMAGE' });
});
