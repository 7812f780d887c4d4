import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf, hashFile } from '@ict/integrity';
import type { Json } from '@ict/plugin-api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Cache } from '../src/index.js';
import { childScript, makeCacheRig, packageOf, provider, startChild, type CacheRig } from './cache-rig.js';

let rig: CacheRig;
beforeEach(() => {
  rig = makeCacheRig();
});
afterEach(() => rig.close());

const SEED = 1;
const ROUNDS = 5;
/** Most calls of the cache that a child makes before it is killed. */
const MOST_CALLS = 30;

/** A pseudo-random stream in [0, 1), the same for the same seed: a linear congruential generator. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
}

/** What must outlive all kills: nobody cleans it. */
const kept = Array.from({ length: 5 }, (_, index) => `kept-${index}`);
const content = (name: string): string => `${name} `.repeat(3000);
const inputsOf = (name: string): Json => ({ name });

/** Source of the children: `put` keeps one entry of each kind under a name. Each call of the cache is a dot on standard output first. */
const store = `
  const dot = () => process.stdout.write('.');
  const content = (name) => (name + ' ').repeat(3000);
  const put = async (cache, name) => {
    const text = content(name);
    const file = (await cache.temporaryDirectory('x')) + '/f';
    writeFileSync(file, text);
    const digest = digestOf(text);
    const pkg = { name, version: '1.0-1', arch: 'x86_64', repository: 'debian-trixie', digest, sizeBytes: text.length, fileName: name + '_1.0-1_amd64.deb' };
    dot();
    await cache.packages(${JSON.stringify(provider)}).store(pkg, file);
    dot();
    const blob = await cache.blobs.putBytes(Buffer.from('blob ' + text));
    dot();
    const staged = await cache.layers.stage();
    writeFileSync(staged.upper + '/f', text);
    dot();
    await cache.layers.publish(staged, digest, { manifest: '{}', signature: '{}' });
    dot();
    await cache.steps.put('acme.make', { name }, { blob: { ...blob }, layer: { kind: 'layer', digest } }, 'ict');
    dot();
    await cache.memo.set('acme', { name }, text);
    dot();
    const source = await cache.blobs.path(blob.digest);
    if (source !== undefined) {
      const artifact = { name: 'a.raw', type: 'raw', digest: blob.digest, sizeBytes: blob.sizeBytes, source };
      await cache.images.put({ name }, { artifacts: [artifact], documents: new Map([['a.txt', Buffer.from(name)]]) }, 'ict');
    }
  };`;

const script = (body: string): string => childScript(rig.cacheDir, `${store} ${body}`);

/** Children that store, look up, collect and clean until they are killed. */
const writer = (who: string): string =>
  script(
    `for (let round = 0; ; round++) { const cache = await open(); await put(cache, '${who}-' + (round % 7)); await put(cache, 'both-' + (round % 3)); }`,
  );
const collector = (): string =>
  script(`
    const later = () => openCache({ cacheDir, clock: () => 10_000 });
    const dropped = ({ name, kind }) => kind === 'package' && !name.startsWith('kept');
    for (;;) {
      const cache = await later();
      dot();
      await cache.collect({ unusedDays: 30, packageDays: 30 });
      dot();
      await cache.clean(dropped);
      dot();
      await cache.reap();
    }`);

/** Kills a child once it has begun so many calls. @returns how it ended. */
async function killAfter(child: ReturnType<typeof startChild>, calls: number): Promise<unknown> {
  let begun = 0;
  child.stdout?.on('data', (dots: Buffer) => {
    begun += dots.length;
    if (begun > calls) child.kill('SIGKILL');
  });
  return ended(child);
}

async function ended(child: ReturnType<typeof startChild>): Promise<unknown> {
  return new Promise((resolve) => child.on('exit', (status, signal) => resolve(signal ?? status)));
}

async function requireKept(cache: Cache): Promise<void> {
  for (const name of kept) {
    const text = content(name);
    expect((await cache.packages(provider).lookup(packageOf(name, text))).state, name).toBe('hit');
    const record = await cache.steps.get('acme.make', inputsOf(name));
    const { blob } = record?.output as { readonly blob: { readonly digest: ReturnType<typeof digestOf> } };
    expect(await cache.blobs.path(blob.digest), name).toBeDefined();
    expect(await cache.layers.get(digestOf(text)), name).toBeDefined();
    expect(await cache.memo.get('acme', inputsOf(name)), name).toBe(text);
    const { image } = await cache.images.find(inputsOf(name));
    expect((await hashFile(join(image?.directory as string, 'a.raw'))).digest, name).toBe(blob.digest);
  }
}

/** Names of all files that are being written, anywhere in the cache, by others than this process. */
function leftovers(): readonly string[] {
  const all = readdirSync(rig.cacheDir, { recursive: true }) as string[];
  const unfinished = /(^|\/)\.ict-\d+-|(^|\/)\.[0-9a-f]{8}-|^\.ict\/(tmp|trash)\/./;
  return all.filter((path) => (unfinished.test(path) || /^\.ict\/locks\/.*\.tmp$/.test(path)) && !path.includes(`-${process.pid}-`));
}

describe('kill -9 at any moment', () => {
  it('while processes store, collect and clean loses nothing finished, and leaves nothing behind', async () => {
    const random = randomFrom(SEED);
    const first = startChild(script(`const cache = await open(); for (const name of ${JSON.stringify(kept)}) await put(cache, name);`));
    expect(await ended(first)).toBe(0);
    for (let round = 0; round < ROUNDS; round++) {
      const children = [writer('one'), writer('two'), collector()].map(startChild);
      const ends = await Promise.all(children.map((child) => killAfter(child, Math.floor(random() * MOST_CALLS))));
      expect(ends).toEqual(['SIGKILL', 'SIGKILL', 'SIGKILL']);
      const cache = await rig.open();
      expect((await cache.reap()).failed).toEqual([]);
      expect(leftovers(), `round ${round}, seed ${SEED}`).toEqual([]);
      const layers = async ({ fs }: { readonly fs: string }) =>
        (await hashFile(join(fs, 'f'))).sizeBytes > 0 ? undefined : ({ problem: 'damaged', detail: 'an empty f' } as const);
      const { findings } = await cache.verify({ checkLayer: layers });
      expect(
        findings.filter(({ problem }) => problem === 'damaged'),
        `round ${round}, seed ${SEED}`,
      ).toEqual([]);
      await requireKept(cache);
    }
  });
});
