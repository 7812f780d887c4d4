import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ict } from './fixture.js';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'ict-du-'));
});

afterEach(() => rm(root, { recursive: true }));

it('adds up what lies in each part', async () => {
  const packages = join(root, 'pkgCache', 'acme-acme1-x86_64');
  await mkdir(packages, { recursive: true });
  await writeFile(join(packages, 'a.pkg'), Buffer.alloc(5000));
  const { status, stdout } = await ict(['cache', 'du', '--cache-dir', root, '--json']);
  expect(status).toBe(0);
  const { cacheDir, areas } = JSON.parse(stdout.text) as { cacheDir: string; areas: { area: string; files: number; sizeBytes: number }[] };
  expect(cacheDir).toBe(root);
  expect(areas.find((area) => area.area === 'packages/acme-acme1-x86_64')).toMatchObject({ files: 1, sizeBytes: 5000 });
  const text = (await ict(['cache', 'du', '--cache-dir', root])).stdout.lines;
  expect(text[0]).toMatch(/^ *on disk +files +part$/);
  expect(text.at(-1)).toContain(root);
});

it('adds up caches that are only read by themselves, and says which they are', async () => {
  const [own, other] = [join(root, 'own'), join(root, 'other')];
  const packages = join(other, 'pkgCache', 'acme-acme1-x86_64');
  await mkdir(own);
  await mkdir(packages, { recursive: true });
  await writeFile(join(packages, 'a.pkg'), Buffer.alloc(5000));
  const flags = ['--cache-dir', own, '--read-only-cache-dir', other, '--read-only-cache-dir', join(root, 'absent')];
  const { stdout } = await ict(['cache', 'du', ...flags, '--json']);
  const area = { area: 'packages/acme-acme1-x86_64', files: 1, sizeBytes: 5000 };
  expect(JSON.parse(stdout.text)).toMatchObject({ cacheDir: own, areas: [], readOnly: [{ cacheDir: other, areas: [area] }] });
  const { lines } = (await ict(['cache', 'du', ...flags])).stdout;
  expect(lines.filter((line) => line.includes(root)).map((line) => line.slice(line.indexOf(root)))).toEqual([own, `${other}, only read`]);
  expect(await readdir(other)).toEqual(['pkgCache']);
});

it('makes no cache where there is none', async () => {
  const { status, stdout } = await ict(['cache', 'du', '--cache-dir', join(root, 'absent'), '--json']);
  expect(status).toBe(0);
  expect(JSON.parse(stdout.text)).toEqual({ cacheDir: join(root, 'absent'), areas: [], readOnly: [] });
  expect(await readdir(root)).toEqual([]);
});
