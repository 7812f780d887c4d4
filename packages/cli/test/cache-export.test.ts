import { existsSync } from 'node:fs';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { openCache } from '@ict/cache';
import type { Json } from '@ict/plugin-api';
import { describe, expect, it } from 'vitest';
import { document, fill, places, root, useCache } from './cache-place.js';
import { ict } from './fixture.js';

useCache();

describe('ict cache export and import', () => {
  /** Keeps an image of one raw disk. @returns its key. */
  async function keepImage(): Promise<string> {
    const cache = await fill(0, []);
    const blob = await cache.blobs.putBytes(Buffer.from('disk '.repeat(100)));
    const source = (await cache.blobs.path(blob.digest)) as string;
    const artifact = { name: 'mini-1.0.raw', type: 'raw', digest: blob.digest, sizeBytes: blob.sizeBytes, source };
    await cache.images.put({ a: 1 }, { artifacts: [artifact], documents: new Map([['mini-1.0.lock.yml', Buffer.from('lock')]]) }, 'ict');
    return cache.images.key({ a: 1 });
  }

  it('writes a file as it is, or the disk as its suffix asks, and takes it back as imported', async () => {
    const key = await keepImage();
    const target = (name: string): string => join(root, name);
    for (const name of ['out.raw', 'out.lock.yml', 'out.raw.gz', 'out.raw.zst']) {
      await document(['export', key.slice(0, 12), target(name), ...places]);
    }
    expect(await readFile(target('out.raw'), 'utf8')).toBe('disk '.repeat(100));
    expect(await readFile(target('out.lock.yml'), 'utf8')).toBe('lock');
    expect(gunzipSync(await readFile(target('out.raw.gz'))).toString()).toBe('disk '.repeat(100));
    expect(zstdDecompressSync(await readFile(target('out.raw.zst'))).toString()).toBe('disk '.repeat(100));

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
    const key = await keepImage();
    const sudo = { uid: 0, env: { SUDO_UID: '12345', SUDO_GID: '12345' } };
    expect((await ict(['cache', 'export', key, join(root, 'out.raw'), ...places], sudo)).status).toBe(0);
    expect((await stat(join(root, 'out.raw'))).uid).toBe(12345);
  });

  it('writes nothing of a damaged image, and no form that it does not know', async () => {
    const key = await keepImage();
    const unknown = await ict(['cache', 'export', key, join(root, 'out.floppy'), ...places]);
    expect(unknown.status).toBe(2);
    expect(unknown.stderr.text).toContain('mini-1.0.raw');
    await rm(join(root, 'cache', 'imageCache', key, 'mini-1.0.raw'));
    const damaged = await ict(['cache', 'export', key, join(root, 'out.raw'), ...places]);
    expect(damaged.status).toBe(5);
    expect(damaged.stderr.text).toContain('ICT_CLI_IMAGE_DAMAGED');
    expect(existsSync(join(root, 'out.raw'))).toBe(false);
  });
});
