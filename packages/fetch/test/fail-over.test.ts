import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MirrorCandidate } from '../src/mirrors.js';
import { digest, makeBench, startLoopback, type Bench, type Handler, type Loopback } from './loopback.js';

const archive = 'http://archive.example/linux';
const body = 'the one package that all mirrors should have';
const expectIt = { digest: digest(body), sizeBytes: body.length };
const whole: Handler = (_request, response) => response.end(body);
const status =
  (code: number): Handler =>
  (_request, response) =>
    response.writeHead(code).end();

let bad: Loopback;
let good: Loopback;
let bench: Bench;

beforeEach(async () => {
  [bad, good] = await Promise.all([startLoopback(), startLoopback()]);
  bench = makeBench();
});
afterEach(async () => {
  await Promise.all([bad.close(), good.close(), bench.close()]);
});

const named = (...urls: string[]) => new Map([[archive, urls.map((url): MirrorCandidate => ({ url, source: 'config' }))]]);
const mirrors = () => [`${bad.origin}/m`, `${good.origin}/m`];
const open = (...urls: string[]) =>
  bench.open({ mirrors: named(...urls), timeouts: { connectMs: 200, headersMs: 200, bodyMs: 200 }, retry: { retries: 2 } });
const get = (fetcher: ReturnType<typeof open>, name = 'a.rpm') =>
  fetcher.fetch({ url: `${archive}/${name}`, maxBytes: 1000, expect: expectIt });
const warnings = () => bench.events.filter(({ type }) => type === 'warning');

describe('the next mirror is asked', () => {
  const failures: readonly (readonly [string, Handler])[] = [
    ['when one hangs up', (request) => request.socket.destroy()],
    ['when one lacks the file', status(404)],
    ['when one refuses', status(403)],
    ['when one is broken', status(503)],
    ['when one never answers', () => undefined],
    [
      'when one stops in the middle',
      (_request, response) => {
        response.writeHead(200, { 'content-length': body.length });
        response.write(body.slice(0, 7));
      },
    ],
    ['when one sends too little', (_request, response) => response.end(body.slice(1))],
    ['when one sends too much', (_request, response) => response.end(`${body}!`)],
    ['when one sends something else', (_request, response) => response.end(body.toUpperCase())],
    ['when one leads to nowhere', (_request, response) => response.writeHead(302, { location: 'ftp://x.example/' }).end()],
  ];
  it.each(failures)('%s, and that one comes last from then on', async (_what, handler) => {
    bad.on('/m/a.rpm', handler);
    for (const name of ['/m/a.rpm', '/m/b.rpm']) good.on(name, whole);
    const fetcher = open(...mirrors());
    expect(await get(fetcher)).toMatchObject({ digest: expectIt.digest, url: `${good.origin}/m/a.rpm` });
    expect(warnings()).toMatchObject([
      { code: 'ICT_FETCH_MIRROR_REFUSED', message: expect.stringContaining(`${bad.origin}/m of ${archive}`) as string },
    ]);
    expect(bench.left('partial')).toEqual([]);
    const asked = bad.seen.length;
    expect(await get(fetcher, 'b.rpm')).toMatchObject({ url: `${good.origin}/m/b.rpm` });
    expect(bad.seen).toHaveLength(asked);
    expect(warnings()).toHaveLength(1);
  });

  it('when one sends something else, which is asked once, and past caches only when none has the right one', async () => {
    bad.on('/m/a.rpm', (_request, response) => response.end(body.toUpperCase()));
    good.on('/m/a.rpm', whole);
    await get(open(...mirrors()));
    expect(bad.seen).toHaveLength(1);
    good.on('/m/b.rpm', status(404));
    bad.on('/m/b.rpm', (request, response, count) => {
      expect(request.headers['cache-control']).toBe(count === 1 ? undefined : 'no-cache');
      response.end(count === 1 ? body.toUpperCase() : body);
    });
    expect(await get(open(...mirrors()), 'b.rpm')).toMatchObject({ url: `${bad.origin}/m/b.rpm` });
    expect(bad.seen).toHaveLength(1 + 2);
  });

  it('when nobody listens at one', async () => {
    const { origin } = bad;
    await bad.close();
    good.on('/m/a.rpm', whole);
    expect(await get(open(`${origin}/m`, `${good.origin}/m`))).toMatchObject({ url: `${good.origin}/m/a.rpm` });
    expect(bench.delays).toEqual([]);
  });

  it('when a directory lacks the file, and the other way round', async () => {
    good.on('/m/a.rpm', whole);
    expect(await get(open(`file://${bench.root}`, `${good.origin}/m`))).toMatchObject({ url: `${good.origin}/m/a.rpm` });
  });

  it('when it is a directory, and nothing is left of what the one before began', async () => {
    bad.on('/m/a.rpm', (_request, response) => {
      response.writeHead(200, { 'content-length': body.length });
      response.write(body.slice(0, 7), () => response.destroy());
    });
    writeFileSync(join(bench.root, 'a.rpm'), body);
    expect(await get(open(`${bad.origin}/m`, `file://${bench.root}`))).toMatchObject({ url: `file://${bench.root}/a.rpm` });
    expect(bench.left('partial')).toEqual([]);
  });

  it('when one sends more than there may be, and is asked for all of it', async () => {
    bad.on('/m/a.rpm', (_request, response) => response.end('x'.repeat(2000)));
    good.on('/m/a.rpm', (request, response) => {
      expect(request.headers.range).toBeUndefined();
      response.end(body);
    });
    const request = { url: `${archive}/a.rpm`, maxBytes: 1000, expect: { digest: expectIt.digest } };
    expect(await open(...mirrors()).fetch(request)).toMatchObject({ url: `${good.origin}/m/a.rpm` });
  });

  it('and goes on where the first one stopped', async () => {
    bad.on('/m/a.rpm', (_request, response) => {
      response.writeHead(200, { 'content-length': body.length });
      response.write(body.slice(0, 7), () => response.destroy());
    });
    good.on('/m/a.rpm', (request, response) => {
      expect(request.headers.range).toBe('bytes=7-');
      response.writeHead(206, { 'content-range': `bytes 7-${body.length - 1}/${body.length}` }).end(body.slice(7));
    });
    expect(await get(open(...mirrors()))).toMatchObject({ digest: expectIt.digest });
  });

  it('and for all of it when the beginning of the first one was wrong', async () => {
    bad.on('/m/a.rpm', (_request, response) => {
      response.writeHead(200, { 'content-length': body.length });
      response.write('wrong', () => response.destroy());
    });
    good.on('/m/a.rpm', (request, response, count) => {
      expect(request.headers.range).toBe(count === 1 ? 'bytes=5-' : undefined);
      if (count > 1) response.end(body);
      else response.writeHead(206, { 'content-range': `bytes 5-${body.length - 1}/${body.length}` }).end(body.slice(5));
    });
    expect(await get(open(...mirrors()))).toMatchObject({ url: `${good.origin}/m/a.rpm`, digest: expectIt.digest });
    expect(bad.seen).toHaveLength(1);
  });
});

describe('all mirrors', () => {
  it('are named when all fail, those that may recover after all their attempts', async () => {
    bad.on('/m/a.rpm', status(503));
    good.on('/m/a.rpm', (_request, response) => response.end('something else entirely, of another length'));
    await expect(get(open(...mirrors()))).rejects.toMatchObject({
      code: 'ICT_FETCH_MISMATCH',
      facts: {
        mirrors: [
          { url: `${bad.origin}/m`, code: 'ICT_FETCH_STATUS' },
          { url: `${good.origin}/m`, code: 'ICT_FETCH_MISMATCH' },
        ],
      },
    });
    expect(bad.seen).toHaveLength(1 + 3);
    expect(warnings()).toEqual([]);
    expect(bench.left('partial')).toEqual([]);
  });

  it('are told by the address that was asked, and not by that of the archive', async () => {
    bad.on('/m/a.rpm', status(400));
    good.on('/m/a.rpm', status(403));
    await expect(get(open(...mirrors()))).rejects.toMatchObject({
      code: 'ICT_FETCH_STATUS',
      message: `${good.origin}/m/a.rpm was answered with status 403; tried: ${bad.origin}/m (${bad.origin}/m/a.rpm was answered with status 400); ${good.origin}/m (${good.origin}/m/a.rpm was answered with status 403)`,
      facts: { url: `${archive}/a.rpm`, answeredBy: `${good.origin}/m/a.rpm` },
    });
  });

  const told: readonly (readonly [string, Handler, string, RegExp])[] = [
    ['lacks the file', status(404), 'ICT_FETCH_NOT_FOUND', /a\.rpm does not exist$/],
    ['sends something else', (_request, response) => response.end(body.toUpperCase()), 'ICT_FETCH_MISMATCH', /a\.rpm is not what/],
    [
      'stops in the middle',
      (_request, response) => {
        response.writeHead(200, { 'content-length': body.length });
        response.write(body.slice(0, 7), () => response.destroy());
      },
      'ICT_FETCH_TRUNCATED',
      /a\.rpm ended after/,
    ],
  ];
  it.each(told)('tell who it was that %s, also when there is only one', async (_what, handler, code, message) => {
    bad.on('/m/a.rpm', handler);
    const error: unknown = await get(open(`${bad.origin}/m`)).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code, facts: { url: `${archive}/a.rpm`, answeredBy: `${bad.origin}/m/a.rpm` } });
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).toContain(`${bad.origin}/m/a.rpm`);
    expect((error as Error).message).not.toContain(archive);
  });

  it('lack a file that none has, and none is blamed for it', async () => {
    good.on('/m/b.rpm', whole);
    bad.on('/m/b.rpm', whole);
    const fetcher = open(...mirrors());
    await expect(get(fetcher)).rejects.toMatchObject({ code: 'ICT_FETCH_NOT_FOUND', facts: { mirrors: { length: 2 } } });
    expect(await get(fetcher, 'b.rpm')).toMatchObject({ url: `${bad.origin}/m/b.rpm` });
  });

  it('may fail and one of them recover', async () => {
    bad.on('/m/a.rpm', (request, response, count) => (count === 1 ? status(502) : whole)(request, response, count));
    good.on('/m/a.rpm', status(404));
    expect(await get(open(...mirrors()))).toMatchObject({ url: `${bad.origin}/m/a.rpm` });
  });
});

it('a file of which no digest is known comes from one mirror only', async () => {
  good.on('/m/a.rpm', whole);
  await expect(open(...mirrors()).fetch({ url: `${archive}/a.rpm`, maxBytes: 1000 })).rejects.toMatchObject({
    code: 'ICT_FETCH_NOT_FOUND',
  });
  expect(good.seen).toEqual([]);
});

describe('offline, the signed root of an archive', () => {
  const pin = (fetcher: ReturnType<typeof open>) => () => fetcher.fetch({ url: `${archive}/InRelease`, maxBytes: 1000, conditional: true });

  it('is taken from a directory that stands behind a server, and the server is not blamed', async () => {
    writeFileSync(join(bench.root, 'InRelease'), body);
    const fetcher = bench.open({ mirrors: named(`${good.origin}/m`, `file://${bench.root}`), offline: true });
    expect(await fetcher.chooseMirror(archive, pin(fetcher))).toMatchObject({ url: `file://${bench.root}/InRelease` });
    expect(bench.events.filter(({ type }) => type === 'mirror.chosen')).toMatchObject([{ url: `file://${bench.root}` }]);
    expect(warnings()).toEqual([]);
    expect(good.seen).toEqual([]);
  });

  it('is refused as such when only servers have it', async () => {
    const fetcher = bench.open({ mirrors: named(...mirrors()), offline: true });
    await expect(fetcher.chooseMirror(archive, pin(fetcher))).rejects.toMatchObject({ code: 'ICT_FETCH_OFFLINE', kind: 'offline' });
  });
});

it('offline only directories are asked', async () => {
  good.on('/m/a.rpm', whole);
  const fetcher = bench.open({ mirrors: named(`${good.origin}/m`, `file://${bench.root}`), offline: true });
  await expect(get(fetcher)).rejects.toMatchObject({ code: 'ICT_FETCH_NOT_FOUND' });
  expect(good.seen).toEqual([]);
});
