import { createHash } from 'node:crypto';
import { copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { RpmWorkshop, type RpmKey } from '@ict/fixtures';
import type { RepositorySpec } from '@ict/plugin-api';
import { directoryArchive, fakeContext, type FakeContext } from '@ict/plugin-testkit';
import { createVerifier } from '@ict/verify';
import { createMetadataSource, loadPackages } from '../src/metadata/metadata.js';
import { createRpmProvider } from '../src/provider.js';

const MIB = 2 ** 20;
const ARCHIVE = 'http://archive.example/test';
const now = Math.floor(Date.now() / 1000) + 3600;

const workshop = new RpmWorkshop();
const verifier = createVerifier({ workers: 1, clock: () => now });
let key: RpmKey;
let other: RpmKey;
/** Two packages, validly signed by the repository's key. */
let packages: readonly [string, string];
/** A sound repository of the first of them, in two revisions. */
let sound: string;
let newer: string;
beforeAll(() => {
  key = workshop.key('own');
  other = workshop.key('other');
  packages = [workshop.build({ name: 'good' }), workshop.build({ name: 'other' })];
  workshop.sign(packages, key);
  sound = workshop.repository('sound', [packages[0]], key, ['--revision', '1700000000']);
  newer = workshop.repository('newer', [packages[0]], key, ['--revision', '1700000001']);
}, 120_000);
afterAll(async () => {
  workshop.close();
  await verifier.close();
});

const spec: () => RepositorySpec = () => ({
  id: 'test',
  archive: ARCHIVE,
  suite: '',
  components: [],
  keyrings: [key.keyring],
});

/** A copy of a repository, changed, and a context that has it. */
function changed(name: string, from: string, change: (root: string) => void): FakeContext {
  const root = join(workshop.directory, name);
  cpSync(from, root, { recursive: true });
  change(root);
  const ctx = fakeContext({ archives: [directoryArchive(ARCHIVE, root)], nowSeconds: now, verify: verifier });
  onTestFinished(() => ctx[Symbol.asyncDispose]());
  return ctx;
}

/** Reads a repository as a resolution does, then verifies its packages. @returns the code of what is wrong; `good` for nothing. */
async function verdict(ctx: FakeContext, root = sound): Promise<string> {
  const { metadata, verifier: packageVerifier } = createRpmProvider();
  try {
    const pinned = await metadata.snapshot(spec(), 'x86_64', ctx);
    const index = await loadPackages(pinned, ctx);
    for (let at = 0; at < index.count; at++) {
      const record = index.record(at, 'test');
      const file = join(root, record.path);
      await packageVerifier.verify(file, { ...record, id: `${record.name}:${record.arch}`, requires: [], requestedBy: [] }, spec(), ctx);
    }
    return 'good';
  } catch (error) {
    return (error as { readonly code: string }).code;
  }
}

const edit = (file: string, change: (text: string) => string): void => writeFileSync(file, change(readFileSync(file, 'utf8')));

describe('a repository', () => {
  it('is good as it was published', async () => {
    expect(await verdict(changed('as-it-is', sound, () => undefined))).toBe('good');
  });

  it.each<[string, (root: string) => void, string]>([
    ['is unsigned', (root) => rmSync(join(root, 'repodata/repomd.xml.asc')), 'ICT_RPM_REPOMD_UNSIGNED'],
    ['is signed by a foreign key', (root) => workshop.signRoot(root, other), 'ICT_RPM_REPOMD_UNKNOWN_KEY'],
    [
      'was changed after it was signed',
      (root) => edit(join(root, 'repodata/repomd.xml'), (text) => text.replace('1700000000', '1800000000')),
      'ICT_RPM_REPOMD_SIGNATURE',
    ],
    [
      'was changed between repomd.xml and primary',
      (root) => {
        const text = readFileSync(join(root, 'repodata/repomd.xml'), 'utf8');
        const primary = join(root, /href="([^"]*primary.xml.gz)"/.exec(text)![1]!);
        const bytes = readFileSync(primary);
        bytes[bytes.length - 5]! ^= 1;
        writeFileSync(primary, bytes);
      },
      'ICT_RPM_INDEX_MISMATCH',
    ],
  ])('that %s is refused', async (what, change, code) => {
    expect(await verdict(changed(what.replaceAll(/\W/g, '-'), sound, change))).toBe(code);
  });

  it('that is signed by an expired key is refused', async () => {
    const expiring = workshop.key('expiring');
    const ctx = changed('expired', sound, (root) => workshop.signRoot(root, expiring));
    workshop.expire(expiring, '2023-06-01');
    const { metadata } = createRpmProvider();
    await expect(metadata.snapshot({ ...spec(), keyrings: [expiring.keyring] }, 'x86_64', ctx)).rejects.toMatchObject({
      code: 'ICT_RPM_REPOMD_EXPIRED_KEY',
    });
  });

  it('that is rolled back to an older revision is refused, validly signed as it is', async () => {
    const root = join(workshop.directory, 'moving');
    const ctx = changed('moving', newer, () => undefined);
    expect(await verdict(ctx)).toBe('good');
    rmSync(root, { recursive: true });
    cpSync(sound, root, { recursive: true });
    expect(await verdict(ctx)).toBe('ICT_RPM_REPOMD_ROLLBACK');
    rmSync(root, { recursive: true });
    cpSync(newer, root, { recursive: true });
    expect(await verdict(ctx)).toBe('good');
  });

  it('whose package was replaced by another validly signed one is refused', async () => {
    // The metadata still names the old package; its digest would tell earlier, when the file is fetched.
    const root = join(workshop.directory, 'replaced');
    const ctx = changed('replaced', sound, () => copyFileSync(packages[1], join(root, 'Packages', basename(packages[0]))));
    expect(await verdict(ctx, root)).toBe('ICT_RPM_PACKAGE_REPLACED');
  });
});

describe('metadata as large as anybody likes', () => {
  /** A file of some kilobytes or megabytes that decompresses to `count` pieces, and what a root says of it. */
  function bomb(piece: string, count: number, frame: readonly [string, string]) {
    const members = [frame[0], piece, frame[1]].map((text) => gzipSync(text));
    const bytes = Buffer.concat([members[0]!, ...Array<Buffer>(count).fill(members[1]!), members[2]!]);
    const hash = createHash('sha256').update(frame[0]);
    for (let at = 0; at < count; at++) hash.update(piece);
    return { bytes, open: hash.update(frame[1]).digest('hex'), openBytes: frame[0].length + piece.length * count + frame[1].length };
  }

  /** A repository of one unsigned root and such a file as its primary metadata. */
  function serve(name: string, { bytes, open, openBytes }: ReturnType<typeof bomb>): FakeContext {
    const root = join(workshop.directory, name);
    mkdirSync(join(root, 'repodata'), { recursive: true });
    writeFileSync(join(root, 'repodata/primary.xml.gz'), bytes);
    const sum = createHash('sha256').update(bytes).digest('hex');
    const data = `<checksum type="sha256">${sum}</checksum><open-checksum type="sha256">${open}</open-checksum><location href="repodata/primary.xml.gz"/><size>${bytes.length}</size><open-size>${openBytes}</open-size>`;
    writeFileSync(join(root, 'repodata/repomd.xml'), `<repomd><data type="primary">${data}</data></repomd>`);
    const ctx = fakeContext({ archives: [directoryArchive(ARCHIVE, root)], nowSeconds: now });
    onTestFinished(() => ctx[Symbol.asyncDispose]());
    return ctx;
  }

  /** Reads primary metadata. @returns what became of it, and by how many bytes the process grew. */
  async function read(ctx: FakeContext): Promise<{ readonly outcome: string | number; readonly grown: number }> {
    const pinned = await createMetadataSource().snapshot({ ...spec(), repoGpgCheck: false }, 'x86_64', ctx);
    const before = process.memoryUsage().rss;
    let most = before;
    const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 5);
    const outcome = await loadPackages(pinned, ctx).then(
      ({ count }) => count,
      (error: { readonly code: string }) => error.code,
    );
    clearInterval(watch);
    return { outcome, grown: Math.max(most, process.memoryUsage().rss) - before };
  }

  const METADATA = ['<metadata>', '</metadata>'] as const;
  const elements = '<unknown a="b">text</unknown>\n'.repeat(MIB / 32);

  it('is read in constant memory', async () => {
    const large = bomb(elements, 192, METADATA);
    expect([large.bytes.length < 2 * MIB, large.openBytes > 180 * MIB]).toEqual([true, true]);
    const { outcome, grown } = await read(serve('large', large));
    expect(outcome).toBe(0);
    expect(grown).toBeLessThan(120 * MIB);
  }, 120_000);

  it('is refused as soon as it is more than the root says', async () => {
    const large = bomb(elements, 192, METADATA);
    const { outcome, grown } = await read(serve('bomb', { ...large, openBytes: 1000 }));
    expect(outcome).toBe('ICT_RPM_INDEX_MISMATCH');
    expect(grown).toBeLessThan(64 * MIB);
  }, 120_000);

  it('is refused when one text of it is too long, whatever the root says', async () => {
    const { outcome, grown } = await read(serve('text', bomb('x'.repeat(MIB), 512, ['<metadata><name>', '</name></metadata>'])));
    expect(outcome).toBe('ICT_RPM_INDEX_INVALID');
    expect(grown).toBeLessThan(384 * MIB);
  }, 120_000);

  it.each([
    ['repomd.xml', 9 * MIB],
    ['repomd.xml.asc', MIB],
  ])('is refused as %s, before it is read', async (name, sizeBytes) => {
    const ctx = changed(`long-${name}`, sound, (root) => writeFileSync(join(root, 'repodata', name), Buffer.alloc(sizeBytes)));
    expect(await verdict(ctx)).toBe('ICT_FETCH_TOO_LARGE');
  });
});
