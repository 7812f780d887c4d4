import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { digestOf } from '@ict/integrity';
import { bench, big, digest, maxBytes, server, useLoopback, type Handler } from './loopback.js';

useLoopback();

/** Answers Range requests as a good server does; `cut` ends an answer early. */
function ranged(content: Buffer, cut: (count: number) => number, etag = '"v1"'): Handler {
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
    ['tag', { etag: '"v1"' }, { etag: '"v2"' }],
    ['date', { 'last-modified': new Date(0).toUTCString() }, { 'last-modified': new Date(1000).toUTCString() }],
  ])('starts again when a server sends the rest of a file of another %s', async (_name, before, after) => {
    const newer = Buffer.alloc(big.length, 'newer ');
    server.on('/a', (_request, response, count) => {
      if (count === 1) {
        response.writeHead(200, { ...before, 'content-length': big.length });
        response.write(big.subarray(0, 1000), () => response.destroy());
      } else if (count === 2) {
        response.writeHead(206, { ...after, 'content-range': `bytes 1000-${newer.length - 1}/${newer.length}` });
        response.end(newer.subarray(1000));
      } else response.writeHead(200, after).end(newer);
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
    expect(bench.retries()).toBeGreaterThan(2);
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
    expect(bench.left('partial')).toHaveLength(1);

    const fetched = await bench.open().fetch({ url: `${server.origin}/a`, maxBytes, expect: expected });
    expect(digest(readFileSync(fetched.file))).toBe(digest(big));
    expect(server.seen[1]?.headers.range).toMatch(/^bytes=\d{5,6}-$/);
    expect(bench.left('partial')).toEqual([]);
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
    expect(bench.left('partial')).toHaveLength(1);
    const fetcher = bench.open();
    const [one, two] = await Promise.all([1, 2].map(() => fetcher.fetch({ url: `${server.origin}/a`, maxBytes, expect: expected })));
    expect(one?.file).not.toBe(two?.file);
    for (const fetched of [one, two]) expect(digest(readFileSync(fetched?.file ?? ''))).toBe(digest(big));
  });
});
