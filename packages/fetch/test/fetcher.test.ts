import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '@ict/integrity';
import { digest, makeBench, startLoopback, type Bench, type Loopback } from './loopback.js';

let server: Loopback;
let bench: Bench;
beforeEach(async () => {
  server = await startLoopback();
  bench = makeBench();
});
afterEach(async () => {
  await bench.close();
  await server.close();
});

const big = Buffer.alloc(300_000, 'Debian package ');
const maxBytes = 1_000_000;
const left = (directory: string): string[] =>
  readdirSync(join(bench.root, 'cache', directory), { withFileTypes: true }).map(({ name }) => name);
const retries = (): number => bench.events.filter(({ type }) => type === 'fetch.retry').length;

describe('a plain download', () => {
  it('arrives whole, with its digest, outside the partial directory', async () => {
    server.on('/a', (_request, response) => response.end(big));
    const fetched = await bench.open().fetch({ url: `${server.origin}/a`, maxBytes, progress: true });
    expect(fetched).toEqual({
      file: fetched.file,
      digest: digest(big),
      sizeBytes: big.length,
      fromCache: false,
      url: `${server.origin}/a`,
    });
    expect(digest(readFileSync(fetched.file))).toBe(digest(big));
    expect(fetched.file.startsWith(join(bench.root, 'temporary'))).toBe(true);
    expect(left('partial')).toEqual([]);
    expect(bench.events.at(-1)).toMatchObject({ type: 'fetch.done', sizeBytes: big.length });
    expect(bench.events).toContainEqual({
      type: 'fetch.progress',
      url: `${server.origin}/a`,
      receivedBytes: big.length,
      totalBytes: big.length,
    });
    expect(server.seen[0]?.headers['accept-encoding']).toBe('identity');
  });

  it('emits no progress that nobody asked for', async () => {
    server.on('/a', (_request, response) => response.end(big));
    await bench.open().fetch({ url: `${server.origin}/a`, maxBytes });
    expect(bench.events.map(({ type }) => type)).toEqual(['fetch.done']);
  });

  it('arrives slowly, byte by byte', async () => {
    server.on('/slow', (_request, response) => {
      response.writeHead(200);
      let sent = 0;
      const next = (): void => {
        if (sent === 40) response.end();
        else response.write(String.fromCharCode(65 + (sent++ % 26)), () => setImmediate(next));
      };
      next();
    });
    expect((await bench.open().fetch({ url: `${server.origin}/slow`, maxBytes })).sizeBytes).toBe(40);
  });

  it('accepts an empty file', async () => {
    server.on('/empty', (_request, response) => response.end());
    expect(
      await bench.open().fetch({ url: `${server.origin}/empty`, maxBytes: 0, expect: { digest: digest(''), sizeBytes: 0 } }),
    ).toMatchObject({ sizeBytes: 0 });
  });

  it('opens no more connections to an origin than allowed', async () => {
    const waiting: (() => void)[] = [];
    let most = 0;
    for (let index = 0; index < 12; index += 1) {
      server.on(`/${index}`, (_request, response) => {
        most = Math.max(
          most,
          waiting.push(() => response.end('x')),
        );
        if (waiting.length === 3) setImmediate(() => waiting.splice(0).forEach((answer) => answer()));
      });
    }
    const fetcher = bench.open({ concurrency: 3 });
    await Promise.all(Array.from({ length: 12 }, (_, index) => fetcher.fetch({ url: `${server.origin}/${index}`, maxBytes })));
    expect(most).toBe(3);
  });
});

describe('answers that are final', () => {
  it.each([
    [404, 'ICT_FETCH_NOT_FOUND', 'network'],
    [410, 'ICT_FETCH_NOT_FOUND', 'network'],
    [400, 'ICT_FETCH_STATUS', 'network'],
    [401, 'ICT_FETCH_STATUS', 'network'],
    [403, 'ICT_FETCH_STATUS', 'network'],
    [304, 'ICT_FETCH_STATUS', 'network'],
    [206, 'ICT_FETCH_STATUS', 'network'],
  ])('status %i is %s, at once', async (status, code, kind) => {
    server.on('/a', (_request, response) => response.writeHead(status).end());
    await expect(bench.open().fetch({ url: `${server.origin}/a`, maxBytes })).rejects.toMatchObject({ code, kind, facts: { status } });
    expect(server.seen).toHaveLength(1);
    expect(left('partial')).toEqual([]);
  });

  it.each([
    ['announced', true],
    ['not announced', false],
  ])('a body beyond the bound, %s', async (_name, announced) => {
    server.on('/a', (_request, response) => {
      if (announced) response.setHeader('content-length', big.length);
      response.write(big.subarray(0, 100_000));
      response.end(big.subarray(100_000));
    });
    const promise = bench.open().fetch({ url: `${server.origin}/a`, maxBytes: 1000 });
    await expect(promise).rejects.toMatchObject({ code: 'ICT_FETCH_TOO_LARGE', kind: 'integrity', facts: { maxBytes: 1000 } });
    expect(server.seen).toHaveLength(1);
    expect(left('partial')).toEqual([]);
  });

  it.each([['ftp://ftp.debian.org/debian'], ['not an address'], ['file://elsewhere/path']])('%s is no address', async (url) => {
    await expect(bench.open().fetch({ url, maxBytes })).rejects.toMatchObject({ code: 'ICT_FETCH_ADDRESS', kind: 'invalid' });
  });
});

describe('failures that may pass', () => {
  it.each([500, 502, 503, 504, 429, 408])('status %i is retried, with growing waits', async (status) => {
    server.on('/a', (_request, response, count) => (count < 4 ? response.writeHead(status).end() : response.end('ok')));
    expect((await bench.open().fetch({ url: `${server.origin}/a`, maxBytes })).sizeBytes).toBe(2);
    expect(bench.delays).toEqual([500, 1000, 2000]);
    expect(retries()).toBe(3);
  });

  it('and finally reported', async () => {
    server.on('/a', (_request, response) => response.writeHead(500).end());
    await expect(bench.open({ retry: { retries: 2 } }).fetch({ url: `${server.origin}/a`, maxBytes })).rejects.toMatchObject({
      code: 'ICT_FETCH_STATUS',
      facts: { status: 500 },
    });
    expect(server.seen).toHaveLength(3);
  });

  it('waits as long as the server asks, within bounds', async () => {
    server.on('/a', (_request, response, count) => {
      if (count < 3) response.writeHead(503, { 'retry-after': count === 1 ? '7' : '86400' }).end();
      else response.end('ok');
    });
    await bench.open().fetch({ url: `${server.origin}/a`, maxBytes });
    expect(bench.delays).toEqual([7000, 20_000]);
  });

  it('nobody listens', async () => {
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    await expect(bench.open({ retry: { retries: 1 } }).fetch({ url: `http://127.0.0.1:${port}/a`, maxBytes })).rejects.toMatchObject({
      code: 'ICT_FETCH_CONNECTION',
      kind: 'network',
      facts: { reason: 'ECONNREFUSED' },
    });
    expect(retries()).toBe(1);
  });

  it.each([
    ['before the headers', false],
    ['within the body', true],
  ])('the server stalls %s', async (_name, headers) => {
    server.on('/a', (_request, response) => {
      if (headers) response.writeHead(200, { 'content-length': '10' }).write('abc');
    });
    const fetcher = bench.open({ retry: { retries: 1 }, timeouts: { headersMs: 50, bodyMs: 50 } });
    await expect(fetcher.fetch({ url: `${server.origin}/a`, maxBytes })).rejects.toMatchObject({
      code: 'ICT_FETCH_STALLED',
      kind: 'network',
    });
    expect(server.seen).toHaveLength(2);
  });

  it.each([
    ['with a length', true],
    ['in chunks', false],
  ])('the connection closes early, %s', async (_name, announced) => {
    server.on('/a', (_request, response) => {
      if (announced) response.setHeader('content-length', big.length);
      response.write(big.subarray(0, 1000), () => response.destroy());
    });
    await expect(bench.open({ retry: { retries: 1 } }).fetch({ url: `${server.origin}/a`, maxBytes })).rejects.toMatchObject({
      code: 'ICT_FETCH_TRUNCATED',
      facts: { receivedBytes: 1000 },
    });
    expect(server.seen).toHaveLength(2);
  });

  it('a short body that announces nothing is known by its expected size', async () => {
    server.on('/a', (_request, response) => {
      response.useChunkedEncodingByDefault = false;
      response.end(big.subarray(0, 1000));
    });
    const promise = bench.open({ retry: { retries: 0 } }).fetch({ url: `${server.origin}/a`, maxBytes, expect: { sizeBytes: big.length } });
    await expect(promise).rejects.toMatchObject({ code: expect.stringMatching(/ICT_FETCH_(TRUNCATED|MISMATCH)/) as string });
  });
});

/** Answers Range requests as a good server does; `cut` ends an answer early. */
function ranged(content: Buffer, cut: (count: number) => number, etag = '"v1"'): Parameters<Loopback['on']>[1] {
  return (request, response, count) => {
    const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
    const matches = request.headers['if-range'] === undefined || request.headers['if-range'] === etag;
    const start = range !== null && matches ? Number(range[1]) : 0;
    const end = Math.min(content.length, start + cut(count));
    const status = range !== null && matches ? 206 : 200;
    response.writeHead(status, {
      etag,
      'content-length': content.length - start,
      ...(status === 206 ? { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` } : {}),
    });
    const piece = content.subarray(start, end);
    if (end === content.length) response.end(piece);
    else response.write(piece, () => response.destroy());
  };
}

describe('resuming', () => {
  it('goes on where the connection broke, if the file is still the same', async () => {
    server.on(
      '/a',
      ranged(big, () => 120_000),
    );
    const fetched = await bench.open().fetch({ url: `${server.origin}/a`, maxBytes });
    expect(digest(readFileSync(fetched.file))).toBe(digest(big));
    // What the connection's own buffer held when it broke is asked for again.
    const offsets = server.seen.map(({ headers }) => Number(/\d+/.exec(headers.range ?? '0')?.[0]));
    expect(offsets.length).toBeGreaterThan(2);
    expect(offsets).toEqual([...new Set(offsets)].sort((one, two) => one - two));
    expect(server.seen[1]?.headers['if-range']).toBe('"v1"');
  });

  it('starts again when the file changed meanwhile', async () => {
    const newer = Buffer.alloc(200_000, 'newer ');
    server.on('/a', (request, response, count) => {
      if (count === 1) ranged(big, () => 1000)(request, response, count);
      else ranged(newer, () => Infinity, '"v2"')(request, response, count);
    });
    const fetched = await bench.open().fetch({ url: `${server.origin}/a`, maxBytes });
    expect(digest(readFileSync(fetched.file))).toBe(digest(newer));
  });

  it.each([
    ['weak', { etag: 'W/"v1"' }],
    ['young', { 'last-modified': new Date(0).toUTCString(), date: new Date(30_000).toUTCString() }],
  ])('does not trust a %s validator without a digest', async (_name, headers) => {
    server.on('/a', (_request, response, count) => {
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
      response.setHeader('content-length', big.length);
      if (count === 1) response.write(big.subarray(0, 1000), () => response.destroy());
      else response.end(big);
    });
    const fetched = await bench.open().fetch({ url: `${server.origin}/a`, maxBytes });
    expect(fetched.digest).toBe(digest(big));
    expect(server.seen[1]?.headers.range).toBeUndefined();
  });

  it('copes with a server that ignores Range', async () => {
    server.on('/a', (_request, response, count) => {
      response.setHeader('content-length', big.length);
      if (count === 1) response.write(big.subarray(0, 1000), () => response.destroy());
      else response.end(big);
    });
    const fetched = await bench
      .open()
      .fetch({ url: `${server.origin}/a`, maxBytes, expect: { digest: digest(big), sizeBytes: big.length } });
    expect(digest(readFileSync(fetched.file))).toBe(digest(big));
    expect(server.seen[1]?.headers.range).toBe('bytes=1000-');
  });

  it.each([
    ['another range', { status: 206, headers: { 'content-range': 'bytes 5-299999/300000' } }],
    ['a range without its place', { status: 206, headers: {} }],
    ['416', { status: 416, headers: { 'content-range': 'bytes */300000' } }],
  ])('starts again when it is answered with %s', async (_name, wrong) => {
    server.on('/a', (request, response, count) => {
      if (count === 2) response.writeHead(wrong.status, wrong.headers).end('rubbish');
      else ranged(big, (number) => (number === 1 ? 1000 : Infinity))(request, response, count);
    });
    const fetched = await bench.open().fetch({ url: `${server.origin}/a`, maxBytes, expect: { digest: digest(big) } });
    expect(digest(readFileSync(fetched.file))).toBe(digest(big));
    expect(server.seen).toHaveLength(3);
  });

  it('an attempt that brings a mebibyte does not count as failed', async () => {
    const huge = Buffer.alloc(8 * 1024 * 1024, 'x');
    server.on(
      '/a',
      ranged(huge, () => 2 * 1024 * 1024),
    );
    const fetched = await bench.open({ retry: { retries: 0 } }).fetch({ url: `${server.origin}/a`, maxBytes: huge.length });
    expect(fetched.digest).toBe(digest(huge));
    expect(retries()).toBeGreaterThan(2);
  });

  it('is compared by SHA-512 where the repository says that', async () => {
    const strong = digestOf(big, 'sha512');
    server.on('/a', (request, response, count) => ranged(big, (number) => (number === 1 ? 1000 : Infinity))(request, response, count));
    const fetched = await bench.open().fetch({ url: `${server.origin}/a`, maxBytes, expect: { digest: strong } });
    expect(fetched).toMatchObject({ digest: strong, sizeBytes: big.length });
    expect(server.seen[1]?.headers.range).toBe('bytes=1000-');
    const request = { url: `${server.origin}/a`, maxBytes, expect: { digest: digestOf('other', 'sha512') } };
    await expect(bench.open().fetch(request)).rejects.toMatchObject({ code: 'ICT_FETCH_MISMATCH' });

    const file = join(bench.root, 'local');
    writeFileSync(file, big);
    const url = pathToFileURL(file).href;
    expect(await bench.open().fetch({ url, maxBytes, expect: { digest: strong } })).toMatchObject({ digest: strong });
    await expect(bench.open().fetch({ ...request, url })).rejects.toMatchObject({ code: 'ICT_FETCH_MISMATCH' });
  });

  it('goes on where a killed process stopped', async () => {
    server.on('/a', (request, response, count) => {
      if (count > 1) ranged(big, () => Infinity)(request, response, count);
      else response.writeHead(200, { 'content-length': big.length }).write(big.subarray(0, 150_000)); // and then nothing
    });
    const expected = { digest: digest(big), sizeBytes: big.length };
    const script = `
      import { existsSync, statSync, readdirSync } from 'node:fs';
      const { createFetcher } = await import(${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)});
      const directory = ${JSON.stringify(join(bench.root, 'cache'))};
      const fetcher = createFetcher({ directory, temporary: ${JSON.stringify(join(bench.root, 'other'))}, env: {} });
      void fetcher.fetch({ url: ${JSON.stringify(`${server.origin}/a`)}, maxBytes: ${maxBytes}, expect: ${JSON.stringify(expected)} });
      setInterval(() => {
        for (const name of existsSync(directory + '/partial') ? readdirSync(directory + '/partial') : []) {
          if (statSync(directory + '/partial/' + name).size >= 50000) process.kill(process.pid, 'SIGKILL');
        }
      }, 5);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' });
    const signal = await new Promise((resolve) => child.on('exit', (_code, name) => resolve(name)));
    expect(signal).toBe('SIGKILL');
    expect(left('partial')).toHaveLength(1);

    const fetched = await bench.open().fetch({ url: `${server.origin}/a`, maxBytes, expect: expected });
    expect(digest(readFileSync(fetched.file))).toBe(digest(big));
    expect(server.seen[1]?.headers.range).toMatch(/^bytes=\d{5,6}-$/);
    expect(left('partial')).toEqual([]);
  });

  it('goes on in a later run of the same process only from its own closed file, and leaves live ones alone', async () => {
    server.on(
      '/a',
      ranged(big, (count) => (count === 1 ? 1000 : Infinity)),
    );
    const expected = { digest: digest(big), sizeBytes: big.length };
    await expect(
      bench.open({ retry: { retries: 0 } }).fetch({ url: `${server.origin}/a`, maxBytes, expect: expected }),
    ).rejects.toMatchObject({
      code: 'ICT_FETCH_TRUNCATED',
    });
    expect(left('partial')).toHaveLength(1);
    const fetcher = bench.open();
    const [one, two] = await Promise.all([1, 2].map(() => fetcher.fetch({ url: `${server.origin}/a`, maxBytes, expect: expected })));
    expect(one?.file).not.toBe(two?.file);
    for (const fetched of [one, two]) expect(digest(readFileSync(fetched?.file ?? ''))).toBe(digest(big));
  });
});

describe('content that is not what was expected', () => {
  it.each([
    ['digest', { digest: digest(big) }],
    ['size, smaller', { sizeBytes: 4 }],
    ['size, larger', { sizeBytes: 6 }],
  ])('%s: asked for once more past caches, then an integrity error', async (_name, expected) => {
    server.on('/a', (_request, response) => response.end('wrong'));
    await expect(bench.open().fetch({ url: `${server.origin}/a`, maxBytes, expect: expected })).rejects.toMatchObject({
      code: 'ICT_FETCH_MISMATCH',
      kind: 'integrity',
      facts: { url: `${server.origin}/a`, expected: Object.values(expected)[0] },
    });
    expect(server.seen.map(({ headers }) => headers['cache-control'])).toEqual([undefined, 'no-cache']);
    expect(left('partial')).toEqual([]);
  });

  it('is accepted when the second answer is right', async () => {
    server.on('/a', (_request, response, count) => response.end(count === 1 ? 'stale' : 'fresh'));
    expect((await bench.open().fetch({ url: `${server.origin}/a`, maxBytes, expect: { digest: digest('fresh') } })).sizeBytes).toBe(5);
  });
});

describe('redirects', () => {
  it('are followed, and the asked address is named', async () => {
    server.on('/a', (_request, response) => response.writeHead(302, { location: '/b?token=s3cret' }).end('moved'));
    server.on('/b?token=s3cret', (_request, response) => response.end('ok'));
    expect(await bench.open().fetch({ url: `${server.origin}/a`, maxBytes })).toMatchObject({ sizeBytes: 2, url: `${server.origin}/a` });
  });

  it.each([
    ['in a loop', '/b'],
    ['to itself', '/a'],
    ['to another scheme', 'file:///etc/passwd'],
    ['nowhere', 'http://'],
  ])('%s are refused at once', async (_name, location) => {
    server.on('/a', (_request, response) => response.writeHead(301, { location }).end());
    server.on('/b', (_request, response) => response.writeHead(301, { location: '/a' }).end());
    await expect(bench.open().fetch({ url: `${server.origin}/a`, maxBytes })).rejects.toMatchObject({
      code: 'ICT_FETCH_REDIRECT',
      kind: 'network',
    });
    expect(retries()).toBe(0);
  });

  it('end after five', async () => {
    for (let index = 0; index < 9; index += 1) {
      server.on(`/${index}`, (_request, response) => response.writeHead(307, { location: `/${index + 1}` }).end());
    }
    await expect(bench.open().fetch({ url: `${server.origin}/0`, maxBytes })).rejects.toMatchObject({ code: 'ICT_FETCH_REDIRECT' });
    expect(server.seen).toHaveLength(6);
  });

  it('never take credentials to another origin', async () => {
    const other = await startLoopback();
    try {
      server.on('/a', (_request, response) => response.writeHead(302, { location: '/b' }).end());
      server.on('/b', (_request, response) =>
        response.writeHead(302, { location: `${other.origin.replace('http://', 'http://evil:evil@')}/c` }).end(),
      );
      other.on('/c', (_request, response) => response.writeHead(302, { location: `${server.origin}/d` }).end());
      server.on('/d', (_request, response) => response.end('ok'));
      const fetched = await bench.open().fetch({ url: `${server.origin.replace('http://', 'http://me:p%40ss@')}/a`, maxBytes });
      const basic = `Basic ${Buffer.from('me:p@ss').toString('base64')}`;
      expect(server.seen.map(({ headers }) => headers.authorization)).toEqual([basic, basic, basic]);
      expect(other.seen.map(({ headers }) => headers.authorization)).toEqual([undefined]);
      expect(JSON.stringify([fetched, bench.events])).not.toMatch(/p%40ss|p@ss/);
    } finally {
      await other.close();
    }
  });
});

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
    expect(second).toEqual({ ...first, file: second.file, fromCache: true });
    expect(second.file).not.toBe(first.file);
    expect(readFileSync(second.file, 'utf8')).toBe(body);
    expect(server.seen[1]?.headers).toMatchObject({ 'if-none-match': etag, 'if-modified-since': new Date(0).toUTCString() });
    expect(left('partial')).toEqual([]);
  });

  it('ask for all of it when the stored body is damaged or gone', async () => {
    await ask();
    const [stored] = left('answers').filter((name) => name.endsWith('.body'));
    writeFileSync(join(bench.root, 'cache/answers', stored ?? ''), 'damaged');
    expect(await ask()).toMatchObject({ fromCache: false, digest: digest(body) });
    expect(server.seen.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, etag, undefined]);
    expect(await ask()).toMatchObject({ fromCache: true });
  });

  it('are written once while they stay the same, also where a server knows no validators', async () => {
    server.on('/InRelease', (_request, response) => response.writeHead(200).end(body));
    const places = () => left('answers').map((name) => [name, statSync(join(bench.root, 'cache/answers', name)).ino]);
    await ask();
    const before = places();
    expect(await ask()).toMatchObject({ fromCache: false, digest: digest(body) });
    expect(places()).toEqual(before);
    const [stored] = left('answers').filter((name) => name.endsWith('.body'));
    rmSync(join(bench.root, 'cache/answers', stored ?? ''));
    await ask();
    expect(places().map(([name]) => name)).toEqual(before.map(([name]) => name));
  });

  it('replace the stored body when it changed', async () => {
    await ask();
    server.on('/InRelease', (_request, response) => response.writeHead(200, { etag: '"f"' }).end('newer'));
    expect(await ask()).toMatchObject({ fromCache: false, digest: digest('newer') });
    expect(left('answers')).toHaveLength(2);
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
    const names = () => left('answers').map((name) => [name, readFileSync(join(bench.root, 'cache/answers', name), 'utf8')]);

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
      const [stored] = left('answers').filter((name) => name.endsWith('.body'));
      const file = join(bench.root, 'cache/answers', stored ?? '');
      rmSync(file);
      if (how === 'damaged') writeFileSync(file, how);
      else symlinkSync(file, file); // ELOOP, for root as well
      expect(await borrow()).toMatchObject({ fromCache: false, digest: digest(body) });
      expect(left('answers')).toContain(stored);
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

  it('survive a damaged record', async () => {
    await ask();
    const [record] = left('answers').filter((name) => name.endsWith('.json'));
    for (const text of ['{', '{"digest":"md5:1"}', 'null']) {
      writeFileSync(join(bench.root, 'cache/answers', record ?? ''), text);
      expect(await ask()).toMatchObject({ fromCache: false });
    }
  });
});

describe('offline', () => {
  it('touches no network and says what is missing', async () => {
    const fetcher = bench.open({ offline: true });
    await expect(fetcher.fetch({ url: `${server.origin}/a`, maxBytes })).rejects.toMatchObject({
      code: 'ICT_FETCH_OFFLINE',
      kind: 'offline',
    });
    expect(server.seen).toEqual([]);
  });
});

describe('file addresses', () => {
  const write = (content: string): string => {
    const path = join(bench.root, 'a file');
    writeFileSync(path, content);
    return pathToFileURL(path).href;
  };

  it('are copied, online and offline', async () => {
    const url = write('hello');
    const fetched = await bench.open({ offline: true }).fetch({ url, maxBytes, expect: { digest: digest('hello'), sizeBytes: 5 } });
    expect(fetched).toMatchObject({ digest: digest('hello'), sizeBytes: 5, fromCache: false, url });
    expect(readFileSync(fetched.file, 'utf8')).toBe('hello');
    expect(statSync(join(bench.root, 'a file')).nlink).toBe(1);
  });

  it.each([
    ['too large', { maxBytes: 4 }, 'ICT_FETCH_TOO_LARGE'],
    ['another size', { maxBytes, expect: { sizeBytes: 4 } }, 'ICT_FETCH_MISMATCH'],
    ['another digest', { maxBytes, expect: { digest: digest('x') } }, 'ICT_FETCH_MISMATCH'],
  ])('%s', async (_name, request, code) => {
    await expect(bench.open().fetch({ url: write('hello'), ...request })).rejects.toMatchObject({ code });
    expect(readdirSync(join(bench.root, 'temporary'))).toEqual([]);
  });

  it('absent files and directories are not found', async () => {
    mkdirSync(join(bench.root, 'directory'));
    for (const name of ['absent', 'directory', 'directory/below']) {
      const url = pathToFileURL(join(bench.root, name)).href;
      await expect(bench.open().fetch({ url, maxBytes })).rejects.toMatchObject({ code: 'ICT_FETCH_NOT_FOUND' });
    }
  });
});

describe('ending', () => {
  it('stops with the signal’s reason and keeps what can be continued', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    server.on('/a', (_request, response) => {
      response.writeHead(200, { 'content-length': big.length }).write(big.subarray(0, 1000));
    });
    const fetcher = bench.open({
      signal: controller.signal,
      emit: ({ type }) => {
        if (type === 'fetch.progress') controller.abort(reason);
      },
    });
    await expect(fetcher.fetch({ url: `${server.origin}/a`, maxBytes, progress: true, expect: { digest: digest(big) } })).rejects.toBe(
      reason,
    );
    expect(left('partial')).toHaveLength(1);
    await expect(fetcher.fetch({ url: `${server.origin}/a`, maxBytes })).rejects.toBe(reason);
  });

  it('close ends what is running', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    server.on('/a', () => resolve());
    const fetcher = bench.open();
    const running = expect(fetcher.fetch({ url: `${server.origin}/a`, maxBytes })).rejects.toMatchObject({ code: 'ICT_FETCH_CLOSED' });
    await promise;
    await fetcher.close();
    await running;
  });
});

describe('a full disk', () => {
  it('is named, with what is needed', () => {
    // A file system of 256 KiB in a private mount namespace, so that nothing of it outlives the child.
    const content = join(bench.root, 'content');
    writeFileSync(content, Buffer.alloc(600_000, 'x'));
    const mount = join(bench.root, 'small');
    mkdirSync(mount);
    const script = `
      import { createServer } from 'node:http';
      import { readdirSync } from 'node:fs';
      const { createFetcher } = await import(${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)});
      const server = createServer((_request, response) => response.end(Buffer.alloc(600000, 'x'))).listen(0, '127.0.0.1', async () => {
        const results = [];
        for (const url of ['http://127.0.0.1:' + server.address().port + '/', ${JSON.stringify(pathToFileURL(content).href)}]) {
          const fetcher = createFetcher({ directory: ${JSON.stringify(mount)}, temporary: ${JSON.stringify(join(mount, 't'))}, env: {} });
          const error = await fetcher.fetch({ url, maxBytes: 1e6, expect: { sizeBytes: 600000 } }).catch((failure) => failure);
          results.push({ code: error.code, kind: error.kind, needed: error.facts?.neededBytes });
          await fetcher.close();
        }
        console.log(JSON.stringify({ results, left: readdirSync(${JSON.stringify(join(mount, 'partial'))}) }));
        server.close();
      });`;
    const command = `mount -t tmpfs -o size=256k tmpfs "$1" && exec "$2" --input-type=module -e "$3"`;
    const { stdout, stderr } = spawnSync('unshare', [
      '--user',
      '--map-root-user',
      '--mount',
      'sh',
      '-c',
      command,
      'sh',
      mount,
      process.execPath,
      script,
    ]);
    expect(stderr.toString()).toBe('');
    const full = { code: 'ICT_FETCH_DISK_FULL', kind: 'host', needed: 600_000 };
    expect(JSON.parse(stdout.toString())).toEqual({ results: [full, full], left: [] });
  });
});

describe('proxies', () => {
  it('are used when the environment names one, but not for hosts that it exempts', async () => {
    server.on('http://archive.invalid/x', (_request, response) => response.end('through the proxy'));
    server.on('/direct', (_request, response) => response.end('direct'));
    const fetcher = bench.open({ env: { http_proxy: server.origin, NO_PROXY: '127.0.0.1' } });
    expect((await fetcher.fetch({ url: 'http://archive.invalid/x', maxBytes })).digest).toBe(digest('through the proxy'));
    server.seen.length = 0;
    const direct = await fetcher.fetch({ url: `${server.origin}/direct`, maxBytes });
    expect(direct.digest).toBe(digest('direct'));
    expect(server.seen.map(({ path }) => path)).toEqual(['/direct']);
  });
});
