import { chmodSync, existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rename, rm, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync, zstdDecompressSync } from 'node:zlib';
import { measureDirectory, openCache, type Cache } from '@ict/cache';
import { digestHex, digestOf } from '@ict/integrity';
import type { Json } from '@ict/plugin-api';
import { startSandbox } from '@ict/sandbox';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ict } from './fixture.js';

const provider = 'acme-acme1-x86_64';
let root: string;
let places: readonly string[];
let work: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'ict-cache-cli-'));
  work = join(root, 'work');
  places = ['--cache-dir', join(root, 'cache'), '--work-dir', work];
});

afterEach(() => rm(root, { recursive: true }));

/** A cache as it was at a time, used by a process of another machine that fell silent long ago. */
async function fill(daysAgo: number, names: readonly string[]): Promise<Cache> {
  const cache = await openCache({ cacheDir: join(root, 'cache'), clock: () => Date.now() / 1000 - daysAgo * 86_400 });
  for (const name of names) {
    const file = join(root, name);
    await writeFile(file, name.repeat(5000));
    const content = name.repeat(5000);
    const pkg = { name, version: '1', arch: 'x86_64', repository: 'acme', digest: digestOf(content), sizeBytes: content.length };
    await cache.packages(provider).store({ ...pkg, fileName: `${name}-1.pkg` }, file);
  }
  return cache;
}

/** Lets the processes that used the cache so far be over. */
async function endBuilds(): Promise<void> {
  const used = join(root, 'cache', '.ict', 'used');
  for (const day of await readdir(used)) {
    for (const log of await readdir(join(used, day))) {
      await rename(join(used, day, log), join(used, day, `ended-${log}`));
    }
  }
}

async function storeResult(cache: Cache): Promise<{ readonly blob: string; readonly step: string }> {
  const blob = await cache.blobs.putBytes(Buffer.from('disk'));
  const kept = await cache.steps.put('acme.make', { colour: 'red' }, { blob: { ...blob } } as unknown as Json, 'ict');
  return { blob: digestHex(blob.digest), step: kept!.key };
}

interface Listed {
  readonly entries: readonly {
    readonly kind: string;
    readonly id: string;
    readonly provider?: string;
    readonly lastUsed: string;
    readonly allocatedBytes: number;
  }[];
}
interface Removed {
  readonly removed: readonly { readonly kind: string; readonly id: string; readonly reason?: string }[];
  readonly freedBytes: number;
  readonly pinned: number;
}

async function document<T>(argv: readonly string[]): Promise<T> {
  const { status, stdout, stderr } = await ict(['cache', ...argv, '--json']);
  expect(status, stderr.text).toBe(0);
  return JSON.parse(stdout.text) as T;
}

const ids = ({ removed }: Removed): string[] => removed.map(({ kind, id }) => `${kind} ${id}`).sort();

describe('ict cache list', () => {
  it('shows every kind, the last used first', async () => {
    await storeResult(await fill(2, ['old']));
    await fill(0, ['new']);
    const { entries } = await document<Listed>(['list', ...places]);
    expect(entries.map(({ kind }) => kind).sort()).toEqual(['blob', 'package', 'package', 'step']);
    expect(entries[0]).toMatchObject({ kind: 'package', id: `${provider}/new-1.pkg` });
    expect(Date.parse(entries[0]?.lastUsed as string)).toBeGreaterThan(Date.now() - 3_600_000);
    const text = (await ict(['cache', 'list', '--kind', 'package', ...places])).stdout.lines;
    expect(text[0]).toMatch(/^kind +id +on disk +last used/);
    expect(text.at(-1)).toMatch(/^2 entries, /);
  });

  it('makes no cache where there is none', async () => {
    expect(await document<Listed>(['list', ...places])).toMatchObject({ entries: [] });
    expect((await ict(['cache', 'clean', '--key', 'abc', ...places])).stderr.text).toContain('ICT_CLI_CACHE_UNKNOWN');
    expect(await readdir(root)).toEqual([]);
  });

  it('reads a cache that may not be written', async () => {
    await fill(0, ['a']);
    chmodSync(join(root, 'cache'), 0o555);
    chmodSync(join(root, 'cache', '.ict'), 0o555);
    expect((await document<Listed>(['list', ...places])).entries).toHaveLength(1);
    chmodSync(join(root, 'cache', '.ict'), 0o755);
    chmodSync(join(root, 'cache'), 0o755);
  });

  it('shows what caches behind it have, and where; info finds it, and removing leaves it alone', async () => {
    await fill(1, ['mine']);
    const other = join(root, 'other');
    await rename(join(root, 'cache'), other);
    await fill(2, ['mine', 'theirs']);
    await rename(join(root, 'cache'), join(root, 'swapped'));
    await rename(other, join(root, 'cache')); // the cache has `mine`, the one behind it both
    const behind = ['--read-only-cache-dir', join(root, 'swapped')];
    const rows = (await ict(['cache', 'list', ...places, ...behind])).stdout.lines.filter((line) => line.startsWith('package'));
    expect(rows.map((row) => row.replace(/^.*(?= in )/, ''))).toEqual([
      ` in ${join(root, 'cache')}`,
      ` in ${join(root, 'swapped')}`,
      ` in ${join(root, 'swapped')}`,
    ]);
    expect(await document(['info', 'theirs-1.pkg', ...places, ...behind])).toMatchObject({
      path: join(root, 'swapped', 'pkgCache', provider, 'theirs-1.pkg'),
      record: { name: 'theirs' },
    });
    expect(await document(['info', 'mine-1.pkg', ...places, ...behind])).toMatchObject({
      path: join(root, 'cache', 'pkgCache', provider, 'mine-1.pkg'),
    });
  });
});

describe('base trees, their snapshots and delivered images', () => {
  beforeEach(async () => {
    const [tree, snapshot, image] = ['chrootenv', 'chrootbuild', 'imagebuild/small'].map((name) => join(work, provider, name));
    for (const directory of [tree, snapshot, image]) await mkdir(directory as string, { recursive: true });
    const file = { path: '/file', type: 'file' };
    const digest = digestOf('tree');
    await writeFile(`${tree}.json`, JSON.stringify({ manifest: { digest, entries: [file, file] }, user: 0 }));
    await writeFile(join(snapshot as string, 'chrootenv.json'), JSON.stringify({ digest }));
    await writeFile(join(image as string, 'small.raw'), 'disk');
    // A tree's own times are those of the image.
    await utimes(tree as string, 315_532_801, 315_532_801);
  });

  it('are entries like the others, with a cache and without', async () => {
    const kinds = ['chrootenv', 'chrootbuild', 'imagebuild'];
    expect((await document<Listed>(['list', ...places])).entries.map(({ kind }) => kind).sort()).toEqual(kinds.toSorted());
    await fill(1, ['a']);
    const { entries } = await document<Listed>(['list', ...places]);
    expect(entries.map(({ kind }) => kind).sort()).toEqual([...kinds, 'package'].sort());
    const base = entries.find(({ kind }) => kind === 'chrootenv');
    expect(base).toMatchObject({ id: `${provider}/chrootenv`, provider });
    expect(Date.parse(base?.lastUsed as string)).toBeGreaterThan(Date.now() - 3_600_000);
    expect(base?.allocatedBytes).toBe(measureDirectory(join(work, provider, 'chrootenv'), () => undefined));
    for (const kind of [...kinds, 'package']) {
      expect((await document<Listed>(['list', '--kind', kind, ...places])).entries.map((entry) => entry.kind)).toEqual([kind]);
    }
    const lines = (await ict(['cache', 'list', ...places])).stdout.lines;
    expect(lines.some((line) => line.startsWith(`chrootbuild  ${provider}/chrootbuild `))).toBe(true);
  });

  it('are told by info, with the results that they are of', async () => {
    const { key } = (await (await fill(0, [])).steps.put('ict.base', {}, { kind: 'layer', digest: digestOf('tree') }, 'ict')) as {
      key: string;
    };
    const usedBy = [{ id: key, name: 'ict.base' }];
    const tree = { kind: 'chrootenv', path: join(work, provider, 'chrootenv'), usedBy, record: { digest: digestOf('tree'), entries: 2 } };
    expect(await document(['info', `${provider}/chrootenv`, ...places])).toMatchObject(tree);
    expect(await document(['info', `${provider}/chrootb`, ...places])).toMatchObject({
      kind: 'chrootbuild',
      usedBy,
      record: { digest: digestOf('tree') },
    });
    expect(await document(['info', `${provider}/imagebuild/small`, ...places])).toMatchObject({
      kind: 'imagebuild',
      usedBy: [],
      record: null,
    });
    // As of a tree that is none any more, and damaged ones.
    for (const record of ['{}', 'null', '{"manifest":null}', '{"manifest":{}}']) {
      await writeFile(join(work, provider, 'chrootenv.json'), record);
      expect(await document(['info', `${provider}/chrootenv`, ...places])).toMatchObject({ usedBy: [], record: null });
    }
    await writeFile(join(work, provider, 'chrootbuild', 'chrootenv.json'), 'null');
    expect((await ict(['cache', 'info', `${provider}/chrootbuild`, ...places])).stdout.lines[0]).toBe(
      `chrootbuild ${provider}/chrootbuild`,
    );
  });

  it('go by their ids, one alone, and only of the provider that is named', async () => {
    expect(ids(await document<Removed>(['clean', '--key', `${provider}/chrootbuild`, '--provider-id', 'other', ...places]))).toEqual([]);
    const removed = await document<Removed>(['clean', '--key', `${provider}/chrootbuild`, ...places]);
    expect(ids(removed)).toEqual([`chrootbuild ${provider}/chrootbuild`]);
    expect((await readdir(join(work, provider))).sort()).toEqual(['chrootenv', 'chrootenv.json', 'imagebuild']);
  });

  it('of a work directory that is only read are its snapshots', async () => {
    const rows = (
      await ict(['cache', 'list', '--cache-dir', join(root, 'c'), '--work-dir', join(root, 'w'), '--read-only-cache-dir', work])
    ).stdout.lines;
    expect(rows.filter((row) => row.includes(provider))).toHaveLength(1);
    expect(rows[1]).toMatch(/^chrootbuild /);
  });
});

describe('ict cache info', () => {
  it('shows the inputs of a result by a beginning of its id, and which result a file is of', async () => {
    const { blob, step } = await storeResult(await fill(0, []));
    expect(await document(['info', step.slice(0, 10), ...places])).toMatchObject({
      id: step,
      record: { inputs: { colour: 'red' } },
    });
    expect(await document(['info', blob, ...places])).toMatchObject({ kind: 'blob', usedBy: [{ id: step, name: 'acme.make' }] });
    const text = (await ict(['cache', 'info', step, ...places])).stdout.text;
    expect(text).toMatch(/inputs\n +colour {2}red\n/);
  });

  it('shows the record of a package by the beginning of its name', async () => {
    await fill(0, ['jq', 'jqp', 'vim']);
    expect(await document(['info', 'vi', ...places])).toMatchObject({ kind: 'package', record: { name: 'vim', version: '1' } });
    expect(await document(['info', 'jq-', ...places])).toMatchObject({ record: { name: 'jq' } });
    const ambiguous = await ict(['cache', 'info', 'jq', ...places]);
    expect(ambiguous.status).toBe(2);
    expect(ambiguous.stderr.text).toContain('ICT_CLI_CACHE_AMBIGUOUS');
    const unknown = await ict(['cache', 'info', 'emacs', ...places]);
    expect(unknown.status).toBe(2);
    expect(unknown.stderr.text).toContain('ICT_CLI_CACHE_UNKNOWN');
  });
});

it('ict cache du --by provider counts packages', async () => {
  await storeResult(await fill(0, ['a', 'b']));
  const { areas } = await document<{ areas: { area: string; files: number }[] }>(['du', '--by', 'provider', ...places]);
  expect(areas).toMatchObject([{ area: provider, files: 2 }]);
});

describe('ict cache clean', () => {
  it.each([
    [['--packages'], ['package', 'package']],
    [['--images'], ['blob']],
    [['--layers'], ['step']],
    [['--mounts'], ['mount']],
    [['--package', 'a'], ['package']],
    [['--packages', '--provider-id', 'acme-acme2-x86_64'], []],
    [['--all'], ['blob', 'imagebuild', 'mount', 'package', 'package', 'step']],
    [['--workspace'], ['imagebuild']],
  ])('%j removes what it says', async (flags, kinds) => {
    const cache = await fill(0, ['a', 'b']);
    await storeResult(cache);
    await cache.withMount('pip', 'shared', (directory) => writeFile(join(directory, 'wheel'), ''), new AbortController().signal);
    await endBuilds();
    await mkdir(join(work, provider, 'imagebuild', 'minimal'), { recursive: true });
    const dry = await document<Removed>(['clean', ...flags, '--dry-run', ...places]);
    expect(dry.removed.map(({ kind }) => kind).sort()).toEqual(kinds);
    expect((await document<Listed>(['list', ...places])).entries).toHaveLength(6);
    const real = await document<Removed>(['clean', ...flags, ...places]);
    expect(ids(real)).toEqual(ids(dry));
    const left = (await document<Listed>(['list', ...places])).entries.length;
    expect(left).toBe(6 - kinds.length);
    expect(existsSync(join(work, provider, 'imagebuild', 'minimal'))).toBe(!kinds.includes('imagebuild'));
    expect(await readdir(join(root, 'cache', '.ict', 'trash'))).toEqual([]);
  });

  it('removes one entry by the beginning of its key', async () => {
    const { step } = await storeResult(await fill(0, ['a']));
    await endBuilds();
    expect(ids(await document<Removed>(['clean', '--key', step.slice(0, 8), ...places]))).toEqual([`step ${step}`]);
  });

  it('wants to be told what', async () => {
    const { status, stderr } = await ict(['cache', 'clean', ...places]);
    expect(status).toBe(2);
    expect(stderr.text).toContain('ICT_CLI_USAGE');
  });

  it('leaves what a running build uses', async () => {
    await fill(0, ['a']); // this process noted it and runs
    const { removed, pinned } = await document<Removed>(['clean', '--packages', ...places]);
    expect(removed).toEqual([]);
    expect(pinned).toBe(1);
  });
});

describe('ict cache gc', () => {
  it('removes packages and results unused for too long, and old builds', async () => {
    await storeResult(await fill(40, ['old']));
    await fill(1, ['new']);
    await endBuilds();
    const [early, late] = ['early', 'late'].map((name) => join(work, provider, 'imagebuild', name)) as [string, string];
    for (const path of [early, late]) await mkdir(path, { recursive: true });
    const sixDays = Date.now() / 1000 - 6 * 86_400;
    await utimes(early, sixDays, sixDays);
    const result = await document<Removed>(['gc', '--imagebuild-days', '5', ...places]);
    expect(result.removed.map(({ kind }) => kind).sort()).toEqual(['blob', 'imagebuild', 'package', 'step']);
    expect(existsSync(early)).toBe(false);
    expect(existsSync(late)).toBe(true);
    expect((await ict(['cache', 'gc', '--dry-run', ...places])).stdout.text).toMatch(/^0 entries would be removed, 0 B\n$/);
  });

  it('keeps a twin whose package lies in a cache that is only read', async () => {
    const lender = await fill(0, ['a']);
    const own = join(root, 'own');
    const cache = await openCache({ cacheDir: own, clock: () => Date.now() / 1000, readOnlyDirs: [lender.cacheDir] });
    const content = 'a'.repeat(5000);
    const pkg = { name: 'a', version: '1', arch: 'x86_64', repository: 'acme', digest: digestOf(content), sizeBytes: content.length };
    const { signal } = new AbortController();
    const write = (_file: string, out: string) => writeFile(out, 'twin');
    const twins = cache.twins(provider, { by: 'acme', version: 1, limitBytes: 1e9, signal, write });
    const twin = await twins.obtain({ ...pkg, fileName: 'a-1.pkg', file: join(root, 'a') });
    await rm(join(own, '.ict', 'used'), { recursive: true });
    const behind = ['--cache-dir', own, '--work-dir', work, '--read-only-cache-dir'];
    expect(ids(await document<Removed>(['gc', ...behind, lender.cacheDir]))).toEqual([]);
    expect(existsSync(twin as string)).toBe(true);
    expect(ids(await document<Removed>(['gc', ...behind, join(root, 'nothing')]))).toEqual([`twin twin/${provider}/a-1.pkg`]);
  });

  it('takes limits from flags', async () => {
    await fill(3, ['a']);
    await endBuilds();
    expect(ids(await document<Removed>(['gc', '--unused-days', '2', ...places]))).toEqual([`package ${provider}/a-1.pkg`]);
  });
});

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

  it('says which file cannot be read', async () => {
    const { status, stderr } = await ict(['cache', 'import', join(root, 'absent'), ...places]);
    expect(status).toBe(2);
    expect(stderr.text).toContain('absent');
  });
});

describe('ict cache verify', () => {
  it('exits 5 when something is damaged, and 0 once it was taken away', async () => {
    await fill(0, ['a', 'b']);
    const file = join(root, 'cache', 'pkgCache', provider, 'a-1.pkg');
    chmodSync(file, 0o644);
    await writeFile(file, 'b'.repeat(5000));
    const verify = async (...flags: string[]) => {
      const { status, stdout } = await ict(['cache', 'verify', ...flags, ...places, '--json']);
      return { status, findings: (JSON.parse(stdout.text) as { findings: object[] }).findings };
    };
    const damaged = { kind: 'package', id: `${provider}/a-1.pkg`, problem: 'damaged' };
    expect(await verify()).toMatchObject({ status: 5, findings: [{ ...damaged, repaired: false }] });
    expect(await verify('--repair')).toMatchObject({ status: 0, findings: [{ ...damaged, repaired: true }] });
    expect(await verify()).toEqual({ status: 0, findings: [] });
    expect(existsSync(join(root, 'cache', 'pkgCache', provider, 'b-1.pkg'))).toBe(true);
  });
});

it('ict cache verify reads layers, and compares their listings with the digests that name them', async () => {
  const cache = await fill(0, []);
  const staged = await cache.layers.stage();
  await writeFile(join(staged.upper, 'file'), 'content');
  const signal = new AbortController().signal;
  const sandbox = await startSandbox({ signal, temporary: root });
  const manifest = await sandbox.sealLayer(staged.upper, { epochSeconds: 1, signal });
  await sandbox.close();
  const { layer } = await cache.layers.publish(staged, manifest.digest, { manifest: JSON.stringify(manifest), signature: '{}' });
  const verify = async () => (await ict(['cache', 'verify', ...places, '--json'])).stdout.text;
  expect(JSON.parse(await verify())).toMatchObject({ checked: { layer: 1 }, findings: [] });
  const entries = manifest.entries.map((entry) => ({ ...entry, mtimeSeconds: 0 }));
  await writeFile(join(layer.directory, 'manifest.json'), JSON.stringify({ ...manifest, entries }));
  const finding = { kind: 'layer', id: digestHex(manifest.digest), problem: 'damaged', detail: 'its listing is that of another layer' };
  expect(JSON.parse(await verify())).toMatchObject({ status: 5, findings: [finding] });
});

it.each([true, false])(
  'ict cache verify reads base trees of the work directory, and takes damaged ones away when asked (a cache: %s)',
  async (hasCache) => {
    if (hasCache) await fill(0, []);
    const tree = join(work, provider, 'chrootenv');
    await mkdir(tree, { recursive: true });
    await writeFile(join(tree, 'file'), 'content');
    const { signal } = new AbortController();
    const sandbox = await startSandbox({ signal, temporary: root });
    const manifest = await sandbox.sealLayer(tree, { epochSeconds: 1, signal });
    await sandbox.close();
    await writeFile(`${tree}.json`, JSON.stringify({ manifest, signature: {}, user: process.geteuid?.() }));
    const verify = async (...flags: string[]) => {
      const { status, stdout } = await ict(['cache', 'verify', ...flags, ...places, '--json']);
      return { status, workspace: (JSON.parse(stdout.text) as { workspace: object }).workspace };
    };
    expect(await verify()).toEqual({ status: 0, workspace: { workDir: work, checked: { chrootenv: 1, chrootbuild: 0 }, findings: [] } });
    await writeFile(join(tree, 'file'), 'changed');
    const finding = { kind: 'chrootenv', id: `${provider}/chrootenv`, path: tree, problem: 'damaged', detail: '/file' };
    expect(await verify()).toMatchObject({ status: 5, workspace: { findings: [{ ...finding, repaired: false }] } });
    expect((await ict(['cache', 'verify', ...places])).stdout.text).toMatch(/damaged +chrootenv +acme-acme1-x86_64.chrootenv +.file\n/);
    expect(await verify('--repair')).toMatchObject({ status: 0, workspace: { findings: [{ ...finding, repaired: true }] } });
    expect(existsSync(tree)).toBe(false);
  },
);

/** Makes a snapshot of a base tree as a build leaves it. @returns its file. */
async function makeSnapshot(workDir: string): Promise<string> {
  const directory = join(workDir, provider, 'chrootbuild');
  const tree = join(root, 'tree');
  await mkdir(directory, { recursive: true });
  await mkdir(tree);
  await writeFile(join(tree, 'file'), 'content');
  const { signal } = new AbortController();
  const snapshot = join(directory, 'chrootenv.tar.gz');
  const sandbox = await startSandbox({ signal, temporary: root });
  const { digest } = await sandbox.sealLayer(tree, { epochSeconds: 1, signal, archive: snapshot });
  await sandbox.close();
  await writeFile(join(directory, 'chrootenv.json'), JSON.stringify({ digest }));
  return snapshot;
}

describe('ict cache verify reads snapshots of base trees', () => {
  /** In an archive whose bytes are stored, with the checksum that they have then. */
  const alterContent = async (snapshot: string): Promise<void> => {
    const tar = gunzipSync(await readFile(snapshot));
    tar.write('altered', tar.indexOf('content'));
    await writeFile(snapshot, gzipSync(tar));
  };
  const flipBit = async (snapshot: string): Promise<void> => {
    const bytes = await readFile(snapshot);
    const at = bytes.indexOf('content');
    bytes[at] = (bytes[at] as number) ^ 1;
    await writeFile(snapshot, bytes);
  };

  it.each<[string, (snapshot: string) => Promise<void>, RegExp]>([
    ['another content, whole', alterContent, /^its content is sha256:/],
    ['one bit that changed', flipBit, /^Reading an archive failed at .*: the checksum is wrong$/],
    ['its end cut off', async (snapshot) => truncate(snapshot, 700), /^Reading an archive failed at /],
  ])('and takes one away, when asked, that has %s', async (_what, damage, detail) => {
    const snapshot = await makeSnapshot(work);
    const verify = async (...flags: string[]) => {
      const { status, stdout } = await ict(['cache', 'verify', ...flags, ...places, '--json']);
      return { status, workspace: (JSON.parse(stdout.text) as { workspace: object }).workspace };
    };
    expect(await verify()).toEqual({ status: 0, workspace: { workDir: work, checked: { chrootenv: 0, chrootbuild: 1 }, findings: [] } });
    await damage(snapshot);
    const finding = {
      kind: 'chrootbuild',
      id: `${provider}/chrootbuild`,
      problem: 'damaged',
      detail: expect.stringMatching(detail) as string,
    };
    expect(await verify()).toMatchObject({ status: 5, workspace: { findings: [{ ...finding, repaired: false }] } });
    expect(await verify('--repair')).toMatchObject({ status: 0, workspace: { findings: [{ ...finding, repaired: true }] } });
    expect(existsSync(snapshot)).toBe(false);
    expect(await verify()).toMatchObject({ status: 0, workspace: { checked: { chrootbuild: 0 } } });
  });

  it('and leaves that of a work directory that is only read to its owner', async () => {
    const seed = join(root, 'seed');
    const snapshot = await makeSnapshot(seed);
    const flags = ['--repair', '--json', '--read-only-cache-dir', seed];
    const verify = async () => JSON.parse((await ict(['cache', 'verify', ...places, ...flags])).stdout.text) as object;
    expect(await verify()).toMatchObject({ status: 0, readOnly: [{ cacheDir: seed, checked: { chrootbuild: 1 }, findings: [] }] });
    await flipBit(snapshot);
    expect(await verify()).toMatchObject({ status: 5, readOnly: [{ findings: [{ kind: 'chrootbuild', repaired: false }] }] });
    expect(existsSync(snapshot)).toBe(true);
  });
});

it('ict cache verify finds damage in caches that are only read, and leaves it to their owner', async () => {
  await fill(0, ['a']);
  const file = join(root, 'cache', 'pkgCache', provider, 'a-1.pkg');
  chmodSync(file, 0o644);
  await writeFile(file, 'b'.repeat(5000));
  const own = join(root, 'own');
  const flags = ['--cache-dir', own, '--read-only-cache-dir', join(root, 'cache')];
  const { status, stdout } = await ict(['cache', 'verify', '--repair', ...flags, '--json']);
  expect(status).toBe(5);
  const finding = { kind: 'package', path: file, problem: 'damaged', repaired: false };
  expect(JSON.parse(stdout.text)).toMatchObject({
    cacheDir: own,
    findings: [],
    readOnly: [{ cacheDir: join(root, 'cache'), findings: [finding] }],
  });
  expect((await ict(['cache', 'verify', ...flags])).stdout.text).toContain(`${join(root, 'cache')}, only read:`);
  expect(existsSync(file)).toBe(true);
});

it('ict cache warm downloads for one template after the other', async () => {
  const asked: string[] = [];
  const warm = async (template: string) => {
    asked.push(template);
    return { target: provider, packages: 7 };
  };
  const { status, stdout, closed } = await ict(['cache', 'warm', 'a.yml', 'b.yml', ...places, '--json'], { engine: { warm } });
  expect(status).toBe(0);
  expect(asked).toEqual(['a.yml', 'b.yml']);
  expect(closed).toBe(2);
  expect(JSON.parse(stdout.text)).toEqual({
    templates: asked.map((template) => ({ template, target: provider, packages: 7 })),
  });
});

describe('ict cache check', () => {
  it.each([
    [['--warn-gb', '1', '--crit-gb', '2'], 0],
    [['--warn-gb', '0', '--crit-gb', '2'], 1],
    [['--warn-gb', '0', '--crit-gb', '0'], 2],
  ])('%j exits %i', async (flags, expected) => {
    await fill(0, ['a']);
    const { status, stdout } = await ict(['cache', 'check', ...flags, ...places, '--json']);
    expect(status).toBe(expected);
    expect(JSON.parse(stdout.text)).toMatchObject({ status: expected, directories: [{ what: 'cache' }, { what: 'workspace', status: 0 }] });
  });

  it('measures what links lead to', async () => {
    await fill(0, ['a']);
    await mkdir(work);
    await writeFile(join(work, 'file'), 'x'.repeat(5000));
    for (const name of ['cache', 'work']) await symlink(name, join(root, `${name}-link`));
    const sizes = async (argv: readonly string[]): Promise<readonly number[]> => {
      const { directories } = await document<{ directories: readonly { allocatedBytes: number }[] }>(['check', ...argv]);
      return directories.map(({ allocatedBytes }) => allocatedBytes);
    };
    const direct = await sizes(places);
    expect(Math.min(...direct)).toBeGreaterThan(0);
    expect(await sizes(['--cache-dir', join(root, 'cache-link'), '--work-dir', join(root, 'work-link')])).toEqual(direct);
  });

  it('refuses sizes in the wrong order', async () => {
    expect((await ict(['cache', 'check', '--warn-gb', '90', ...places])).status).toBe(2);
  });
});
