import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { digestOf } from '@ict/integrity';
import type { DistributionDefinition } from '@ict/plugin-api';
import { describe, expect, it } from 'vitest';
import { fill, places, provider, root, useCache } from './cache-place.js';
import { ict } from './fixture.js';

useCache();

const sized = (length: number, ...parts: readonly (readonly [at: number, bytes: string | readonly number[]])[]): Buffer => {
  const content = Buffer.alloc(length);
  for (const [at, bytes] of parts) (typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : Buffer.from(bytes)).copy(content, at);
  return content;
};

/** A file of each kind, as programs of the field begin them. */
const images: Readonly<Record<string, Buffer>> = {
  'mbr.raw': sized(1024, [510, [0x55, 0xaa]]),
  'gpt.img': sized(8192, [512, 'EFI PART']),
  'gpt-4k.raw': sized(8192, [4096, 'EFI PART']),
  'a.b-1.0.qcow2': sized(512, [0, 'QFI\xfb']),
  'dynamic.vhd': sized(2048, [0, 'conectix']),
  'fixed.vhd': sized(2048, [1536, 'conectix']),
  'a.vhdx': sized(512, [0, 'vhdxfile']),
  'a.vmdk': sized(512, [0, 'KDMV']),
  'a.vdi': sized(512, [0, '<<< Oracle VM VirtualBox Disk Image >>>\n'], [64, [0x7f, 0x10, 0xda, 0xbe]]),
  'a.iso': sized(18 * 2048, [16 * 2048, '\x01CD001\x01']),
  'a.tar': sized(512, [257, 'ustar\x0000']),
  'a.tar.gz': gzipSync('tar'),
  'a.raw.zst': zstdCompressSync('raw'),
  'a.raw.xz': sized(32, [0, [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]]),
  'a.cpio.bz2': sized(32, [0, 'BZh9']),
  'a.cpio': sized(512, [0, '070701']),
};
const packages: Readonly<Record<string, Buffer>> = {
  deb: sized(64, [0, '!<arch>\ndebian-binary']),
  rpm: sized(96, [0, [0xed, 0xab, 0xee, 0xdb]]),
};

const distributions = () => [
  { os: 'acme', dist: 'acme1', architectures: ['x86_64', 'aarch64'] } as unknown as DistributionDefinition,
  { os: 'debian', dist: 'debian13', architectures: ['x86_64'] } as unknown as DistributionDefinition,
];
const take = (...argv: readonly string[]) => ict(['cache', 'import', ...argv, ...places], { engine: { distributions } });

describe('ict cache import', () => {
  it.each(Object.keys(images))('takes %s, and refuses anything else of that name', async (name) => {
    await writeFile(join(root, name), images[name] as Buffer);
    expect((await take(join(root, name))).status).toBe(0);
    await rm(join(root, 'cache'), { recursive: true });
    for (const other of [Buffer.alloc(0), Buffer.from('kind: text\n'.repeat(1000))]) {
      await writeFile(join(root, name), other);
      const { status, stderr } = await take(join(root, name));
      expect([status, stderr.text]).toEqual([2, expect.stringMatching(/ICT_CLI_USAGE[^]*not what its ending says: an? /) as string]);
    }
    expect(existsSync(join(root, 'cache'))).toBe(false);
  });

  it.each(['d13.yml', 'notes', 'a.gz', 'a.json', 'x-1.0.zst', 'constructor'])('takes no %s for an image', async (name) => {
    await writeFile(join(root, name), images['a.tar.gz'] as Buffer);
    const { status, stderr } = await take(join(root, name));
    expect([status, stderr.text]).toEqual([2, expect.stringMatching(/ICT_CLI_USAGE[^]*\.qcow2/) as string]);
    expect(existsSync(join(root, 'cache'))).toBe(false);
  });

  it.each(['deb', 'rpm'])('takes a .%s for a package when it is one', async (suffix) => {
    const file = join(root, `junk_1_all.${suffix}`);
    await writeFile(file, 'text');
    const { status, stderr } = await take(file, '--provider-id', provider);
    expect([status, stderr.text]).toEqual([2, expect.stringContaining('not what its ending says') as string]);
    await writeFile(file, packages[suffix] as Buffer);
    expect((await take(file, '--provider-id', provider)).status).toBe(0);
  });

  it.each([
    ['acme-acme1-x86_6', 'Did you mean "acme-acme1-x86_64"?'],
    ['nosuch', 'There is acme-acme1-x86_64, acme-acme1-aarch64, debian-debian13-x86_64'],
  ])('knows no provider %s, and keeps nothing for it', async (id, hint) => {
    const file = join(root, 'a_1_all.deb');
    await writeFile(file, packages['deb'] as Buffer);
    const { status, stderr, closed } = await take(file, '--provider-id', id);
    expect([status, closed, stderr.text]).toEqual([2, 1, expect.stringContaining(hint) as string]);
    expect(existsSync(join(root, 'cache'))).toBe(false);
  });

  it('lays a package where builds look, and counts it only with the content that they expect', async () => {
    const cache = await fill(0, []);
    const content = 'z'.repeat(5000);
    const pkg = { name: 'z', version: '1', arch: 'x86_64', repository: 'acme', digest: digestOf(content), sizeBytes: content.length };
    const file = join(root, 'z-1.pkg');
    const lookUp = () => cache.packages(provider).lookup({ ...pkg, fileName: 'z-1.pkg' });
    await writeFile(file, content.replace('z', 'y'));
    expect((await take(file, '--provider-id', provider)).status).toBe(0);
    expect(await lookUp()).toEqual({ state: 'miss' });
    await writeFile(file, content);
    expect((await take(file, '--provider-id', provider)).status).toBe(0);
    expect(await lookUp()).toMatchObject({ state: 'hit', check: 'hash' });
  });

  it.each(['deb', 'rpm'])('makes no image of a package (%s)', async (suffix) => {
    await writeFile(join(root, `z_1_all.${suffix}`), packages[suffix] as Buffer);
    const { status, stderr } = await ict(['cache', 'import', join(root, `z_1_all.${suffix}`), ...places]);
    expect([status, stderr.text]).toEqual([2, expect.stringContaining('--provider-id')]);
  });

  it('says which file cannot be read', async () => {
    const { status, stderr } = await ict(['cache', 'import', join(root, 'absent'), ...places]);
    expect(status).toBe(2);
    expect(stderr.text).toContain('absent');
  });
});
