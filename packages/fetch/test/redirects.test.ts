import { describe, expect, it } from 'vitest';
import { bench, maxBytes, server, startLoopback, useLoopback } from './loopback.js';

useLoopback();

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
    expect(bench.retries()).toBe(0);
  });

  it('end after five', async () => {
    for (let index = 0; index < 9; index += 1) {
      server.on(`/${index}`, (_request, response) => response.writeHead(307, { location: `/${index + 1}` }).end());
    }
    await expect(bench.open().fetch({ url: `${server.origin}/0`, maxBytes })).rejects.toMatchObject({ code: 'ICT_FETCH_REDIRECT' });
    expect(server.seen).toHaveLength(6);
  });

  it('take a "%" in a password as it is written, where it escapes nothing', async () => {
    server.on('/a', (_request, response) => response.end('ok'));
    await bench.open().fetch({ url: `${server.origin.replace('http://', 'http://me:50%@')}/a`, maxBytes });
    expect(server.seen.map(({ headers }) => headers.authorization)).toEqual([`Basic ${Buffer.from('me:50%').toString('base64')}`]);
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
