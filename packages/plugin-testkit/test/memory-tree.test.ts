import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { writeTar, type TarInput } from '@ict/archive';
import type { VerifiedPackage } from '@ict/plugin-api';
import { memoryTree } from '../src/index.js';

const text = (bytes: Uint8Array | undefined): string | undefined => bytes && new TextDecoder().decode(bytes);

describe('files', () => {
  it('reads back what was written, and makes the directories above it', async () => {
    const tree = memoryTree();
    await tree.write('/etc/deep/er/file', 'content', { mode: 0o600, uid: 7, gid: 8 });
    expect(text(await tree.read('/etc/deep/er/file'))).toBe('content');
    expect(await tree.stat('/etc/deep/er/file')).toEqual({
      path: '/etc/deep/er/file',
      type: 'file',
      mode: 0o600,
      uid: 7,
      gid: 8,
      sizeBytes: 7,
    });
    expect((await tree.list('/etc/deep')).map(({ path }) => path)).toEqual(['/etc/deep/er']);
  });

  it('keeps any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array(), async (bytes) => {
        const tree = memoryTree();
        await tree.write('/file', bytes);
        expect(await tree.read('/file')).toEqual(bytes);
      }),
    );
  });

  it('does not share memory with its caller', async () => {
    const tree = memoryTree();
    const bytes = Uint8Array.of(1, 2);
    await tree.write('/file', bytes);
    bytes[0] = 9;
    (await tree.read('/file'))?.fill(9);
    expect(await tree.read('/file')).toEqual(Uint8Array.of(1, 2));
  });

  it('has nothing where nothing was put', async () => {
    const tree = memoryTree();
    expect([await tree.read('/no/such'), await tree.stat('/no/such'), await tree.list('/no/such')]).toEqual([undefined, undefined, []]);
    await tree.remove('/no/such');
    expect(tree.listing()).toEqual([]);
  });

  it('removes a directory with all below it', async () => {
    const tree = memoryTree({ files: { '/a/b/c': 'x', '/a/d': 'y' } });
    await tree.remove('/a/b');
    expect((await tree.list('/a')).map(({ path }) => path)).toEqual(['/a/d']);
  });

  it.each(['etc/hostname', '/etc/../passwd', '/etc/\0'])('refuses the path %j', async (path) => {
    await expect(memoryTree().write(path, '')).rejects.toMatchObject({ code: 'ICT_TREE_PATH' });
  });

  it.each([
    ['writing over a directory', (tree: ReturnType<typeof memoryTree>) => tree.write('/dir', '')],
    ['a directory over a file', (tree: ReturnType<typeof memoryTree>) => tree.makeDirectory('/file')],
    ['a file used as a directory', (tree: ReturnType<typeof memoryTree>) => tree.write('/file/below', '')],
    ['reading a directory', (tree: ReturnType<typeof memoryTree>) => tree.read('/dir')],
    ['listing a file', (tree: ReturnType<typeof memoryTree>) => tree.list('/file')],
    ['removing the root', (tree: ReturnType<typeof memoryTree>) => tree.remove('/')],
  ])('refuses %s', async (_, act) => {
    await expect(act(memoryTree({ files: { '/dir': null, '/file': '' } }))).rejects.toMatchObject({ code: 'ICT_TREE_PATH' });
  });
});

describe('symbolic links', () => {
  it('lead to places inside the tree only', async () => {
    const tree = memoryTree({ files: { '/usr/bin': null, '/bin': { link: 'usr/bin' }, '/out': { link: '../../../../usr' } } });
    await tree.write('/bin/sh', 'shell');
    expect(text(await tree.read('/usr/bin/sh'))).toBe('shell');
    expect(text(await tree.read('/out/bin/sh'))).toBe('shell');
    expect((await tree.stat('/bin'))?.linkTarget).toBe('usr/bin');
  });

  it('are refused in a circle', async () => {
    const tree = memoryTree({ files: { '/a': { link: 'b' }, '/b': { link: '/a' } } });
    await expect(tree.read('/a')).rejects.toMatchObject({ code: 'ICT_TREE_PATH' });
  });
});

describe('commands', () => {
  it('are remembered, answered, and read line by line', async () => {
    const lines: string[] = [];
    const tree = memoryTree({ run: ({ argv }) => ({ stdout: `${argv.join(' ')}\nend\n` }) });
    const result = await tree.run({ argv: ['true', '1'], onLine: (line, stream) => lines.push(`${stream} ${line}`) });
    expect([result.exitCode, lines, tree.commands.length]).toEqual([0, ['stdout true 1', 'stdout end'], 1]);
  });

  it('fail by their exit status unless that is accepted', async () => {
    const tree = memoryTree({ run: () => ({ exitCode: 3 }) });
    await expect(tree.run({ argv: ['false'] })).rejects.toMatchObject({ code: 'ICT_COMMAND_FAILED' });
    expect((await tree.run({ argv: ['false'], accept: [0, 3] })).exitCode).toBe(3);
  });

  it('see the packages that are exposed', async () => {
    const tree = memoryTree();
    await tree.expose([{ file: '/cache/a.deb' } as VerifiedPackage], '/run/packages');
    expect(tree.exposed).toEqual([{ at: '/run/packages', file: '/cache/a.deb' }]);
  });
});

describe('extract', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'ict-memory-tree-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const plain = { uid: 0, gid: 0, mode: 0o644, mtimeSeconds: 0, xattrs: new Map<string, Uint8Array>() };
  async function* members(paths: readonly string[]): AsyncGenerator<TarInput> {
    for (const path of paths) {
      yield { ...plain, path, type: 'file', content: Buffer.from(path) };
    }
    yield { ...plain, path: 'link', type: 'symlink', linkTarget: paths[0] as string };
    yield { ...plain, path: 'hard', type: 'hardlink', linkTarget: paths[0] as string };
  }

  it.each(['tar', 'tar.gz'])('brings the members of a .%s, with links', async (suffix) => {
    const file = join(directory, `some.${suffix}`);
    const tar = await buffer(writeTar(members(['./a/b', './c'])));
    await writeFile(file, suffix === 'tar' ? tar : gzipSync(tar));
    const tree = memoryTree();
    await tree.extract(file, 'tar', '/opt');
    expect(text(await tree.read('/opt/a/b'))).toBe('./a/b');
    expect(text(await tree.read('/opt/hard'))).toBe('./a/b');
    expect((await tree.stat('/opt/link'))?.type).toBe('symlink');
  });

  it('leaves out files below directories of the archive', async () => {
    const file = join(directory, 'some.tar');
    await writeFile(file, writeTar(members(['./a/b', './c'])));
    const tree = memoryTree();
    await tree.extract(file, 'tar', '/opt', { without: ['/a'] });
    expect(text(await tree.read('/opt/c'))).toBe('./c');
    expect(await tree.stat('/opt/a/b')).toBeUndefined();
    expect(await tree.stat('/opt/hard')).toBeUndefined();
  });

  it('refuses a member that leaves the root', async () => {
    const file = join(directory, 'evil.tar');
    await writeFile(file, writeTar(members(['../etc/passwd'])));
    await expect(memoryTree().extract(file, 'tar')).rejects.toMatchObject({ code: 'ICT_TREE_PATH' });
  });

  it('refuses a file that is no package', async () => {
    const file = join(directory, 'no.deb');
    writeFileSync(file, 'no package');
    await expect(memoryTree().extract(file, 'deb')).rejects.toMatchObject({ kind: 'integrity' });
  });
});

describe('a listing', () => {
  it('is equal for equal trees, whatever the order in which they were made', async () => {
    const files = { '/b': 'x', '/a/c': 'y', '/a/link': { link: 'c' } };
    const reversed = Object.fromEntries(Object.entries(files).reverse());
    expect(memoryTree({ files: reversed }).listing()).toEqual(memoryTree({ files }).listing());
  });

  it.each<[string, (tree: ReturnType<typeof memoryTree>) => Promise<void>]>([
    ['content', (tree) => tree.write('/file', 'other')],
    ['a mode', (tree) => tree.write('/file', 'x', { mode: 0o755 })],
    ['an owner', (tree) => tree.write('/file', 'x', { uid: 1 })],
    ['a link', (tree) => tree.symlink('file', '/link')],
    ['the mode of a directory', (tree) => tree.makeDirectory('/dir', { mode: 0o700 })],
  ])('shows %s', async (_, change) => {
    const tree = memoryTree({ files: { '/file': 'x', '/dir': null } });
    const before = tree.listing();
    await change(tree);
    expect(tree.listing()).not.toEqual(before);
  });
});
