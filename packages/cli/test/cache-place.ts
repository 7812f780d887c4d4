import { mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { openCache, type Cache } from '@ict/cache';
import { digestHex, digestOf } from '@ict/integrity';
import type { Json } from '@ict/plugin-api';
import { afterEach, beforeEach, expect } from 'vitest';
import { ict } from './fixture.js';

export const provider = 'acme-acme1-x86_64';
/** A directory of the test; see {@link useCache}. */
export let root: string;
/** The work directory in it. */
export let work: string;
/** Flags that name the work directory, and `cache` in {@link root}. */
export let places: readonly string[];

/** Gives each test of a file directories of its own, in which nothing is yet. */
export function useCache(): void {
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'ict-cache-cli-'));
    work = join(root, 'work');
    places = ['--cache-dir', join(root, 'cache'), '--work-dir', work];
  });
  afterEach(() => rm(root, { recursive: true }));
}

/** A cache as it was at a time, used by a process of another machine that fell silent long ago. */
export async function fill(daysAgo: number, names: readonly string[]): Promise<Cache> {
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
export async function endBuilds(): Promise<void> {
  const used = join(root, 'cache', '.ict', 'used');
  for (const day of await readdir(used)) {
    for (const log of await readdir(join(used, day))) {
      await rename(join(used, day, log), join(used, day, `ended-${log}`));
    }
  }
}

export async function storeResult(cache: Cache): Promise<{ readonly blob: string; readonly step: string }> {
  const blob = await cache.blobs.putBytes(Buffer.from('disk'));
  const kept = await cache.steps.put('acme.make', { colour: 'red' }, { blob: { ...blob } } as unknown as Json, 'ict');
  return { blob: digestHex(blob.digest), step: kept!.key };
}

/** What counts as a raw disk. */
export const disk = Buffer.from(`${'disk '.repeat(102)}U\xaa${'disk '.repeat(10)}`, 'latin1');

/** Keeps an image of one raw disk. @returns its key. */
export async function keepImage(cache: Cache, name = 'mini-1.0.raw', content = disk): Promise<string> {
  const blob = await cache.blobs.putBytes(content);
  const source = (await cache.blobs.path(blob.digest)) as string;
  const artifact = { name, type: extname(name).slice(1), digest: blob.digest, sizeBytes: blob.sizeBytes, source };
  const documents = new Map([[`${name.slice(0, -extname(name).length)}.lock.yml`, Buffer.from('lock')]]);
  await cache.images.put({ name }, { artifacts: [artifact], documents }, 'ict');
  return cache.images.key({ name });
}

export interface Listed {
  readonly entries: readonly {
    readonly kind: string;
    readonly id: string;
    readonly provider?: string;
    readonly lastUsed: string;
    readonly allocatedBytes: number;
  }[];
}

export interface Removed {
  readonly removed: readonly { readonly kind: string; readonly id: string; readonly reason?: string }[];
  readonly freedBytes: number;
  readonly pinned: number;
}

export async function document<T>(argv: readonly string[]): Promise<T> {
  const { status, stdout, stderr } = await ict(['cache', ...argv, '--json']);
  expect(status, stderr.text).toBe(0);
  return JSON.parse(stdout.text) as T;
}

export const ids = ({ removed }: Removed): string[] => removed.map(({ kind, id }) => `${kind} ${id}`).sort();
