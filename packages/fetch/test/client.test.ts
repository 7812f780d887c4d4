import { existsSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createClient, type ClientOptions, type HttpClient } from '../src/client.js';
import type { FileRange } from '../src/sent-body.js';
import type { MirrorMap } from '../src/mirrors.js';
import { bench, big, server, useLoopback } from './loopback.js';

useLoopback();

let file: string;
let delays: number[];
const clients: HttpClient[] = [];

function open(options: ClientOptions = {}): HttpClient {
  const timer = {
    now: () => 0,
    sleep: (milliseconds: number) => {
      delays.push(milliseconds);
      return Promise.resolve();
    },
    random: () => 0,
  };
  const client = createClient({ env: {}, timer, ...options });
  clients.push(client);
  return client;
}

async function has(client: HttpClient, url: string): Promise<boolean> {
  return (await client.send({ method: 'HEAD', url, accept: [404, 410] })).status < 300;
}

function put(client: HttpClient, url: string): Promise<unknown> {
  return client.send({ method: 'PUT', url, body: { file } });
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

/** An address where nobody listens. */
async function deserted(): Promise<string> {
  const closed = createServer();
  await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
  const { port } = closed.address() as AddressInfo;
  await new Promise((resolve) => closed.close(resolve));
  return `http://127.0.0.1:${port}/a`;
}

beforeEach(() => {
  delays = [];
  file = join(bench.root, 'file');
  writeFileSync(file, big);
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
});

describe('has', () => {
  it.each([
    [200, true],
    [204, true],
    [404, false],
    [410, false],
  ])('status %i says %s', async (status, expected) => {
    let method: string | undefined;
    server.on('/a', (request, response) => {
      method = request.method;
      response.writeHead(status).end();
    });
    expect(await has(open(), `${server.origin}/a`)).toBe(expected);
    expect(method).toBe('HEAD');
    expect(server.seen).toHaveLength(1);
  });

  it('follows redirects', async () => {
    server.on('/a', (_request, response) => response.writeHead(302, { location: '/b' }).end());
    server.on('/b', (_request, response) => response.writeHead(200).end());
    expect(await has(open(), `${server.origin}/a`)).toBe(true);
  });

  it.each([301, 302, 303, 307, 308])('takes a redirect for an answer where status %i is accepted', async (status) => {
    server.on('/a', (_request, response) => response.writeHead(status, { 'x-region': 'b', location: '/b' }).end());
    const answer = await open().send({ method: 'HEAD', url: `${server.origin}/a`, accept: [status] });
    expect(answer).toMatchObject({ status, headers: { 'x-region': 'b' }, url: `${server.origin}/a` });
    expect(server.seen).toHaveLength(1);
  });
});

describe('put', () => {
  it.each([
    ['a file', big],
    ['a file of many pieces', Buffer.alloc(3_000_001, 'Debian package ')],
    ['an empty file', Buffer.alloc(0)],
  ])('sends %s with its length', async (_name, content) => {
    writeFileSync(file, content);
    let received: Buffer | undefined;
    server.on('/a', async (request, response) => {
      expect(request.method).toBe('PUT');
      received = await bodyOf(request);
      response.writeHead(201).end();
    });
    await put(open(), `${server.origin}/a`);
    expect(received?.equals(content)).toBe(true);
    expect(server.seen[0]?.headers).toMatchObject({ 'content-length': String(content.length) });
    expect(server.seen[0]?.headers['transfer-encoding']).toBeUndefined();
  });

  it('sends it again from its start after a failure that may pass', async () => {
    const received: Buffer[] = [];
    server.on('/a', async (request, response, count) => {
      received.push(await bodyOf(request));
      response.writeHead(count === 1 ? 503 : count === 2 ? 429 : 204, count === 1 ? { 'retry-after': '7' } : {}).end();
    });
    await put(open(), `${server.origin}/a`);
    expect(received.map((body) => body.equals(big))).toEqual([true, true, true]);
    expect(delays).toEqual([7000, 1000]);
  });

  it('sends it again when the connection ends', async () => {
    let received: Buffer | undefined;
    server.on('/a', async (request, response, count) => {
      if (count === 1) request.destroy();
      else {
        received = await bodyOf(request);
        response.end();
      }
    });
    await put(open(), `${server.origin}/a`);
    expect(received?.equals(big)).toBe(true);
  });

  it('sends it on where a redirect says so, without the password', async () => {
    let received: Buffer | undefined;
    const other = createServer(async (request, response) => {
      expect(request.headers.authorization).toBeUndefined();
      received = await bodyOf(request);
      response.end();
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = other.address() as AddressInfo;
      server.on('/a', (_request, response) => response.writeHead(307, { location: `http://127.0.0.1:${port}/b` }).end());
      await put(open(), server.origin.replace('://', '://user:secret@') + '/a');
      expect(received?.equals(big)).toBe(true);
      expect(server.seen[0]?.headers.authorization).toBe(`Basic ${Buffer.from('user:secret').toString('base64')}`);
    } finally {
      other.closeAllConnections();
      await new Promise((resolve) => other.close(resolve));
    }
  });

  it('stops sending to a server that refuses without reading', async () => {
    writeFileSync(file, Buffer.alloc(32 * 1024 * 1024));
    let sent = 0;
    const sockets = new Set<Socket>();
    const refusing = createTcpServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined).once('data', () => socket.write('HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n'));
      socket.on('data', (piece: Buffer) => (sent += piece.length));
    });
    await new Promise<void>((resolve) => refusing.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = refusing.address() as AddressInfo;
      await expect(put(open(), `http://127.0.0.1:${port}/a`)).rejects.toMatchObject({
        code: 'ICT_FETCH_STATUS',
        facts: { status: 413 },
      });
      expect(sent).toBeLessThan(32 * 1024 * 1024);
    } finally {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => refusing.close(resolve));
    }
  });

  it('a server that takes no more is a stall', async () => {
    writeFileSync(file, Buffer.alloc(32 * 1024 * 1024));
    server.on('/a', (request) => request.pause());
    await expect(put(open({ timeouts: { headersMs: 50 }, retry: { retries: 0 } }), `${server.origin}/a`)).rejects.toMatchObject({
      code: 'ICT_FETCH_STALLED',
    });
  });

  it('a file that cannot be read is an error of this machine, and is not sent again', async () => {
    server.on('/a', (request) => request.on('error', () => undefined).resume());
    const send = (body: { readonly file: string; readonly range: FileRange }) =>
      open().send({ method: 'PUT', url: `${server.origin}/a`, body });
    // Memory that nobody has.
    await expect(send({ file: '/proc/self/mem', range: { offset: 0, sizeBytes: 10 } })).rejects.toMatchObject({
      code: 'EIO',
      syscall: 'read',
    });
    await expect(send({ file, range: { offset: 0, sizeBytes: big.length + 1 } })).rejects.toThrow('became shorter');
    expect(delays).toEqual([]);
  });

  it('a file that is not there is an error of this machine', async () => {
    await expect(
      open().send({ method: 'PUT', url: `${server.origin}/a`, body: { file: join(bench.root, 'absent') } }),
    ).rejects.toMatchObject({ code: 'ENOENT' });
    expect(server.seen).toEqual([]);
    expect(existsSync(file)).toBe(true);
  });
});

describe('send', () => {
  it('sends a range of a file, with its length', async () => {
    const received: Buffer[] = [];
    server.on('/a', async (request, response) => {
      received.push(await bodyOf(request));
      response.writeHead(received.length === 1 ? 503 : 200, { etag: '"1"' }).end();
    });
    const range = { offset: 1000, sizeBytes: 270_000 };
    const answer = await open().send({ method: 'PUT', url: `${server.origin}/a`, body: { file, range } });
    expect(answer.headers).toMatchObject({ etag: '"1"' });
    expect(received.map((body) => body.equals(big.subarray(1000, 271_000)))).toEqual([true, true]);
    expect(server.seen[0]?.headers).toMatchObject({ 'content-length': '270000' });
  });

  it('removes what is at an address', async () => {
    let method: string | undefined;
    server.on('/a', (request, response) => {
      method = request.method;
      response.writeHead(204).end();
    });
    expect(await open().send({ method: 'DELETE', url: `${server.origin}/a` })).toMatchObject({ status: 204, text: '' });
    expect(method).toBe('DELETE');
  });

  it('ends with a signal of its own, and not with that of the client', async () => {
    const [common, own] = [new AbortController(), new AbortController()];
    const client = open({ signal: common.signal });
    common.abort(new Error('stopped'));
    server.on('/a', (_request, response) => response.end('undone'));
    server.on('/b', () => own.abort(new Error('too late')));
    const request = { method: 'GET', signal: own.signal } as const;
    expect(await client.send({ ...request, url: `${server.origin}/a` })).toMatchObject({ text: 'undone' });
    await expect(client.send({ ...request, url: `${server.origin}/b` })).rejects.toThrow('too late');
    await expect(client.send({ method: 'GET', url: `${server.origin}/a` })).rejects.toThrow('stopped');
  });

  it('ends when the client is closed, whatever its signal', async () => {
    const client = open();
    server.on('/a', () => void client.close());
    const signal = new AbortController().signal;
    await expect(client.send({ method: 'GET', url: `${server.origin}/a`, signal })).rejects.toMatchObject({ code: 'ICT_FETCH_CLOSED' });
  });

  it('gives status, headers and text of an answer', async () => {
    server.on('/a', (_request, response) => response.writeHead(200, { 'X-Kind': 'short' }).end('said'));
    expect(await open().send({ method: 'GET', url: `${server.origin}/a` })).toEqual({
      status: 200,
      headers: expect.objectContaining({ 'x-kind': 'short' }) as unknown,
      text: 'said',
      url: `${server.origin}/a`,
    });
  });

  it('takes text, and headers beside its own', async () => {
    let received = '';
    server.on('/a', async (request, response) => {
      received = `${request.method} ${(await bodyOf(request)).toString()}`;
      response.writeHead(202).end('taken');
    });
    const headers = { 'content-type': 'text/plain' };
    expect(await open().send({ method: 'POST', url: `${server.origin}/a`, headers, body: { text: 'größer' } })).toMatchObject({
      text: 'taken',
    });
    expect(received).toBe('POST größer');
    expect(server.seen[0]?.headers).toMatchObject({ 'content-type': 'text/plain', 'content-length': '8' });
  });

  it('gives statuses that are accepted', async () => {
    server.on('/a', (_request, response) => response.writeHead(401, { 'www-authenticate': 'Basic' }).end('who?'));
    const answer = await open().send({ method: 'GET', url: `${server.origin}/a`, accept: [401] });
    expect(answer).toMatchObject({ status: 401, headers: { 'www-authenticate': 'Basic' }, text: 'who?' });
  });

  it('reads no longer text than a short answer has', async () => {
    server.on('/a', (_request, response) => response.end(Buffer.alloc(1024 * 1024 + 1)));
    await expect(open().send({ method: 'GET', url: `${server.origin}/a` })).rejects.toMatchObject({ code: 'ICT_FETCH_TOO_LARGE' });
  });

  it('follows no redirect of POST that would turn it into GET', async () => {
    server.on('/a', (_request, response) => response.writeHead(303, { location: '/b' }).end());
    await expect(open().send({ method: 'POST', url: `${server.origin}/a` })).rejects.toMatchObject({ facts: { status: 303 } });
    expect(server.seen).toHaveLength(1);
  });
});

it('authorization goes to the origin of the address, and no further', async () => {
  const told: (string | undefined)[] = [];
  const other = createServer((request, response) => {
    told.push(request.headers.authorization);
    response.end('content');
  });
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const elsewhere = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
  try {
    server.on('/a', (_request, response) => response.writeHead(307, { location: `${elsewhere}/b` }).end());
    const url = `${server.origin.replace('://', '://user:secret@')}/a`;
    const authorization = 'Bearer token';
    await open().send({ method: 'GET', url, authorization });
    await bench.open().fetch({ url, maxBytes: 100, authorization });
    const mirrors: MirrorMap = new Map([[server.origin, [{ url: elsewhere, source: 'flag' }]]]);
    await bench.open({ mirrors }).fetch({ url: `${server.origin}/c`, maxBytes: 100, authorization });
    expect(server.seen.map(({ headers }) => headers.authorization)).toEqual([authorization, authorization]);
    expect(told).toEqual([undefined, undefined, undefined]);
  } finally {
    other.closeAllConnections();
    await new Promise((resolve) => other.close(resolve));
  }
});

describe.each(['has', 'put'] as const)('%s', (verb) => {
  const run: (client: HttpClient, url: string) => Promise<unknown> = verb === 'has' ? has : put;

  it.each([400, 401, 403, 405, 409, 412])('status %i is final', async (status) => {
    server.on('/a', (request, response) => {
      request.resume();
      response.writeHead(status).end();
    });
    await expect(run(open(), `${server.origin}/a`)).rejects.toMatchObject({
      code: 'ICT_FETCH_STATUS',
      kind: 'network',
      facts: { url: `${server.origin}/a`, status, method: verb === 'has' ? 'HEAD' : 'PUT' },
    });
    expect(server.seen).toHaveLength(1);
  });

  it.each([429, 500, 503, 507])('status %i is tried again, and finally reported', async (status) => {
    server.on('/a', (request, response) => {
      request.resume();
      response.writeHead(status).end();
    });
    await expect(run(open({ retry: { retries: 2 } }), `${server.origin}/a`)).rejects.toMatchObject({
      code: 'ICT_FETCH_STATUS',
      facts: { status },
    });
    expect(server.seen).toHaveLength(3);
    expect(delays).toEqual([500, 1000]);
  });

  it('nobody listens', async () => {
    await expect(run(open({ retry: { retries: 1 } }), await deserted())).rejects.toMatchObject({
      code: 'ICT_FETCH_CONNECTION',
      facts: { reason: 'ECONNREFUSED' },
    });
    expect(delays).toHaveLength(1);
  });

  it('nobody answers', async () => {
    server.on('/a', (request) => request.resume());
    await expect(run(open({ timeouts: { headersMs: 50 }, retry: { retries: 0 } }), `${server.origin}/a`)).rejects.toMatchObject({
      code: 'ICT_FETCH_STALLED',
    });
  });

  it('tells a password to the server, and to nobody else', async () => {
    server.on('/a?sig=hidden', (request, response) => {
      request.resume();
      response.writeHead(403).end();
    });
    const failure: unknown = await run(open(), server.origin.replace('://', '://user:s%40cret@') + '/a?sig=hidden').catch(
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(Error);
    expect(server.seen[0]?.headers.authorization).toBe(`Basic ${Buffer.from('user:s@cret').toString('base64')}`);
    expect(JSON.stringify([failure, (failure as Error).message])).not.toMatch(/s%40cret|s@cret|hidden/);
  });

  it.each([['ftp://127.0.0.1/a'], ['file:///tmp/a'], ['no address']])('%s is no address', async (url) => {
    await expect(run(open(), url)).rejects.toMatchObject({ code: 'ICT_FETCH_ADDRESS', kind: 'invalid' });
  });

  it.each([
    [{ http_proxy: true }, 'http://cache.invalid/a', true],
    [{ http_proxy: true }, 'https://cache.invalid/a', false],
    [{ https_proxy: true }, 'http://cache.invalid/a', false],
    [{ https_proxy: true }, 'https://cache.invalid/a', true],
    [{ http_proxy: true, https_proxy: true }, 'https://cache.invalid/a', true],
    [{ http_proxy: true, https_proxy: true, no_proxy: 'cache.invalid' }, 'https://cache.invalid/a', false],
  ])('goes with %j to %s through the proxy: %s', async (variables, url, expected) => {
    const proxied: string[] = [];
    const proxy = createServer((request, response) => {
      proxied.push(`${request.method} ${request.url}`);
      response.end();
    });
    proxy.on('connect', (request, socket) => {
      proxied.push(`CONNECT ${request.url}`);
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = proxy.address() as AddressInfo;
      const env = Object.fromEntries(
        Object.entries(variables).map(([name, value]) => [name, typeof value === 'string' ? value : `http://127.0.0.1:${port}`]),
      );
      await run(open({ env, retry: { retries: 0 } }), url).catch(() => undefined);
      expect(proxied.length > 0).toBe(expected);
    } finally {
      proxy.closeAllConnections();
      await new Promise((resolve) => proxy.close(resolve));
    }
  });

  it('goes through a proxy that the environment names', async () => {
    const proxied: string[] = [];
    const proxy = createServer((request, response) => {
      proxied.push(`${request.method} ${request.url}`);
      request.resume();
      request.on('end', () => response.end());
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    proxy.on('connect', (request, socket) => {
      proxied.push(`CONNECT ${request.url}`);
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      proxy.emit('connection', socket);
    });
    try {
      const { port } = proxy.address() as AddressInfo;
      await run(open({ env: { http_proxy: `http://127.0.0.1:${port}` } }), 'http://cache.example/a');
      expect(proxied.join(' ')).toContain('cache.example');
    } finally {
      proxy.closeAllConnections();
      await new Promise((resolve) => proxy.close(resolve));
    }
  });

  it('reads answers to other methods only when it is told to', async () => {
    server.on('/a', (_request, response) => response.end('token'));
    const [url, client] = [`${server.origin}/a`, open()];
    const send = async (more: object): Promise<string> => (await client.send({ method: 'PUT', url, ...more })).text;
    expect([await send({}), await send({ reads: true }), await send({ method: 'GET', reads: false })]).toEqual(['', 'token', '']);
  });

  it('stops with its signal', async () => {
    const abort = new AbortController();
    const reason = new Error('enough');
    server.on('/a', () => abort.abort(reason));
    await expect(run(open({ signal: abort.signal }), `${server.origin}/a`)).rejects.toBe(reason);
    await expect(run(open({ signal: abort.signal }), `${server.origin}/a`)).rejects.toBe(reason);
    expect(server.seen).toHaveLength(1);
  });

  it('stops when it is closed', async () => {
    const uploader = open();
    server.on('/a', () => void uploader.close());
    await expect(run(uploader, `${server.origin}/a`)).rejects.toMatchObject({ code: 'ICT_FETCH_CLOSED' });
  });
});
