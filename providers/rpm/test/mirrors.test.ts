import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createFetcher, type FetcherOptions, type MirroredFetcher } from '@ict/fetch';
import { RpmWorkshop, serveArchive, type ArchiveServer } from '@ict/fixtures';
import { hashFile } from '@ict/integrity';
import type { Context, RepositorySpec, Snapshot } from '@ict/plugin-api';
import { fakeContext, memoryArchive } from '@ict/plugin-testkit';
import { createMetadataSource, loadPackages } from '../src/metadata/metadata.js';
import { parseMetalink } from '../src/metadata/metalink.js';
import { readMirrors } from '../src/metadata/mirror-list.js';
import { FIXTURES } from './fixture-index.js';

const archive = 'http://archive.example/linux';
const repository = (options: Partial<RepositorySpec>): RepositorySpec => ({
  id: 'linux',
  archive,
  suite: '',
  components: [],
  keyrings: [],
  repoGpgCheck: false,
  ...options,
});
const metalinkOf = (name: string) => parseMetalink(readFileSync(join(FIXTURES, 'metalinks', name)), name);

describe('metalinks', () => {
  it('name mirrors, best first, and the state of repomd.xml', () => {
    const list = metalinkOf('metalink_good_01')!;
    expect(list.urls.slice(0, 3)).toEqual([
      'http://mirror.pnl.gov/fedora/linux/releases/17/Everything/x86_64/os',
      'http://mirrors.syringanetworks.net/fedora/releases/17/Everything/x86_64/os',
      'http://ftp.linux.ncsu.edu/pub/fedora/linux/releases/17/Everything/x86_64/os',
    ]);
    expect(list.urls.every((url) => url.startsWith('http'))).toBe(true);
    expect(list.roots).toEqual([
      {
        digest: 'sha256:0076c44aabd352da878d5c4d794901ac87f66afac869488f6a4ef166de018cdf',
        sizeBytes: 4309,
      },
    ]);
  });

  it('name earlier states that mirrors may still serve', () => {
    expect(metalinkOf('metalink_with_alternates')!.roots!.map(({ digest }) => digest.slice(7, 15))).toEqual(['d4f9ad66', '099ff51a']);
  });

  it('may name earlier states before the present one', () => {
    const text = readFileSync(join(FIXTURES, 'metalinks', 'metalink_with_alternates'), 'utf8');
    const turned = text.replace(/(<size>.*?<\/verification>)(\s*)(<mm0:alternates>.*<\/mm0:alternates>)/s, '$3$2$1');
    expect(turned).not.toBe(text);
    expect(parseMetalink(Buffer.from(turned), 'turned')).toEqual(metalinkOf('metalink_with_alternates'));
  });

  it('may be those of openSUSE: with names of digests as IANA has them, and digests of pieces', () => {
    const hash = (type: string, digit: string, digits: number) => `<hash type="${type}">${digit.repeat(digits)}</hash>`;
    const text = `<metalink version="3.0" xmlns="http://www.metalinker.org/"><publisher><url>http://download.opensuse.org</url></publisher>
<files><file name="repomd.xml"><size>9</size>${hash('md5', 'a', 32)}${hash('sha-1', 'b', 40)}${hash('sha-256', 'c', 64)}
<pieces length="5" type="sha-1"><hash>${'d'.repeat(40)}</hash></pieces><resources>
<url type="https" location="DE" preference="99">https://mirror.example/leap/repodata/repomd.xml</url></resources></file></files></metalink>`;
    expect(parseMetalink(Buffer.from(text), 'test')).toEqual({
      urls: ['https://mirror.example/leap'],
      roots: [{ digest: `sha256:${'c'.repeat(64)}`, sizeBytes: 9 }],
    });
  });

  it('are read as far as they can be: sizes, times, preferences and addresses that are none', () => {
    expect(metalinkOf('metalink_bad_01')).toEqual({
      urls: ['http://mirror.pnl.gov/fedora/linux/releases/17/Everything/x86_64/os'],
      roots: [{ digest: 'sha256:0076c44aabd352da878d5c4d794901ac87f66afac869488f6a4ef166de018cdf' }],
    });
  });

  it.each([
    ['vouches by MD5 alone', 'metalink_bad_02'],
    ['vouches for nothing', 'metalink_good_02'],
    ['says nothing', 'metalink_good_03'],
    ['is about other files', 'metalink_really_bad_01'],
    ['ends in the middle', 'metalink_really_bad_02'],
    ['is empty', 'metalink_really_bad_03'],
  ])('are refused when one %s', async (_what, name) => {
    const address = 'https://lists.example/metalink?repo=linux';
    await using ctx = fakeContext({ archives: [memoryArchive({ [address]: readFileSync(join(FIXTURES, 'metalinks', name)) })] });
    await expect(readMirrors(repository({ metalink: address }), ctx)).rejects.toMatchObject({ code: 'ICT_RPM_MIRRORS_INVALID' });
  });
});

describe('lists of mirrors', () => {
  const address = 'https://lists.example/list';
  const read = async (text: string, options: Partial<RepositorySpec> = {}) => {
    await using ctx = fakeContext({ archives: [memoryArchive({ [address]: text })] });
    return await readMirrors(repository({ mirrorlist: address, ...options }), ctx);
  };

  it('have an address a line', async () => {
    const text = '# linux\r\nhttps://a.example/linux/\nrsync://b.example/linux\n\n  http://c.example/linux \nhttp://d.example/#x\n';
    expect(await read(text)).toEqual({ urls: ['https://a.example/linux', 'http://c.example/linux'] });
  });

  it.each(['', '<html>no such repository</html>', 'ftp://a.example/linux\n'])('are refused without any: %j', async (text) => {
    await expect(read(text)).rejects.toMatchObject({ code: 'ICT_RPM_MIRRORS_INVALID' });
  });

  it('are not named together with a metalink, and not asked for when there is none', async () => {
    await expect(read('http://a.example\n', { metalink: address })).rejects.toMatchObject({ code: 'ICT_RPM_MIRRORS_INVALID' });
    await using ctx = fakeContext();
    expect(await readMirrors(repository({}), ctx)).toBeUndefined();
  });
});

describe('a repository with mirrors', () => {
  const workshop = new RpmWorkshop();
  const servers: ArchiveServer[] = [];
  let near: ArchiveServer;
  let far: ArchiveServer;
  let lists: ArchiveServer;
  let old: string;
  const put = (name: string, text: string) => writeFileSync(join(workshop.directory, name), text);
  const serve = async (directory: string) => {
    servers.push(await serveArchive(directory));
    return servers.at(-1)!;
  };

  beforeAll(async () => {
    const first = workshop.build({ name: 'first' });
    const root = workshop.repository('near', [first], undefined, ['--revision', '1700000000']);
    old = workshop.repository('old', [first], undefined, ['--revision', '1600000000']);
    cpSync(root, join(workshop.directory, 'far'), { recursive: true });
    [near, far, lists] = await Promise.all([serve(root), serve(join(workshop.directory, 'far')), serve(workshop.directory)]);
  });
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.close()));
    workshop.close();
  });

  const hashes = async (...roots: string[]) => {
    const found = await Promise.all(roots.map((root) => hashFile(join(root, 'repodata/repomd.xml'))));
    return found.map(
      ({ digest, sizeBytes }) =>
        `<size>${sizeBytes}</size><verification><hash type="sha256">${digest.slice('sha256:'.length)}</hash></verification>`,
    );
  };
  const metalink = (present: string, alternate: string | undefined, mirrors: readonly ArchiveServer[]) =>
    `<metalink version="3.0"><files><file name="repomd.xml">${present}${alternate === undefined ? '' : `<alternates><alternate>${alternate}</alternate></alternates>`}
<resources>${mirrors.map(({ url }, at) => `<url protocol="http" preference="${100 - at}">${url}/repodata/repomd.xml</url>`).join('')}</resources></file></files></metalink>`;

  /** What the engine does: reads the list, and pins through one mirror after the other. */
  function open(options: Partial<FetcherOptions> = {}) {
    const ctx = fakeContext();
    const fetcher: MirroredFetcher = createFetcher({
      directory: join(ctx.temporary, 'fetch'),
      temporary: join(ctx.temporary, 'files'),
      emit: ctx.emit,
      env: {},
      retry: { retries: 0 },
      ...options,
    });
    onTestFinished(async () => {
      await fetcher.close();
      await ctx[Symbol.asyncDispose]();
    });
    const work: Context = { ...ctx, fetch: fetcher };
    const metadata = createMetadataSource();
    const pin = async (spec: RepositorySpec): Promise<Snapshot> => {
      const list = await metadata.mirrors!(spec, work);
      fetcher.offerMirrors(spec.archive, list!.urls);
      return fetcher.chooseMirror(spec.archive, () => metadata.snapshot(spec, 'x86_64', work, list));
    };
    const warnings = () => ctx.events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
    return { ctx: work, pin, warnings };
  }

  it('is read from the first that serves what the metalink vouches for', async () => {
    const [present, past] = await hashes(join(workshop.directory, 'near'), old);
    const stale = await serve(old);
    put('metalink', metalink(present!, undefined, [stale, near, far]));
    const { ctx, pin, warnings } = open();
    const pinned = await pin(repository({ metalink: `${lists.url}/metalink` }));
    expect(pinned.root.dateSeconds).toBe(1_700_000_000);
    expect(warnings()).toMatchObject([expect.stringMatching(/^The mirror http:.* is passed over: .* is none that its metalink lists$/)]);
    expect((await loadPackages(pinned, ctx)).count).toBe(1);
    expect(stale.requests.map((line) => line.split(' ')[1])).toEqual(['/repodata/repomd.xml']);
    // An earlier state counts where the metalink says so.
    put('metalink-of-both', metalink(present!, past, [stale, near]));
    expect((await open().pin(repository({ metalink: `${lists.url}/metalink-of-both` }))).root.dateSeconds).toBe(1_600_000_000);
  });

  it('is refused when no mirror serves what the metalink vouches for, and each is named', async () => {
    const [past] = await hashes(old);
    put('metalink-of-old', metalink(past!, undefined, [near, far]));
    await expect(open().pin(repository({ metalink: `${lists.url}/metalink-of-old` }))).rejects.toMatchObject({
      code: 'ICT_RPM_REPOMD_UNLISTED',
      facts: {
        mirrors: [
          { url: `${near.url}/`, code: 'ICT_RPM_REPOMD_UNLISTED' },
          { url: `${far.url}/`, code: 'ICT_RPM_REPOMD_UNLISTED' },
          { url: archive },
        ],
      },
    });
  });

  it('is refused when it is older than before, and read from a mirror that is not', async () => {
    const stale = await serve(old);
    put('both', `${near.url}\n`);
    put('stale', `${stale.url}\n`);
    put('stale-first', `${stale.url}\n${near.url}\n`);
    const { pin } = open();
    await pin(repository({ mirrorlist: `${lists.url}/both` }));
    const other = open();
    await other.ctx.memo.set('rpm.newest', { archive }, 1_700_000_000);
    await expect(other.pin(repository({ mirrorlist: `${lists.url}/stale` }))).rejects.toMatchObject({ code: 'ICT_RPM_REPOMD_ROLLBACK' });
    expect((await other.pin(repository({ mirrorlist: `${lists.url}/stale-first` }))).root.dateSeconds).toBe(1_700_000_000);
  });

  it.each(['not-found', 'server-error', 'stall', 'close-early', 'corrupt', 'truncate', 'redirect-circle'] as const)(
    'gets its metadata from another when one fails: %s',
    async (does) => {
      put('list', `${near.url}\n${far.url}\n`);
      near.misbehave([{ path: 'primary', does }]);
      onTestFinished(() => near.misbehave([]));
      const { ctx, pin, warnings } = open({ timeouts: { connectMs: 300, headersMs: 300, bodyMs: 300 } });
      const pinned = await pin(repository({ mirrorlist: `${lists.url}/list` }));
      expect((await loadPackages(pinned, ctx)).count).toBe(1);
      expect(warnings()).toEqual([expect.stringContaining(`The mirror ${near.url}/ of ${archive} is passed over`)]);
    },
  );

  it('is pinned offline as it was last, from what is kept', async () => {
    const [present] = await hashes(join(workshop.directory, 'near'));
    put('kept', metalink(present!, undefined, [near]));
    const spec = repository({ metalink: `${lists.url}/kept` });
    const online = open();
    const pinned = await online.pin(spec);
    const directory = join(online.ctx.temporary, 'fetch');
    const asked = near.requests.length;
    expect(await open({ directory, offline: true }).pin(spec)).toEqual(pinned);
    expect(near.requests).toHaveLength(asked);
    for (const name of readdirSync(join(directory, 'answers'))) rmSync(join(directory, 'answers', name));
    await expect(open({ directory, offline: true }).pin(spec)).rejects.toMatchObject({ code: 'ICT_FETCH_OFFLINE' });
  });
});
