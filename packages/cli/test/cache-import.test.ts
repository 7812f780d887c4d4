import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '@ict/integrity';
import { describe, expect, it } from 'vitest';
import { document, fill, places, provider, root, useCache } from './cache-place.js';
import { ict } from './fixture.js';

useCache();

describe('ict cache import', () => {
  it('lays a package where builds look, and counts it only with the content that they expect', async () => {
    const cache = await fill(0, []);
    const content = 'z'.repeat(5000);
    const pkg = { name: 'z', version: '1', arch: 'x86_64', repository: 'acme', digest: digestOf(content), sizeBytes: content.length };
    const file = join(root, 'z-1.pkg');
    const lookUp = () => cache.packages(provider).lookup({ ...pkg, fileName: 'z-1.pkg' });
    await writeFile(file, content.replace('z', 'y'));
    await document(['import', file, '--provider-id', provider, ...places]);
    expect(await lookUp()).toEqual({ state: 'miss' });
    await writeFile(file, content);
    await document(['import', file, '--provider-id', provider, ...places]);
    expect(await lookUp()).toMatchObject({ state: 'hit', check: 'hash' });
  });

  it('makes no image of a package', async () => {
    await writeFile(join(root, 'z_1_all.deb'), 'z');
    const { status, stderr } = await ict(['cache', 'import', join(root, 'z_1_all.deb'), ...places]);
    expect([status, stderr.text]).toEqual([2, expect.stringContaining('--provider-id')]);
  });

  it('says which file cannot be read', async () => {
    const { status, stderr } = await ict(['cache', 'import', join(root, 'absent'), ...places]);
    expect(status).toBe(2);
    expect(stderr.text).toContain('absent');
  });
});
