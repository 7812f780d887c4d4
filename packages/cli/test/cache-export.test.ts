import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { openCache } from '@ict/cache';
import { copySparse } from '@ict/integrity';
import type { Json } from '@ict/plugin-api';
import { describe, expect, it, vi } from 'vitest';
import { disk, document, fill, keepImage, places, root, useCache, type Listed } from './cache-place.js';
import { ict } from './fixture.js';
import { ictWithFullDisk } from './full-disk.js';

useCache();

describe('ict cache export and import', () => {
  it('writes a file as it is, or the disk as its suffix asks, and takes it back as imported', async () => {
    const key = await keepImage(await fill(0, []));
    const target = (name: string): string => join(root, name);
    for (const name of ['out.raw', 'out.lock.yml', 'out.raw.gz', 'out.raw.zst']) {
      await document(['export', key.slice(0, 12), target(name), ...places]);
    }
    expect(await readFile(target('out.raw'))).toEqual(disk);
    expect(await readFile(target('out.lock.yml'), 'utf8')).toBe('lock');
    expect(gunzipSync(await readFile(target('out.raw.gz')))).toEqual(disk);
    expect(zstdDecompressSync(await readFile(target('out.raw.zst')))).toEqual(disk);

    const { id } = await document<{ id: string }>(['import', target('out.raw'), ...places]);
    expect(await document(['info', id, ...places])).toMatchObject({ kind: 'image', record: { origin: 'imported' } });
    const listed = (await ict(['cache', 'list', '--kind', 'image', ...places])).stdout.lines;
    expect(listed.slice(1, 3).map((line) => line.slice(line.indexOf('Z') + 1).trim()).sort()).toEqual(['mini-1.0.raw', 'out.raw (imported)']); // prettier-ignore
    const cache = await openCache({ cacheDir: join(root, 'cache'), clock: () => Date.now() / 1000 });
    const { inputs } = (await cache.images.record(id)) as { inputs: Json };
    expect(await cache.images.find(inputs)).toMatchObject({ reason: expect.stringContaining('imported') as unknown });
    expect(existsSync(target('out.raw'))).toBe(true);
    await document(['import', target('out.raw'), ...places]);
    expect(await readdir(join(root, 'cache', '.ict', 'trash'))).toEqual([]);
  });

  it.runIf(process.geteuid?.() === 0)('writes a file that belongs to whoever ran sudo', async () => {
    const key = await keepImage(await fill(0, []));
    const sudo = { uid: 0, env: { SUDO_UID: '12345', SUDO_GID: '12345' } };
    expect((await ict(['cache', 'export', key, join(root, 'out.raw'), ...places], sudo)).status).toBe(0);
    expect((await stat(join(root, 'out.raw'))).uid).toBe(12345);
  });

  it('writes nothing of a damaged image, and no form that it does not know', async () => {
    const key = await keepImage(await fill(0, []));
    const unknown = await ict(['cache', 'export', key, join(root, 'out.floppy'), ...places]);
    expect(unknown.status).toBe(2);
    expect(unknown.stderr.text).toContain('mini-1.0.raw');
    await rm(join(root, 'cache', 'imageCache', key, 'mini-1.0.raw'));
    const damaged = await ict(['cache', 'export', key, join(root, 'out.raw'), ...places]);
    expect(damaged.status).toBe(5);
    expect(damaged.stderr.text).toContain('ICT_CLI_IMAGE_DAMAGED');
    expect(existsSync(join(root, 'out.raw'))).toBe(false);
  });

  it.each(['raw', 'img', 'qcow2'])('writes a copy of a .%s that is as any new file, and has the holes of the kept one', async (suffix) => {
    const source = join(root, `sparse.${suffix}`);
    await writeFile(source, suffix === 'qcow2' ? 'QFI\xfb' : '', 'latin1');
    await truncate(source, 8 << 20);
    const disk = await open(source, 'r+');
    await disk.write('data', 4 << 20);
    await disk.write(Buffer.from([0x55, 0xaa]), 0, 2, 510);
    await disk.close();
    await chmod(source, 0o444);
    const { id } = await document<{ id: string }>(['import', source, ...places]);
    // What is kept has no holes where its file system shares no blocks: another one in its place has.
    const kept = join(root, 'cache', 'imageCache', id, `sparse.${suffix}`);
    await copySparse(source, kept, new AbortController().signal);
    await chmod(kept, 0o444);
    const target = join(root, `out.${suffix}`);
    const umask = process.umask(0o027);
    try {
      await document(['export', id, target, ...places]);
    } finally {
      process.umask(umask);
    }
    const { mode, size, blocks } = await stat(target);
    expect([mode & 0o777, size]).toEqual([0o640, 8 << 20]);
    expect(blocks * 512).toBeLessThan(1 << 20);
    expect((await readFile(target)).equals(await readFile(source))).toBe(true);
  });

  it('is a use of the image', async () => {
    const key = await keepImage(await fill(40, []));
    const lastUsed = async () => (await document<Listed>(['list', '--kind', 'image', ...places])).entries[0]?.lastUsed ?? '';
    const before = await lastUsed();
    await document(['export', key, join(root, 'out.raw'), ...places]);
    expect(Date.parse(await lastUsed()) - Date.parse(before)).toBeGreaterThan(39 * 86_400_000);
  });

  it('says of a full disk that it is full, and replaces nothing but files', async () => {
    const key = await keepImage(await fill(0, []), 'mini-1.0.raw', Buffer.alloc(100_000, 'x'));
    const full = join(root, 'full');
    await mkdir(full);
    for (const name of ['a.raw', 'a.qcow2']) {
      const { status, stderr } = ictWithFullDisk(full, ['cache', 'export', key, join(full, name), ...places], { HOME: root });
      expect([status, stderr]).toEqual([2, expect.stringMatching(/ICT_CLI_FILE_UNWRITABLE[^]*its disk is full/) as string]);
      expect(stderr).not.toContain('run as a user');
    }
    expect((await ict(['cache', 'export', key, join(root, 'new/one/out.raw'), ...places])).status).toBe(0);
    expect((await stat(join(root, 'new/one/out.raw'))).isFile()).toBe(true);
    await mkdir(join(root, 'out.raw'));
    const { status, stderr } = await ict(['cache', 'export', key, join(root, 'out.raw'), ...places]);
    expect([status, stderr.text]).toEqual([2, expect.stringContaining('ICT_CLI_FILE_UNWRITABLE') as string]);
    expect((await stat(join(root, 'out.raw'))).isDirectory()).toBe(true);
  });

  describe('of a disk in any form', () => {
    const content = Buffer.alloc(3 << 20);
    content.write('disk '.repeat(100), 1 << 20);
    const raw = (): string => join(root, 'whole.raw');
    const qemu = (...argv: readonly string[]): void => {
      const { status, stderr } = spawnSync('qemu-img', argv, { cwd: root });
      expect(status, stderr.toString()).toBe(0);
    };

    /** Keeps a disk in one form alone. @returns its key. */
    async function keepDisk(name: string, make: (file: string) => void | Promise<void>): Promise<string> {
      const file = join(root, name);
      await writeFile(raw(), content);
      await make(file);
      return keepImage(await fill(0, []), name, await readFile(file));
    }

    it.each([
      ['qcow2', 'qcow2'],
      ['vmdk', 'vmdk'],
      ['vhd', 'vpc'],
      ['vhdx', 'vhdx'],
      ['vdi', 'vdi'],
    ])('makes the raw disk of .%s, and other forms of that', async (suffix, format) => {
      const size = format === 'vpc' ? ['-o', 'force_size=on'] : [];
      const key = await keepDisk(`my.image-1.0.${suffix}`, (file) => qemu('convert', '-f', 'raw', '-O', format, ...size, raw(), file));
      for (const name of ['out.raw', 'out.img', 'out.raw.gz', 'out.raw.zst']) await document(['export', key, join(root, name), ...places]);
      for (const name of ['out.raw', 'out.img']) expect((await readFile(join(root, name))).equals(content)).toBe(true);
      expect((await stat(join(root, 'out.raw'))).blocks * 512).toBeLessThan(1 << 20);
      expect(gunzipSync(await readFile(join(root, 'out.raw.gz'))).equals(content)).toBe(true);
      expect(zstdDecompressSync(await readFile(join(root, 'out.raw.zst'))).equals(content)).toBe(true);
      const other = suffix === 'vdi' ? 'qcow2' : 'vdi';
      await document(['export', key, join(root, `other.${other}`), ...places]);
      qemu('compare', '-f', 'raw', '-F', other, raw(), join(root, `other.${other}`));
      expect((await readdir(root)).filter((left) => left.startsWith('.'))).toEqual([]);
    });

    it.each([
      ['mini.raw.gz', gzipSync],
      ['mini.img.zst', zstdCompressSync],
    ])('unpacks %s, with holes for its zeros', async (name, pack) => {
      const key = await keepDisk(name, (file) => writeFile(file, pack(content)));
      for (const out of ['out.raw', 'out.qcow2']) await document(['export', key, join(root, out), ...places]);
      expect((await readFile(join(root, 'out.raw'))).equals(content)).toBe(true);
      expect((await stat(join(root, 'out.raw'))).blocks * 512).toBeLessThan(1 << 20);
      qemu('compare', '-f', 'raw', '-F', 'qcow2', raw(), join(root, 'out.qcow2'));
    });

    it.each([
      ['a backing file', ['-f', 'qcow2', '-b', 'whole.raw', '-F', 'raw'], 'qcow2'],
      ['a data file', ['-f', 'qcow2', '-o', 'data_file=data.raw', '3M'], 'qcow2'],
      ['extents', ['-f', 'vmdk', '-o', 'subformat=twoGbMaxExtentSparse', '3M'], 'vmdk'],
    ])('makes none of a disk with %s: it could be any file of this machine', async (_what, options, suffix) => {
      const key = await keepDisk(`part.${suffix}`, (file) => {
        const size = options.at(-1) === '3M' ? ['3M'] : [];
        qemu('create', '-q', ...options.slice(0, options.length - size.length), file, ...size);
      });
      const { status, stderr } = await ict(['cache', 'export', key, join(root, 'out.raw'), ...places]);
      expect([status, stderr.text]).toEqual([2, expect.stringContaining('ICT_CLI_USAGE') as string]);
      expect(existsSync(join(root, 'out.raw'))).toBe(false);
    });

    it('says of a file that is no such disk what is wrong with it', async () => {
      const key = await keepDisk('text.qcow2', (file) => writeFile(file, 'text'));
      const { status, stderr } = await ict(['cache', 'export', key, join(root, 'out.raw'), ...places]);
      expect([status, stderr.text]).toEqual([2, expect.stringMatching(/cannot be read as qcow2: .*not in qcow2 format/) as string]);
    });

    it('says that qemu-img is missing', async () => {
      const key = await keepDisk('whole.raw', () => undefined);
      vi.stubEnv('PATH', root);
      const { status, stderr } = await ict(['cache', 'export', key, join(root, 'out.vdi'), ...places]);
      vi.unstubAllEnvs();
      expect([status, stderr.text]).toEqual([7, expect.stringContaining('ICT_CLI_HOST_MISSING') as string]);
    });
  });

  it('finds the files of an image whose name has dots before their endings', async () => {
    const cache = await fill(0, []);
    const key = await keepImage(cache, 'my.image-1.0.qcow2', Buffer.from('disk'));
    const json = await keepImage(cache, 'a.manifest.json', Buffer.from('{}'));
    for (const name of ['out.lock.yml', 'my.other.lock.yml', 'out.qcow2', 'x.y.qcow2']) {
      await document(['export', key, join(root, name), ...places]);
      expect(await readFile(join(root, name), 'utf8'), name).toBe(name.endsWith('qcow2') ? 'disk' : 'lock');
    }
    await document(['export', json, join(root, 'b.c.manifest.json'), ...places]);
    expect(await readFile(join(root, 'b.c.manifest.json'), 'utf8')).toBe('{}');
    for (const name of ['out.yml', 'out.json']) {
      expect((await ict(['cache', 'export', key, join(root, name), ...places])).status, name).toBe(2);
    }
  });
});
