import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { digestOf } from '@ict/integrity';
import type { ResolvedPackage } from '@ict/plugin-api';
import { afterAll, describe, expect, it } from 'vitest';
import { createPackageVerifier } from '../src/trust/verify.js';
import { FakeContext } from './fake-context.js';

const directory = mkdtempSync(join(tmpdir(), 'ict-deb-verify-'));
afterAll(() => rmSync(directory, { recursive: true }));

const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/pool/${name}`, import.meta.url));
const resolved = (name: string, version: string, arch: string): ResolvedPackage => ({
  id: `${name}:${arch}`,
  name,
  version,
  arch,
  repository: 'test',
  path: `pool/${name}.deb`,
  digest: digestOf(''),
  sizeBytes: 1,
  requires: [],
  requestedBy: ['template'],
});
const hello = fixture('hello_2.10-3_amd64.deb');

const repository = { id: 'main', archive: 'http://archive.example', suite: '', components: [], keyrings: [] };

async function verify(file: string, expected: ResolvedPackage): Promise<void> {
  await using ctx = new FakeContext();
  await createPackageVerifier().verify(file, expected, repository, ctx);
}

describe('verify', () => {
  it.each([
    ['hello_2.10-3_amd64.deb', 'hello', '2.10-3', 'amd64'],
    ['usr-is-merged_37~deb12u1_all.deb', 'usr-is-merged', '37~deb12u1', 'all'],
    ['hardlink_0.2.1_amd64.deb', 'hardlink', '0.2.1', 'amd64'],
    ['mesa-stable_24.2.6-101pika1_amd64.deb', 'mesa-stable', '24.2.6-101pika1', 'amd64'],
  ])('accepts %s', async (file, name, version, arch) => {
    await expect(verify(fixture(file), resolved(name, version, arch))).resolves.toBeUndefined();
  });

  it.each([
    ['hallo', '2.10-3', 'amd64', ['name']],
    ['hello', '2.10-4', 'amd64', ['version']],
    ['hello', '0:2.10-3', 'amd64', ['version']],
    ['hello', '2.10-3', 'arm64', ['arch']],
    ['bash', '5', 'all', ['name', 'version', 'arch']],
  ])('refuses hello as %s %s %s', async (name, version, arch, differing) => {
    await expect(verify(hello, resolved(name, version, arch))).rejects.toMatchObject({
      code: 'ICT_DEB_PACKAGE_REPLACED',
      facts: { differing },
    });
  });

  it.each([
    ['empty', Buffer.alloc(0)],
    ['cut', readFileSync(hello).subarray(0, 900)],
    ['something else', Buffer.from('<html>not found</html>')],
    ['damaged', Buffer.from(readFileSync(hello)).fill(0, 200, 400)],
  ])('refuses a file that is %s', async (name, bytes) => {
    const file = join(directory, name);
    writeFileSync(file, bytes);
    await expect(verify(file, resolved('hello', '2.10-3', 'amd64'))).rejects.toMatchObject({ code: 'ICT_DEB_PACKAGE_MALFORMED' });
  });

  it('says plainly that a file is absent', async () => {
    await expect(verify(join(directory, 'absent'), resolved('hello', '2.10-3', 'amd64'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
