import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Digest } from '@ict/plugin-api';
import { formatLock, lockDigest, lockEpoch, lockPath, readLock, writeLock, type Lock } from '../src/lock.js';

const digest = `sha256:${'1'.repeat(64)}` as Digest;
const entry = {
  id: 'bash:amd64',
  name: 'bash',
  version: '5.2-1',
  arch: 'amd64',
  repository: 'main',
  path: 'pool/bash.deb',
  digest,
  sizeBytes: 5,
  requires: [],
  requestedBy: ['essential'],
};
const lock: Lock = {
  lockVersion: 1,
  target: 'debian-debian13-x86_64',
  request: digest,
  repositories: [
    {
      id: 'main',
      archive: 'http://archive',
      suite: 'stable',
      components: ['main'],
      root: { path: 'InRelease', digest, sizeBytes: 9, dateSeconds: 1_700_000_000 },
      signers: ['ABCD'],
    },
  ],
  plugins: { deb: '1' },
  packages: [entry],
  tools: [],
};

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ict-lock-'));
});
afterEach(() => rm(directory, { recursive: true }));

describe('lock files', () => {
  it('survive a round trip, and are not rewritten when equal', async () => {
    const file = join(directory, 'x.lock.yml');
    expect(await writeLock(file, lock)).toBe(true);
    expect(await readLock(file)).toEqual(lock);
    expect(await writeLock(file, lock)).toBe(false);
    expect(await readFile(file, 'utf8')).toBe(formatLock(lock));
  });

  it('lie beside their template', () => {
    expect(lockPath('/a/image.yml')).toBe('/a/image.lock.yml');
    expect(lockPath('/a/image.v2.yaml')).toBe('/a/image.v2.lock.yml');
  });

  it('are named by content, and dated by the newest signed root', () => {
    expect(lockDigest({ ...lock })).toBe(lockDigest(lock));
    expect(lockDigest({ ...lock, packages: [{ ...entry, version: '5.2-2' }] })).not.toBe(lockDigest(lock));
    expect(lockEpoch(lock)).toBe(1_700_000_000);
  });

  it.each([
    ['not YAML', '{'],
    ['of another version', formatLock(lock).replace('lockVersion: 1', 'lockVersion: 2')],
    ['without a list', formatLock(lock).replace('tools: []', 'tools: none')],
    ['with a path that leaves the archive', formatLock(lock).replace('pool/bash.deb', '../../etc/passwd')],
    ['with an unknown repository', formatLock(lock).replace('repository: main', 'repository: other')],
    ['that is empty', ''],
  ])('are refused when %s', async (_what, text) => {
    const file = join(directory, 'x.lock.yml');
    await writeFile(file, text);
    await expect(readLock(file)).rejects.toMatchObject({ code: 'ICT_LOCK_UNREADABLE' });
  });

  it('are undefined when absent', async () => {
    expect(await readLock(join(directory, 'none.yml'))).toBeUndefined();
  });
});
