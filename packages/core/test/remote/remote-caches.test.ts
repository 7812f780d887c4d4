import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { cacheKey } from '@ict/integrity';
import type { Context, EventBody } from '@ict/plugin-api';
import { generateKeys } from '@ict/remote-cache';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openRemoteCaches } from '../../src/remote/remote-caches.js';

const { publicPem, privatePem } = generateKeys();
const trustedKeys = [{ file: '/keys/a.pub', pem: publicPem }];
const signingKey = { file: '/keys/a.key', pem: privatePem };
const key = cacheKey('ict.image', { packages: ['bash'] });

let root: string;
let server: Server;
let network: string;
let directory: string;
let asked: number;
let events: EventBody[];

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'ict-remote-caches-'));
  [asked, events] = [0, []];
  server = createServer((_request, response) => {
    asked += 1;
    response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  network = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  directory = pathToFileURL(join(root, 'volume')).href;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(root, { recursive: true });
});

function open(offline: boolean, urls: readonly string[], upload?: string): ReturnType<typeof openRemoteCaches> {
  const { signal } = new AbortController();
  const temporary = join(root, 'temporary');
  const emit = (event: EventBody): void => void events.push(event);
  const context = { signal, temporary, emit, clock: () => 0 } as Partial<Context> as Context; // of blobs nobody asks before a record is found
  const remoteCache = { urls, trustedKeys, ...(upload === undefined ? {} : { upload: { url: upload, signingKey } }) };
  return openRemoteCaches({ remoteCache, offline }, context, { directory: join(root, 'fetch'), temporary, signal, env: {} }, root);
}

it.each([
  [false, 1],
  [true, 0],
])('asks servers and directories; with --offline (%s) no server', async (offline, requests) => {
  const caches = open(offline, [network, directory]);
  try {
    const build = caches?.forBuild(false);
    expect(build?.asks).toBe(true);
    expect(await build?.images.find(key)).toBeUndefined();
    expect([asked, events]).toEqual([requests, []]);
    expect(build?.tally()).toEqual({ asked: 1, found: 0 });
  } finally {
    await caches?.close();
  }
});

it('is none offline, where all need a network', () => {
  expect(open(true, [network], network)).toBeUndefined();
  expect(open(true, ['oci://registry.example/a', 's3://bucket'])).toBeUndefined();
});

it('may write to a directory offline, and ask nobody', async () => {
  const caches = open(true, [network], directory);
  expect(caches?.forBuild(false).asks).toBe(false);
  await caches?.close();
});
