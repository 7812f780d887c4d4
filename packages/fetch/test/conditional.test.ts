import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { bench, digest, maxBytes, server, useLoopback, type Bench } from './loopback.js';

useLoopback();

describe('conditional requests', () => {
  const body = 'Origin: Debian';
  const etag = '"e"';

  beforeEach(() => {
    server.on('/InRelease', (request, response) => {
      if (request.headers['if-none-match'] === etag) response.writeHead(304, { etag }).end();
      else response.writeHead(200, { etag, 'last-modified': new Date(0).toUTCString() }).end(body);
    });
  });
  const ask = (options: Parameters<Bench['open']>[0] = {}) =>
    bench.open(options).fetch({ url: `${server.origin}/InRelease`, maxBytes, conditional: true });

  it('reuse the stored body when nothing changed', async () => {
    const first = await ask();
    const second = await ask();
    expect(second).toEqual({ ...first, state: undefined, file: second.file, fromCache: true });
    expect(second.file).not.toBe(first.file);
    expect(readFileSync(second.file, 'utf8')).toBe(body);
    expect(server.seen[1]?.headers).toMatchObject({ 'if-none-match': etag, 'if-modified-since': new Date(0).toUTCString() });
    expect(bench.left('partial')).toEqual([]);
  });

  it('ask for all of it when the stored body is damaged or gone', async () => {
    await ask();
    const [stored] = bench.left('answers').filter((name) => name.endsWith('.body'));
    writeFileSync(join(bench.root, 'cache/answers', stored ?? ''), 'damaged');
    expect(await ask()).toMatchObject({ fromCache: false, digest: digest(body) });
    expect(server.seen.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, etag, undefined]);
    expect(await ask()).toMatchObject({ fromCache: true });
  });

  it('are written once while they stay the same, also where a server knows no validators', async () => {
    server.on('/InRelease', (_request, response) => response.writeHead(200).end(body));
    const places = () => bench.left('answers').map((name) => [name, statSync(join(bench.root, 'cache/answers', name)).ino]);
    await ask();
    const before = places();
    expect(await ask()).toMatchObject({ fromCache: false, digest: digest(body) });
    expect(places()).toEqual(before);
    const [stored] = bench.left('answers').filter((name) => name.endsWith('.body'));
    rmSync(join(bench.root, 'cache/answers', stored ?? ''));
    await ask();
    expect(places().map(([name]) => name)).toEqual(before.map(([name]) => name));
  });

  it('replace the stored body when it changed', async () => {
    await ask();
    server.on('/InRelease', (_request, response) => response.writeHead(200, { etag: '"f"' }).end('newer'));
    expect(await ask()).toMatchObject({ fromCache: false, digest: digest('newer') });
    expect(bench.left('answers')).toHaveLength(2);
  });

  it('send no validator of one mirror to another', async () => {
    const archive = 'http://ftp.debian.org/debian';
    const mirrors = new Map([
      [
        archive,
        [
          { url: `${server.origin}/one`, source: 'config' as const },
          { url: `${server.origin}/two`, source: 'config' as const },
        ],
      ],
    ]);
    for (const name of ['one', 'two']) server.on(`/${name}/x`, (_request, response) => response.writeHead(200, { etag }).end(name));
    const fetcher = bench.open({ mirrors });
    await fetcher.fetch({ url: `${archive}/x`, maxBytes, conditional: true });
    fetcher.useMirror(archive, `${server.origin}/two`);
    expect(await fetcher.fetch({ url: `${archive}/x`, maxBytes, conditional: true })).toMatchObject({
      digest: digest('two'),
      url: `${server.origin}/two/x`,
    });
    expect(server.seen.at(-1)?.headers['if-none-match']).toBeUndefined();
  });

  it('are answered offline from what is stored, within the request’s bounds', async () => {
    await ask();
    expect(await ask({ offline: true })).toMatchObject({ fromCache: true, digest: digest(body) });
    const fetcher = bench.open({ offline: true });
    for (const more of [{ maxBytes: 3 }, { maxBytes, expect: { sizeBytes: 1 } }, { maxBytes, expect: { digest: digest('') } }]) {
      await expect(fetcher.fetch({ url: `${server.origin}/InRelease`, conditional: true, ...more })).rejects.toMatchObject({
        code: 'ICT_FETCH_OFFLINE',
      });
    }
    expect(server.seen).toHaveLength(1);
  });

  describe('of a directory that is only read', () => {
    /** What another process stored, in the `cache` of the bench; the fetcher itself keeps nothing there. */
    const borrow = (options: Parameters<Bench['open']>[0] = {}) =>
      ask({ directory: join(bench.root, 'own'), readOnlyDirectories: [join(bench.root, 'cache')], ...options });
    const names = () => bench.left('answers').map((name) => [name, readFileSync(join(bench.root, 'cache/answers', name), 'utf8')]);

    it('are answered from there, and nothing is written there', async () => {
      await ask();
      const before = names();
      expect(await borrow()).toMatchObject({ fromCache: true, digest: digest(body) });
      expect(await borrow({ offline: true })).toMatchObject({ fromCache: true, digest: digest(body) });
      expect(server.seen).toHaveLength(2);
      expect(names()).toEqual(before);
    });

    it('are answered by the own directory first', async () => {
      await ask();
      server.on('/InRelease', (_request, response) => response.writeHead(200, { etag: '"f"' }).end('newer'));
      expect(await borrow()).toMatchObject({ fromCache: false, digest: digest('newer') });
      expect(await borrow({ offline: true })).toMatchObject({ digest: digest('newer') });
    });

    it.each(['damaged', 'unreadable'])('are asked again where the body is %s, which stays as it is', async (how) => {
      await ask();
      const [stored] = bench.left('answers').filter((name) => name.endsWith('.body'));
      const file = join(bench.root, 'cache/answers', stored ?? '');
      rmSync(file);
      if (how === 'damaged') writeFileSync(file, how);
      else symlinkSync(file, file); // ELOOP, for root as well
      expect(await borrow()).toMatchObject({ fromCache: false, digest: digest(body) });
      expect(bench.left('answers')).toContain(stored);
    });
  });

  it('are answered though the answer cannot be kept, which one warning says', async () => {
    mkdirSync(join(bench.root, 'cache'));
    writeFileSync(join(bench.root, 'cache/answers'), 'a file');
    const fetcher = bench.open();
    for (let time = 0; time < 2; time++) {
      const got = await fetcher.fetch({ url: `${server.origin}/InRelease`, maxBytes, conditional: true });
      expect(readFileSync(got.file, 'utf8')).toBe(body);
    }
    const warned = bench.events.flatMap((event) => (event.type === 'warning' ? [event.code] : []));
    expect(warned).toEqual(['ICT_FETCH_NOT_KEPT']);
  });

  describe.each(['.body', '.json'])('in the place of whose %s something else lies', (ending) => {
    it.each<[string, (path: string) => unknown]>([
      ['a directory', (path) => mkdirSync(join(path, 'in'), { recursive: true })],
      ['a FIFO', (path) => execFileSync('mkfifo', [path])],
      ['a link to a device that never ends', (path) => symlinkSync('/dev/zero', path)],
      ['a link to itself', (path) => symlinkSync(path, path)],
      ['a link to nothing', (path) => symlinkSync(`${path}.gone`, path)],
    ])('(%s) are asked for again, once, and kept in its place', async (_what, put) => {
      await ask();
      const [stored] = bench.left('answers').filter((name) => name.endsWith(ending));
      const path = join(bench.root, 'cache/answers', stored ?? '');
      rmSync(path);
      put(path);
      expect(await ask()).toMatchObject({ fromCache: false, digest: digest(body) });
      expect(lstatSync(path).isFile()).toBe(true);
      expect(await ask()).toMatchObject({ fromCache: true, digest: digest(body) });
      expect(bench.events.filter(({ type }) => type === 'warning')).toEqual([]);
      expect(bench.left('answers')).toHaveLength(2);
    });
  });

  describe('of which a killed process left something', () => {
    const answer = (ending: string): string => bench.left('answers').find((name) => name.endsWith(ending)) as string;
    const put = (name: string, daysAgo: number): void => {
      const path = join(bench.root, 'cache/answers', name);
      const time = Date.now() / 1000 - daysAgo * 86_400;
      writeFileSync(path, 'a part');
      utimesSync(path, time, time);
    };
    const another = async (): Promise<unknown> => {
      server.on('/other', (_request, response) => response.writeHead(200).end('other'));
      return bench.open().fetch({ url: `${server.origin}/other`, maxBytes, conditional: true });
    };

    it('clear it after a week', async () => {
      await ask();
      const [key = ''] = answer('.json').split('.');
      const nobodys = `${'0'.repeat(40)}.${'1'.repeat(32)}.body`;
      const left = [`${key}.0123456789ab.tmp`, `${key}.0123456789ab.tmp.json`, `${key}.${'0'.repeat(32)}.body`, nobodys];
      const before = bench.left('answers');
      for (const name of left) put(name, 8);
      await another();
      expect(bench.left('answers')).toHaveLength(before.length + 2);
      expect(bench.left('answers')).toEqual(expect.arrayContaining(before));
    });

    it('leave what is recent, or none of theirs', async () => {
      await ask();
      const [key = ''] = answer('.json').split('.');
      const recent = [`${key}.0123456789ab.tmp`, `${key}.${'0'.repeat(32)}.body`];
      for (const name of recent) put(name, 6);
      put('notes.txt', 8);
      await another();
      expect(bench.left('answers')).toEqual(expect.arrayContaining([...recent, 'notes.txt']));
    });
  });

  it('survive a damaged record', async () => {
    await ask();
    const [record] = bench.left('answers').filter((name) => name.endsWith('.json'));
    for (const text of ['{', '{"digest":"md5:1"}', 'null']) {
      writeFileSync(join(bench.root, 'cache/answers', record ?? ''), text);
      expect(await ask()).toMatchObject({ fromCache: false });
    }
  });
});
