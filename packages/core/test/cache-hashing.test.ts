import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCache } from '@ict/cache';
import { digestOf, hashFile } from '@ict/integrity';
import type { EventBody } from '@ict/plugin-api';
import { createVerifier } from '@ict/verify';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { cacheHashing } from '../src/cache-hashing.js';

let directory: string;
const verifier = createVerifier({ workers: 1 });
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ict-cache-hashing-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
  await verifier.close();
});

it('fails as the system does for what cannot be read, which is a miss of a package', async () => {
  const events: EventBody[] = [];
  const hashing = cacheHashing(verifier);
  await expect(hashing.digestFile(join(directory, 'none'))).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(hashing.digestFile(directory)).rejects.toMatchObject({ code: 'EISDIR' });
  await expect(hashing.pieces.digestPiecewise(join(directory, 'none'))).rejects.toMatchObject({ code: 'ENOENT' });

  const digestFile: typeof hashing.digestFile = (file) => (file.includes('pkgCache') ? hashing.digestFile(directory) : hashFile(file));
  const cache = await openCache({ cacheDir: join(directory, 'cache'), clock: () => 1000, emit: (event) => events.push(event), digestFile });
  const content = 'content';
  const pkg = { name: 'a', version: '1', arch: 'amd64', repository: 'main', digest: digestOf(content), sizeBytes: 7, fileName: 'a_1.deb' };
  await writeFile(join(directory, 'a'), content);
  const kept = await cache.packages('acme-acme1-x86_64').store(pkg, join(directory, 'a'));
  await utimes(kept, 1, 1); // as if someone had changed it: it is read again
  expect(await cache.packages('acme-acme1-x86_64').lookup(pkg)).toEqual({ state: 'miss' });
  expect(events).toContainEqual(expect.objectContaining({ type: 'warning', code: 'ICT_CACHE_DAMAGED' }));
});
