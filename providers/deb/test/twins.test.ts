import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildDeb } from '@ict/fixtures';
import type { Context, DistributionDefinition, TreeSession, VerifiedPackage } from '@ict/plugin-api';
import { expect, it, onTestFinished } from 'vitest';
import { createDebProvider } from '../src/index.js';

const provider = createDebProvider();

it('a twin is to dpkg-deb what the package is', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'ict-twins-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const file = await buildDeb({ name: 'a', version: '1', files: { '/usr/share/a': 'a'.repeat(10_000) } }, directory);
  const twin = join(directory, 'twin');
  await provider.twins?.write(file, twin, { signal: new AbortController().signal });
  for (const what of ['--field', '--fsys-tarfile', '--ctrl-tarfile']) {
    expect(execFileSync('dpkg-deb', [what, twin]).equals(execFileSync('dpkg-deb', [what, file]))).toBe(true);
  }
});

it('a package with a twin is unpacked from that, any other from its own file', async () => {
  const unpacked: string[] = [];
  const tree = { extract: async (file: string) => void unpacked.push(file) } as unknown as TreeSession;
  const packages = [
    { name: 'a', file: '/a.deb', twin: '/twins/a.deb' },
    { name: 'b', file: '/b.deb' },
  ].map((pkg) => ({ ...pkg, id: `${pkg.name}:all`, arch: 'all', requires: [] }) as unknown as VerifiedPackage);
  await provider.installer.unpack(packages, tree, { dist: 'debian13' } as unknown as DistributionDefinition, {} as Context);
  expect(unpacked.sort()).toEqual(['/b.deb', '/twins/a.deb']);
});
