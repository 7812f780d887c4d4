import { once } from 'node:events';
import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as listen, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileStateOf } from '@ict/integrity';
import { describe, expect, it } from 'vitest';
import { bench, big, digest, maxBytes, server, useLoopback } from './loopback.js';

useLoopback();

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
      state: fileStateOf(statSync(fetched.file, { bigint: true })),
    });
    expect(digest(readFileSync(fetched.file))).toBe(digest(big));
    expect(fetched.file.startsWith(join(bench.root, 'temporary'))).toBe(true);
    expect(bench.left('partial')).toEqual([]);
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
    expect(bench.left('partial')).toEqual([]);
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
    expect(bench.left('partial')).toEqual([]);
  });

  it.each([undefined, Number.NaN, -1])('no bound, such as %s, is a mistake of who asks, and nothing is fetched', async (bound) => {
    const asked = bench.open().fetch({ url: `${server.origin}/a`, maxBytes: bound as number });
    await expect(asked).rejects.toThrow(`maxBytes is ${String(bound)}, not a number of bytes`);
    expect(server.seen).toEqual([]);
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
    expect(bench.retries()).toBe(3);
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
    expect(bench.retries()).toBe(1);
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
    expect(bench.left('partial')).toEqual([]);
  });

  it('is accepted when the second answer is right', async () => {
    server.on('/a', (_request, response, count) => response.end(count === 1 ? 'stale' : 'fresh'));
    expect((await bench.open().fetch({ url: `${server.origin}/a`, maxBytes, expect: { digest: digest('fresh') } })).sizeBytes).toBe(5);
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
    expect(bench.left('partial')).toHaveLength(1);
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

describe('where nothing can be kept', () => {
  it.each([
    ['a file', (path: string) => writeFileSync(path, 'a file')],
    ['a link to itself', (path: string) => symlinkSync(path, path)],
  ])('files are fetched all the same, with one warning (%s)', async (_what, put) => {
    mkdirSync(join(bench.root, 'cache'));
    put(join(bench.root, 'cache/partial'));
    server.on('/a', (_request, response) => response.end(big));
    const fetcher = bench.open();
    for (let time = 0; time < 2; time++) {
      const { file } = await fetcher.fetch({ url: `${server.origin}/a`, maxBytes, expect: { digest: digest(big) } });
      expect(readFileSync(file)).toEqual(big);
    }
    expect(bench.events.flatMap((event) => (event.type === 'warning' ? [event.code] : []))).toEqual(['ICT_FETCH_NOT_KEPT']);
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

  it.each([
    ['a server', 'https_proxy', (port: number) => ['', `https://127.0.0.1:${port}/x`]],
    ['a proxy of http', 'http_proxy', (port: number) => [`https://127.0.0.1:${port}`, 'http://archive.invalid/x']],
    ['a proxy of https', 'https_proxy', (port: number) => [`https://127.0.0.1:${port}`, 'https://archive.invalid/x']],
  ] as const)('over TLS nothing but HTTP/1.1 is offered to %s', async (_, variable, at) => {
    // RFC 7301, 3.1: the extension, and the list of one protocol in it.
    const offer = Buffer.from('\x00\x10\x00\x0b\x00\x09\x08http/1.1', 'latin1');
    const offered: boolean[] = [];
    const listener = listen((socket) => {
      socket.once('data', (hello) => {
        offered.push(hello.includes(offer));
        socket.destroy();
      });
    }).listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const [proxy, url] = at((listener.address() as AddressInfo).port);
    const fetcher = bench.open({ env: { [variable]: proxy }, retry: { retries: 0 } });
    await expect(fetcher.fetch({ url, maxBytes })).rejects.toMatchObject({ code: 'ICT_FETCH_CONNECTION' });
    listener.close();
    expect(new Set(offered)).toEqual(new Set([true]));
  });

  it('change nothing about how long a server may be silent', async () => {
    server.on('http://archive.invalid/x', () => undefined);
    const fetcher = bench.open({ env: { http_proxy: server.origin }, timeouts: { headersMs: 100 }, retry: { retries: 0 } });
    await expect(fetcher.fetch({ url: 'http://archive.invalid/x', maxBytes })).rejects.toMatchObject({ code: 'ICT_FETCH_STALLED' });
  });

  it('get no more connections at a time than a server', async () => {
    let most = 0;
    const waiting: (() => void)[] = [];
    const urls = Array.from({ length: 6 }, (_, index) => `http://archive.invalid/${index}`);
    /** Answers what has come by the time that another one could have come, too. */
    const answer = async (): Promise<void> => {
      for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate);
      for (const end of waiting.splice(0)) end();
    };
    for (const url of urls) {
      server.on(url, (_request, response) => {
        most = Math.max(
          most,
          waiting.push(() => response.end(url)),
        );
        if (waiting.length === 2) void answer();
      });
    }
    const fetcher = bench.open({ env: { http_proxy: server.origin }, concurrency: 2 });
    await Promise.all(urls.map((url) => fetcher.fetch({ url, maxBytes })));
    expect(most).toBe(2);
  });

  it.each(['ftp://p.example', 'me:SECRET@p.example:99999'])('that have no address are refused: %s', async (address) => {
    const fetcher = bench.open({ env: { http_proxy: address } });
    const refused = fetcher.fetch({ url: 'http://archive.invalid/x', maxBytes });
    await expect(refused).rejects.toMatchObject({ code: 'ICT_FETCH_ADDRESS', message: expect.not.stringContaining('SECRET') as string });
    await fetcher.close();
  });
});
