import { spawnSync } from 'node:child_process';
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { document, fill, keepImage, places, provider, root, storeResult, useCache } from './cache-place.js';
import { ict } from './fixture.js';

useCache();

it('adds up what lies in each part', async () => {
  const packages = join(root, 'pkgCache', 'acme-acme1-x86_64');
  await mkdir(packages, { recursive: true });
  await writeFile(join(packages, 'a.pkg'), Buffer.alloc(5000));
  const work = ['--work-dir', join(root, 'work')];
  const { status, stdout } = await ict(['cache', 'du', '--cache-dir', root, ...work, '--json']);
  expect(status).toBe(0);
  const { cacheDir, areas } = JSON.parse(stdout.text) as { cacheDir: string; areas: { area: string; files: number; sizeBytes: number }[] };
  expect(cacheDir).toBe(root);
  expect(areas.find((area) => area.area === 'packages/acme-acme1-x86_64')).toMatchObject({ files: 1, sizeBytes: 5000 });
  const text = (await ict(['cache', 'du', '--cache-dir', root, ...work])).stdout.lines;
  expect(text[0]).toMatch(/^ *on disk +files +part$/);
  expect(text.at(-1)).toContain(root);
});

it.each([
  ['kind', ['acme-1-x86_64/chrootbuild', 'acme-1-x86_64/chrootenv', 'acme-1-x86_64/imagebuild', 'beta-1-x86_64/imagebuild']],
  ['provider', ['acme-1-x86_64', 'beta-1-x86_64']],
])('adds up the work directory by %s, as du does', async (by, expected) => {
  const work = join(root, 'work');
  const files = ['acme-1-x86_64/chrootenv/etc/a', 'acme-1-x86_64/chrootbuild/chrootenv.tar.gz', 'acme-1-x86_64/imagebuild/one/a.raw', 'beta-1-x86_64/imagebuild/two/b.raw', '.cache/c']; // prettier-ignore
  for (const file of files) {
    await mkdir(dirname(join(work, file)), { recursive: true });
    await writeFile(join(work, file), Buffer.alloc(7000));
  }
  const flags = ['--cache-dir', join(root, 'absent'), '--work-dir', work, '--by', by];
  const { stdout } = await ict(['cache', 'du', ...flags, '--json']);
  const { workspace } = JSON.parse(stdout.text) as { workspace: { workDir: string; areas: { area: string; allocatedBytes: number }[] } };
  expect(workspace.workDir).toBe(work);
  expect(workspace.areas.map(({ area }) => area)).toEqual(expected);
  if (by === 'kind') {
    for (const { area, allocatedBytes } of workspace.areas) {
      const du = spawnSync('du', ['-s', '--block-size=1', join(work, area)]).stdout.toString();
      expect(allocatedBytes, area).toBe(Number(du.split('\t')[0]));
    }
  }
  const { text } = (await ict(['cache', 'du', ...flags])).stdout;
  for (const area of [...expected, work]) expect(text).toContain(area);
});

it('adds up caches that are only read by themselves, and says which they are', async () => {
  const [own, other] = [join(root, 'own'), join(root, 'other')];
  const packages = join(other, 'pkgCache', 'acme-acme1-x86_64');
  await mkdir(own);
  await mkdir(packages, { recursive: true });
  await writeFile(join(packages, 'a.pkg'), Buffer.alloc(5000));
  const flags = [
    '--cache-dir',
    own,
    '--work-dir',
    join(own, 'work'),
    '--read-only-cache-dir',
    other,
    '--read-only-cache-dir',
    join(root, 'absent'),
  ];
  const { stdout } = await ict(['cache', 'du', ...flags, '--json']);
  const area = { area: 'packages/acme-acme1-x86_64', files: 1, sizeBytes: 5000 };
  expect(JSON.parse(stdout.text)).toMatchObject({ cacheDir: own, areas: [], readOnly: [{ cacheDir: other, areas: [area] }] });
  const { lines } = (await ict(['cache', 'du', ...flags])).stdout;
  expect(lines.filter((line) => line.includes(root)).map((line) => line.slice(line.indexOf(root)))).toEqual([
    own,
    join(own, 'work'),
    `${other}, only read`,
  ]);
  expect(await readdir(other)).toEqual(['pkgCache']);
});

it('makes no cache where there is none', async () => {
  const [cacheDir, workDir] = [join(root, 'absent'), join(root, 'work')];
  const { status, stdout } = await ict(['cache', 'du', '--cache-dir', cacheDir, '--work-dir', workDir, '--json']);
  expect(status).toBe(0);
  expect(JSON.parse(stdout.text)).toEqual({ cacheDir, areas: [], workspace: { workDir, areas: [] }, readOnly: [], unread: [] });
  expect(await readdir(root)).toEqual([]);
});

it('adds up what each provider has, its twins too, and all else in one row: together what lies there', async () => {
  const cache = await fill(0, ['a', 'b']);
  await storeResult(cache);
  await keepImage(cache);
  const twins = join(root, 'cache', '.ict', 'twins', provider);
  await mkdir(twins, { recursive: true });
  await writeFile(join(twins, 'a-1.pkg'), Buffer.alloc(9000));
  type Areas = {
    readonly areas: readonly { area: string; files: number; sizeBytes: number; allocatedBytes: number; sharedBytes: number }[];
  };
  const { areas } = await document<Areas>(['du', '--by', 'provider', ...places]);
  expect(areas).toMatchObject([
    { area: provider, files: 3, sizeBytes: 19_000 },
    { area: '(no provider)', sharedBytes: 0 },
  ]);
  const parts = await document<Areas>(['du', ...places]);
  const sum = (rows: Areas['areas'], of: 'allocatedBytes' | 'sharedBytes'): number => rows.reduce((total, row) => total + row[of], 0);
  expect(sum(parts.areas, 'sharedBytes')).toBeGreaterThan(0); // the disk of the image is a blob, too
  const above = (await stat(dirname(twins))).blocks * 512; // as little of a provider as what is around the packages
  expect(sum(areas, 'allocatedBytes')).toBe(sum(parts.areas, 'allocatedBytes') - sum(parts.areas, 'sharedBytes') - above);
  const { lines } = (await ict(['cache', 'du', '--by', 'provider', ...places])).stdout;
  expect(lines.slice(1, 4).map((line) => line.replace(/^ *[0-9.]+ \w+ +/, ''))).toEqual([
    `3  ${provider}`,
    `${areas[1]?.files}  (no provider)`,
    `${3 + (areas[1]?.files ?? 0)}  ${join(root, 'cache')}`,
  ]);
});
