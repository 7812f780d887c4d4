import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { createClient, type ClientOptions } from '../src/client.js';
import { DEFAULT_TIMEOUTS } from '../src/exchange.js';
import type { MirrorMap } from '../src/mirrors.js';
import { Paces } from '../src/pace.js';
import { bench, big, digest, maxBytes, server, useLoopback } from './loopback.js';

useLoopback();

const url = new URL('http://user:secret@mirror.example/a?sig=hidden');

/** Paces of 100 bytes a second over 10 seconds, by a clock that tests set, in seconds. */
function paces(): { readonly at: (seconds: number) => void; readonly all: Paces } {
  let nowMs = 5000;
  return { at: (seconds) => (nowMs = 5000 + seconds * 1000), all: new Paces(() => nowMs, { bytesPerSecond: 100, overMs: 10_000 }) };
}

type Come = readonly [atSeconds: number, sizeBytes: number];

describe('a body is too slow', () => {
  it.each<readonly [string, readonly Come[], boolean]>([
    ['when less comes in the time', [[10, 999]], true],
    ['unless just enough comes', [[10, 1000]], false],
    ['not before the time is over', [[9.9, 1]], false],
    ['when little comes often', Array.from({ length: 11 }, (_, second): Come => [second, 90]), true],
    [
      'when it gets slow after a while',
      [
        [10, 1_000_000],
        [20, 999],
      ],
      true,
    ],
    [
      'unless each time enough comes',
      [
        [10, 1000],
        [19, 1],
        [20, 999],
        [30, 1000],
      ],
      false,
    ],
    [
      'when a long time brings too little for its length',
      [
        [9, 500],
        [25, 1900],
      ],
      true,
    ],
    [
      'unless a long time brings enough for its length',
      [
        [9, 500],
        [25, 2000],
      ],
      false,
    ],
  ])('%s', (_when, pieces, slow) => {
    const { at, all } = paces();
    const pace = all.begin(url);
    const run = (): void => {
      for (const [seconds, sizeBytes] of pieces) {
        at(seconds);
        pace.note(sizeBytes);
      }
    };
    if (slow) expect(run).toThrow(expect.objectContaining({ code: 'ICT_FETCH_STALLED', kind: 'network' }) as Error);
    else expect(run).not.toThrow();
  });

  it('and the error says how slow, without secrets', () => {
    const { at, all } = paces();
    const pace = all.begin(url);
    at(12);
    let failure: unknown;
    try {
      pace.note(7);
    } catch (error) {
      failure = error;
    }
    expect(failure).toMatchObject({ facts: { receivedBytes: 7, passedMs: 12_000, reason: 'SLOW' } });
    expect(JSON.stringify([failure, (failure as Error).message])).not.toMatch(/secret|hidden/);
  });

  it('by what its share of the line is, of all that were received meanwhile', () => {
    const { at, all } = paces();
    const [one, two, ...others] = Array.from({ length: 4 }, () => all.begin(url));
    at(10);
    expect(() => one?.note(250)).not.toThrow();
    expect(() => two?.note(249)).toThrow('249 bytes in 10 seconds');
    for (const each of [two, ...others]) each?.end();
    one?.end();
    one?.end();
    const alone = all.begin(url);
    at(20);
    expect(() => one?.note(250)).not.toThrow(); // others were there when this time began
    expect(() => alone.note(999)).toThrow('999 bytes');
  });

  it('or not, as long as all of it comes in a time that was granted', () => {
    const { at, all } = paces();
    const granted = all.begin(url, 60_000);
    at(60);
    expect(() => granted.note(1)).not.toThrow();
    at(60.1);
    expect(() => granted.note(1)).toThrow('2 bytes in 60 seconds');
  });
});

/** Each look at the clock is a while later. */
function clock(stepMs: number): NonNullable<ClientOptions['timer']> {
  let nowMs = 0;
  return { now: () => (nowMs += stepMs), sleep: () => Promise.resolve(), random: () => 0 };
}

/** Sends a byte now and then, until nobody listens. */
function drip(response: ServerResponse): void {
  if (!response.destroyed) response.write('x', () => setImmediate(drip, response));
}

describe('a server that drips', () => {
  it('is left by downloads, after another attempt', async () => {
    server.on('/a', (_request, response) => drip(response));
    const fetcher = bench.open({ timer: clock(10_000), retry: { retries: 1 } });
    await expect(fetcher.fetch({ url: `${server.origin}/a`, maxBytes })).rejects.toMatchObject({
      code: 'ICT_FETCH_STALLED',
      facts: { reason: 'SLOW' },
    });
    expect(server.seen).toHaveLength(2);
  });

  it('is left for another mirror, which goes on where it was', async () => {
    const content = Buffer.from('x'.repeat(100_000));
    server.on('/slow/a', (_request, response) => drip(response));
    server.on('/quick/a', (request, response) => {
      const start = Number(/\d+/.exec(request.headers.range ?? '')?.[0]);
      response.writeHead(206, { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` }).end(content.subarray(start));
    });
    const archive = 'http://archive.example';
    const mirrors: MirrorMap = new Map([[archive, ['slow', 'quick'].map((name) => ({ url: `${server.origin}/${name}`, source: 'flag' }))]]);
    const fetcher = bench.open({ timer: clock(2000), mirrors });
    const expectIt = { digest: digest(content), sizeBytes: content.length };
    expect(await fetcher.fetch({ url: `${archive}/a`, maxBytes, expect: expectIt })).toMatchObject({ url: `${server.origin}/quick/a` });
    expect(server.seen.map(({ path }) => path)).toEqual(['/slow/a', '/quick/a']);
    expect(Number(/\d+/.exec(server.seen[1]?.headers.range ?? '')?.[0])).toBeGreaterThan(5);
  });

  it('is left by who wants a short answer', async () => {
    server.on('/a', (_request, response) => drip(response));
    const client = createClient({
      env: {},
      timer: clock(1000),
      retry: { retries: 1 },
      timeouts: { bodyMs: 5000, leastBytesPerSecond: 100_000 },
    });
    try {
      await expect(client.send({ method: 'GET', url: `${server.origin}/a` })).rejects.toMatchObject({ code: 'ICT_FETCH_STALLED' });
      expect(server.seen).toHaveLength(2);
    } finally {
      await client.close();
    }
  });

  it('keeps no connection busy with what nobody wants', async () => {
    let sentBytes = 0;
    const left = new Promise((resolve) => {
      server.on('/a', (_request, response) => {
        void once(response, 'close').then(resolve);
        const next = (): void => {
          if (response.destroyed) return;
          sentBytes += 1;
          response.write('x', () => setImmediate(next));
        };
        response.writeHead(404);
        next();
      });
    });
    const fetcher = bench.open({ timer: clock(200) });
    await expect(fetcher.fetch({ url: `${server.origin}/a`, maxBytes })).rejects.toMatchObject({ code: 'ICT_FETCH_NOT_FOUND' });
    await left;
    expect(sentBytes).toBeLessThan(10_000);
  });

  it('may do so for as long as it was granted', async () => {
    server.on('/a', (_request, response, count) => {
      let left = 50;
      const next = (): void => {
        left -= 1;
        if (left === 0 && count === 1) response.end('done');
        else if (!response.destroyed) response.write(' ', () => setImmediate(next));
      };
      next();
    });
    const client = createClient({ env: {}, timer: clock(1000), timeouts: { bodyMs: 5000, leastBytesPerSecond: 100_000 } });
    const request = { method: 'POST', url: `${server.origin}/a`, once: true, bodyWithinMs: 100_000 } as const;
    try {
      expect((await client.send(request)).text.trim()).toBe('done');
      await expect(client.send(request)).rejects.toMatchObject({ code: 'ICT_FETCH_STALLED', facts: { reason: 'SLOW' } });
    } finally {
      await client.close();
    }
  });
});

it('what comes quickly is not slow, with the rate that mirrors have to have', async () => {
  server.on('/a', (_request, response) => response.end(big));
  const { sizeBytes } = await bench.open({ timer: clock(1000) }).fetch({ url: `${server.origin}/a`, maxBytes });
  expect(sizeBytes).toBe(big.length);
  expect(DEFAULT_TIMEOUTS.leastBytesPerSecond * (DEFAULT_TIMEOUTS.bodyMs / 1000)).toBeLessThan(big.length);
});
