import { execFileSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { RpmWorkshop } from '@ict/fixtures';
import { isIctError } from '@ict/plugin-api';
import type { PackageRecord, RepositorySpec, Snapshot } from '@ict/plugin-api';
import { directoryArchive, fakeContext, type FakeContext } from '@ict/plugin-testkit';
import { findChangelogs } from '../src/metadata/changelogs.js';
import { createMetadataSource } from '../src/metadata/metadata.js';
import { OtherReader } from '../src/metadata/other.js';
import { resolvePinned } from './checked-resolution.js';
import { recompress } from './compressed-repository.js';
import { FIXTURES } from './fixture-index.js';

const archive = 'http://archive.example';
const workshop = new RpmWorkshop();
let files: readonly string[];
beforeAll(() => {
  const day = (date: string, version: string, ...lines: readonly string[]) => [
    `* ${date} Ann Other <ann@example.org> - ${version}`,
    ...lines,
  ];
  const changelog = [
    '%changelog',
    ...day('Wed Feb 04 2026', '1:1.2-1', '- Mend <this> & that', '  over two lines', '- And more'),
    ...day('Wed Feb 04 2026', '1.1-1', '- On the same day'),
    '* Mon Jan 05 2026 somebody',
    '- First',
  ];
  files = [workshop.build({ name: 'told', more: changelog }), workshop.build({ name: 'silent' })];
});
afterAll(() => workshop.close());

function open(root: string): FakeContext {
  const ctx = fakeContext({ archives: [directoryArchive(archive, root)], nowSeconds: Math.floor(Date.now() / 1000) + 60 });
  onTestFinished(() => ctx[Symbol.asyncDispose]());
  return ctx;
}

const repository: RepositorySpec = { id: 'test', archive, suite: '', components: [], keyrings: [], repoGpgCheck: false };

/** A repository pinned, and its packages. */
async function pin(ctx: FakeContext): Promise<{ readonly pinned: Snapshot; readonly packages: readonly PackageRecord[] }> {
  const source = createMetadataSource();
  const pinned = await source.snapshot(repository, 'x86_64', ctx);
  const packages: PackageRecord[] = [];
  for await (const pkg of source.packages(pinned, ctx)) packages.push(pkg);
  return { pinned, packages };
}

/** The changelogs of all packages of a repository. */
async function changelogsIn(root: string, newest = 10, ctx = open(root)) {
  const { pinned, packages } = await pin(ctx);
  return findChangelogs(pinned, { packages, newest }, ctx);
}

/** A repository whose other.xml is compressed in one way only. */
function published(name: string, compression: string): string {
  const root = workshop.repository(name, files, undefined, compression === 'zck' ? ['--zck'] : []);
  if (compression === 'zck') change(root, (text) => text.replace(/<data type="other">.*?<\/data>/s, ''));
  else recompress(root, compression);
  return root;
}

function change(root: string, edit: (text: string) => string): void {
  const repomd = join(root, 'repodata/repomd.xml');
  writeFileSync(repomd, edit(readFileSync(repomd, 'utf8')));
}

function otherOf(root: string): string {
  return join(root, 'repodata', readdirSync(join(root, 'repodata')).find((name) => /other\.xml\.(?!zck)/.test(name))!);
}

const told = [
  {
    date: '2026-02-04',
    author: 'Ann Other <ann@example.org>',
    version: '1:1.2-1',
    text: '- Mend <this> & that\n  over two lines\n- And more',
  },
  { date: '2026-02-04', author: 'Ann Other <ann@example.org>', version: '1.1-1', text: '- On the same day' },
  { date: '2026-01-05', author: 'somebody', text: '- First' },
];

describe('changelogs', () => {
  it.each(['gz', 'xz', 'bz2', 'zst', 'zck'])('are read, compressed as %s', async (compression) => {
    const root = published(`as-${compression}`, compression);
    const ctx = open(root);
    const { pinned, packages } = await pin(ctx);
    expect(pinned.indexes.find(({ component }) => component === 'other')!.path).toMatch(new RegExp(`\\.${compression}$`));
    expect(await findChangelogs(pinned, { packages, newest: 10 }, ctx)).toEqual(
      packages.map(({ name, version, arch }) => ({ name, version, arch, entries: name === 'told' ? told : [] })),
    );
  });

  it('say what rpm says of the package', () => {
    const format = '[%{CHANGELOGNAME}|%{CHANGELOGTEXT}\\n--\\n]';
    const stated = execFileSync('rpm', ['-qp', '--nosignature', '--qf', format, files[0]!]).toString().split('\n--\n').slice(0, -1);
    const signed = told.map(({ author, version, text }) => `${author}${version === undefined ? '' : ` - ${version}`}|${text}`);
    expect(stated).toEqual(signed);
  });

  it('are only as long as is asked, and the newest entries of the packages that are asked for', async () => {
    const ctx = open(published('short', 'gz'));
    const { pinned, packages } = await pin(ctx);
    const asked = packages.filter(({ name }) => name === 'told');
    expect(await findChangelogs(pinned, { packages: asked, newest: 2 }, ctx)).toMatchObject([{ name: 'told', entries: told.slice(0, 2) }]);
  });

  it('are fetched when they are asked for, and not again; a resolution does without', async () => {
    const ctx = open(published('lazy', 'gz'));
    const fetched = (): number => ctx.fetch.requests.filter(({ url }) => url.includes('other.xml')).length;
    const { pinned, packages } = await pin(ctx);
    const seeds = [{ request: 'told', reason: 'template' }];
    const rest = { arch: 'x86_64', distribution: {} as never, essential: false, recommends: true } as const;
    expect(await resolvePinned({ ...rest, snapshots: [pinned], seeds }, ctx)).toMatchObject({ kind: 'resolved' });
    expect(fetched()).toBe(0);
    for (let times = 0; times < 2; times++) await findChangelogs(pinned, { packages, newest: 10 }, ctx);
    expect(fetched()).toBe(1);
  });

  it.each([
    ['lists none', (text: string) => text.replace(/<data type="other">.*?<\/data>/s, '')],
    ['lists them by SHA-1 alone', (text: string) => text.replace(/(<data type="other">\s*<checksum type=")sha256/, '$1sha')],
  ])('are not told of where a repository %s; its packages are', async (what, edit) => {
    const root = published(what.replaceAll(' ', '-'), 'gz');
    change(root, edit);
    const ctx = open(root);
    const { pinned, packages } = await pin(ctx);
    expect(packages).toHaveLength(2);
    expect(await findChangelogs(pinned, { packages, newest: 10 }, ctx)).toBeUndefined();
  });

  it('that are not what the root says are refused: before decompression, and after', async () => {
    const root = published('changed', 'gz');
    const file = otherOf(root);
    const bytes = readFileSync(file);
    bytes[bytes.length - 9]! ^= 1;
    writeFileSync(file, bytes);
    await expect(changelogsIn(root)).rejects.toMatchObject({ code: 'ICT_RPM_INDEX_MISMATCH' });
    const open = published('open', 'gz');
    change(open, (text) =>
      text.replace(
        /(<data type="other">.*?<open-checksum type="sha256">)(.)/s,
        (_, head: string, digit: string) => `${head}${digit === '0' ? '1' : '0'}`,
      ),
    );
    await expect(changelogsIn(open)).rejects.toMatchObject({ code: 'ICT_RPM_INDEX_MISMATCH' });
    const longer = published('longer', 'gz');
    change(longer, (text) => text.replace(/(<data type="other">.*?<open-size>)\d+/s, '$110'));
    await expect(changelogsIn(longer)).rejects.toMatchObject({ code: 'ICT_RPM_INDEX_MISMATCH' });
  });

  it('of PostgreSQL\u2019s and of an openSUSE repository agree with what the documents say', async () => {
    for (const name of ['pgdg-rhel8-common', 'opensuse-obs-zstd']) {
      const root = join(workshop.directory, name);
      cpSync(join(FIXTURES, 'repos', name), root, { recursive: true });
      const ctx = open(root);
      const { pinned, packages } = await pin(ctx);
      const found = (await findChangelogs(pinned, { packages, newest: 100 }, ctx))!;
      const packed = readFileSync(otherOf(root));
      const text = name.endsWith('zstd') ? zstdDecompressSync(packed).toString() : gunzipSync(packed).toString();
      const dates = new Map(
        [...text.matchAll(/<package pkgid="([^"]+)".*?<\/package>/gs)].map(([all, pkgid]) => [
          pkgid!,
          Array.from(all.matchAll(/ date="(\d+)"/g), ([, seconds]) => Number(seconds)).sort((a, b) => b - a),
        ]),
      );
      const own = new Map(packages.map((pkg, place) => [pkg.digest.slice(7), found[place]!.entries.map(({ date }) => date)]));
      expect([name, own.size]).toEqual([name, dates.size]);
      for (const [pkgid, days] of own)
        expect(days).toEqual(dates.get(pkgid)!.map((seconds) => new Date(seconds * 1000).toISOString().slice(0, 10)));
    }
  });
});

describe('other.xml', () => {
  const [BASH, KERNEL] = [
    '90f61e546938a11449b710160ad294618a5bd3062e46f8cf851fd0088af184b7',
    '6d43a638af70ef899933b1fd86a866f18f65b0e0e17dcbf2e42bfd0cdd7c63c3',
  ] as const;
  const malformed = (name: string): string => readFileSync(join(FIXTURES, 'malformed', `${name}-other.xml`), 'utf8');

  /** Entries of two packages, and what was left out. */
  function read(text: string, pieceBytes = 1 << 16, wanted: readonly string[] = [BASH, KERNEL]) {
    const reader = new OtherReader('other.xml of repository "test"', wanted, 10);
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += pieceBytes) reader.write(bytes.subarray(at, at + pieceBytes));
    const { changelogs, diagnostics } = reader.finish();
    return { texts: wanted.map((pkgid) => changelogs.get(pkgid)!.map(({ text: each }) => each)), diagnostics };
  }

  it.each<[string, number, number, readonly string[]]>([
    ['unknown_element_00', 1, 2, []],
    // The second package is within an element that nobody knows.
    ['unknown_element_01', 1, 0, []],
    ['unknown_element_02', 1, 2, []],
    ['multiple_warnings_00', 1, 2, []],
    ['no_pkgid', 1, 0, ['super_kernel']],
    ['error_00', 0, 2, ['fake_bash']],
  ])('of %s gives what can be used', (name, bash, kernel, left) => {
    const { texts, diagnostics } = read(malformed(name));
    expect(texts.map((each) => each.length)).toEqual([bash, kernel]);
    expect(diagnostics).toEqual(left.map((each) => ({ package: each, reason: 'it has no checksum' })));
  });

  it('has ampersands as they are meant; a bare one is refused', () => {
    const text = malformed('repo_01_ampersand');
    const pkgid = /pkgid="([^"]+)"/.exec(text)![1]!;
    expect(read(text, 1 << 16, [pkgid]).texts).toEqual([['- Second releas&e', '- Firs&t release']]);
    expect(() => read(text.replace('&amp;', '&'))).toThrow(expect.objectContaining({ code: 'ICT_RPM_INDEX_INVALID' }));
  });

  it('that lists a package twice has each of its entries once', () => {
    const text = malformed('unknown_element_00');
    const [entry] = /<package pkgid="90f6[^]*?<\/package>/.exec(text)!;
    expect(read(text.replace(entry, entry + entry))).toEqual(read(text));
    expect(read(text).texts[0]).toHaveLength(1);
  });

  it('that is cut off is refused', () => {
    expect(() => read(malformed('no_pkgid').slice(0, -20))).toThrow(expect.objectContaining({ code: 'ICT_RPM_INDEX_INVALID' }));
  });

  it('has an entry without a day, or without an author, in its place', () => {
    const entry = (attributes: string, text: string) => `<changelog ${attributes}>${text}</changelog>`;
    const entries = [entry('author="a &lt;b&gt; x y"', 'one'), entry('date="tomorrow"', 'two'), entry('author="c" date="86400"', 'three')];
    const text = `<otherdata><package pkgid="p"><changelogs/>${entries.join('')}</package></otherdata>`;
    const reader = new OtherReader('other.xml', ['p'], 10);
    reader.write(Buffer.from(text));
    expect(reader.finish().changelogs.get('p')).toEqual([
      { date: '1970-01-02', author: 'c', text: 'three' },
      { author: '', text: 'two' },
      { author: 'a <b> x y', text: 'one' },
    ]);
  });

  it('whatever it is cut into says the same; rubbish is refused or read, never anything else', () => {
    const sound = malformed('unknown_element_02');
    const whole = read(sound);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), (size) => {
        expect(read(sound, size)).toEqual(whole);
      }),
    );
    fc.assert(
      fc.property(fc.nat(sound.length - 1), fc.string(), (at, rubbish) => {
        try {
          read(sound.slice(0, at) + rubbish + sound.slice(at + rubbish.length));
        } catch (error) {
          expect(isIctError(error) && error.code).toBe('ICT_RPM_INDEX_INVALID');
        }
      }),
    );
  });

  it('keeps no more than is asked for, however long a changelog is', () => {
    const reader = new OtherReader('other.xml', ['p'], 3);
    reader.write(Buffer.from('<otherdata><package pkgid="p">'));
    const text = 'x'.repeat(1 << 16);
    const before = heldBytes();
    // 512 MiB of entries, of which three are kept.
    for (let day = 1; day <= 1 << 13; day++) reader.write(Buffer.from(`<changelog author="a" date="${day * 86_400}">${text}</changelog>`));
    const grown = heldBytes() - before;
    reader.write(Buffer.from('</package></otherdata>'));
    expect(
      reader
        .finish()
        .changelogs.get('p')!
        .map(({ date }) => date),
    ).toEqual(['1992-06-06', '1992-06-05', '1992-06-04']);
    expect(grown).toBeLessThan(16 * 2 ** 20);
  });
});

/** Memory that something still refers to. */
function heldBytes(): number {
  setFlagsFromString('--expose_gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
