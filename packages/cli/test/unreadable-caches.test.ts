import { chmodSync, existsSync, lstatSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCache } from '@ict/cache';
import { digestOf } from '@ict/integrity';
import type { DistributionDefinition } from '@ict/plugin-api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ict } from './fixture.js';

const NOBODY = 65_534;
const provider = 'acme-acme1-x86_64';
/** What counts as a raw disk. */
const bootable = Buffer.alloc(512, 0);
bootable.writeUInt16BE(0x55aa, 510);
const acme = { os: 'acme', dist: 'acme1', architectures: ['x86_64'] } as unknown as DistributionDefinition;
let root: string;
let cacheDir: string;
let work: string;
let places: readonly string[];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'ict-unreadable-'));
  cacheDir = join(root, 'cache');
  work = join(root, 'work');
  places = ['--cache-dir', cacheDir, '--work-dir', work];
  const cache = await openCache({ cacheDir, clock: () => Date.now() / 1000 });
  for (const name of ['a', 'b']) {
    await writeFile(join(root, name), name);
    const pkg = { name, version: '1', arch: 'x86_64', repository: 'acme', digest: digestOf(name), sizeBytes: 1, fileName: `${name}.pkg` };
    await cache.packages(provider).store(pkg, join(root, name));
  }
  const blob = (await cache.blobs.putBytes(Buffer.from('disk'))).digest;
  await cache.steps.put('acme.make', 'inputs', { blob: { kind: 'blob', digest: blob } }, 'ict');
  cache.leave();
  for (const name of ['chrootbuild', 'imagebuild/small']) await mkdir(join(work, provider, name), { recursive: true });
  await mkdir(join(work, 'other', 'chrootbuild'), { recursive: true });
});
afterEach(() => rm(root, { recursive: true }));

interface Answer {
  readonly status: number;
  readonly document: Readonly<Record<string, unknown>> & { readonly error?: { readonly code: string; readonly hint?: string } };
  readonly said: string;
}

async function ask(...argv: readonly string[]): Promise<Answer> {
  const { status, stdout, stderr } = await ict(['cache', ...argv, ...places, '--json'], { engine: { distributions: () => [acme] } });
  return { status, document: JSON.parse(stdout.text) as Answer['document'], said: stderr.text };
}

/** Asks as a user who may not look into a directory, and into all others. */
async function beside(directory: string, ...argv: readonly string[]): Promise<Answer> {
  chmodSync(root, 0o755);
  for (const trees of ['layers', 'mounts']) chmodSync(join(cacheDir, '.ict', trees), 0o755);
  chmodSync(directory, 0);
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(NOBODY);
  try {
    return await ask(...argv);
  } finally {
    if (isRoot) process.seteuid?.(0);
    chmodSync(directory, 0o755);
  }
}

describe('what may not be looked at', () => {
  const packages = (): string => join(cacheDir, 'pkgCache', provider);
  const records = (): string => join(cacheDir, '.ict', 'index', 'packages', provider);
  const target = (): string => join(work, 'other');

  it.each<[string, readonly string[], () => string, () => string]>([
    ['list', [], packages, packages],
    ['list', [], target, () => join(target(), 'chrootenv')],
    ['du', [], packages, packages],
    ['du', ['--by', 'provider'], target, target],
    ['check', [], packages, packages],
    ['check', [], () => work, () => work],
    ['gc', ['--dry-run'], packages, packages],
    ['gc', ['--dry-run', '--imagebuild-days', '1'], target, () => join(target(), 'chrootenv')],
    ['clean', ['--all', '--dry-run'], packages, packages],
    ['clean', ['--all', '--dry-run'], () => work, () => work],
    ['clean', ['--package', 'a', '--dry-run'], records, records],
    ['clean', ['--packages', '--provider-id', 'other', '--dry-run'], () => work, () => work],
    ['info', ['acme.make'], packages, packages],
  ])('is told by %s %j, which goes on with the rest', async (command, flags, bad, told) => {
    const words = command === 'info' ? [(await stepId()).slice(0, 12)] : flags;
    const { status, document, said } = await beside(bad(), command, ...words);
    expect(status, said).toBe(0);
    const unread = document['unread'] as readonly { readonly path: string; readonly reason: string }[];
    expect(unread[0]).toEqual({ path: told(), reason: 'EACCES' });
    expect(said).toContain('ICT_CACHE_UNREADABLE');
    expect(said).toContain(told());
    expect(said.match(/cannot be read: EACCES/g)).toHaveLength(1);
  });

  it.each(['list', 'du', 'check', 'gc', 'clean'])('is nothing for %s where all may be', async (command) => {
    const { document, said } = await ask(command, ...(command === 'clean' ? ['--all'] : []));
    expect(document['unread']).toEqual([]);
    expect(said).not.toContain('ICT_CACHE');
  });

  it.each([
    ['list', []],
    ['du', []],
    ['check', []],
    ['info', ['x']],
    ['export', ['x', 'y.raw']],
    ['gc', ['--dry-run']],
    ['clean', ['--all', '--dry-run']],
    ['verify', []],
  ])('ends %s where it is the whole cache', async (command, words) => {
    const { status, document } = await beside(cacheDir, command, ...words);
    expect([status, document.error]).toMatchObject([7, { code: 'ICT_CACHE_UNREADABLE', hint: expect.any(String) as string }]);
    expect(JSON.stringify(document.error)).toContain(cacheDir);
  });

  it('of caches behind it is told, and the rest is listed', async () => {
    const other = join(root, 'closed');
    await mkdir(other);
    const { status, document } = await beside(other, 'list', '--read-only-cache-dir', join(other, 'cache'));
    expect([status, document['unread']]).toEqual([0, [{ path: join(other, 'cache'), reason: 'EACCES' }]]);
    expect(document['entries']).toHaveLength(7);
  });
});

async function stepId(): Promise<string> {
  const { document } = await ask('list', '--kind', 'step');
  return (document['entries'] as readonly { readonly id: string }[])[0]?.id as string;
}

describe('a cache directory that is none', () => {
  const kinds: Readonly<Record<string, (path: string) => Promise<void>>> = {
    'a file': (path) => writeFile(path, 'mine'),
    'a link to itself': (path) => symlink(path, path),
    'a link to nothing': (path) => symlink(`${path}.gone`, path),
  };
  const put = async (what: string): Promise<void> => {
    await rm(cacheDir, { recursive: true });
    await kinds[what]?.(cacheDir);
  };
  it.each(
    Object.keys(kinds).flatMap((what) => ['list', 'du', 'check', 'gc', 'verify', 'info x'].map((command) => [what, command] as const)),
  )('as %s lies there is told by %s', async (what, command) => {
    await put(what);
    const { status, document } = await ask(...command.split(' '));
    expect([status, document.error]).toMatchObject([7, { code: 'ICT_CACHE_UNREADABLE' }]);
  });

  it.each(Object.keys(kinds))('as %s lies there takes nothing in', async (what) => {
    await put(what);
    await writeFile(join(root, 'x.raw'), bootable);
    const { status, document } = await ask('import', join(root, 'x.raw'));
    expect([status, document.error]).toMatchObject([7, { code: 'ICT_CACHE_UNWRITABLE' }]);
    expect(lstatSync(cacheDir).isDirectory()).toBe(false);
  });
});

describe('what is given to import', () => {
  it.each<[string, (path: string) => Promise<unknown>]>([
    ['nothing', async () => undefined],
    ['a directory', (path) => mkdir(path)],
    ['a link to itself', (path) => symlink(path, path)],
  ])('and is %s is refused', async (_what, put) => {
    const file = join(root, 'given');
    await put(file);
    for (const flags of [[], ['--provider-id', provider]]) {
      const { status, document } = await ask('import', file, ...flags);
      expect([status, document.error]).toMatchObject([2, { code: 'ICT_CLI_USAGE' }]);
    }
  });

  it('is not taken where a file lies in place of the packages of its provider', async () => {
    const file = join(root, 'x.pkg');
    await writeFile(file, 'x');
    await rm(join(cacheDir, 'pkgCache', provider), { recursive: true });
    await writeFile(join(cacheDir, 'pkgCache', provider), 'mine');
    const { status, document } = await ask('import', file, '--provider-id', provider);
    expect([status, document.error]).toMatchObject([7, { code: 'ICT_CACHE_UNWRITABLE' }]);
    expect(await readFile(join(cacheDir, 'pkgCache', provider), 'utf8')).toBe('mine');
  });
});

it('what is given to export and cannot be written is refused, and nothing of the user is touched', async () => {
  await writeFile(join(root, 'x.raw'), bootable);
  const { document } = await ask('import', join(root, 'x.raw'));
  const id = document['id'] as string;
  const target = join(root, 'out.raw');
  await writeFile(`${target}.new`, 'mine');
  expect((await ask('export', id, target)).status).toBe(0);
  expect(await readFile(`${target}.new`, 'utf8')).toBe('mine');
  await mkdir(join(root, 'directory.raw'));
  for (const bad of [join(root, 'directory.raw'), join(target, 'below.raw'), '/proc/absent/x.raw', `${join(root, 'n'.repeat(300))}.raw`]) {
    const { status, document: answer } = await ask('export', id, bad);
    expect([status, answer.error]).toMatchObject([2, { code: 'ICT_CLI_FILE_UNWRITABLE' }]);
  }
  await rm(join(cacheDir, 'imageCache', id, 'x.raw'));
  await symlink('x.raw', join(cacheDir, 'imageCache', id, 'x.raw'));
  expect((await ask('export', id, target)).document.error).toMatchObject({ code: 'ICT_CLI_IMAGE_DAMAGED' });
  expect(existsSync(target)).toBe(true);
});
