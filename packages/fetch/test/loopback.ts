import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Digest, EventBody } from '@ict/plugin-api';
import { afterEach, beforeEach } from 'vitest';
import { createFetcher, type FetcherOptions, type MirroredFetcher } from '../src/fetcher.js';

export interface SeenRequest {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
}

export type Handler = (request: IncomingMessage, response: ServerResponse, count: number) => void;

export interface Loopback {
  readonly origin: string;
  readonly seen: SeenRequest[];
  on(path: string, handler: Handler): void;
  close(): Promise<void>;
}

/** An HTTP server on this machine whose answers tests write themselves. `count` is the number of the request to that path, from 1. */
export async function startLoopback(): Promise<Loopback> {
  const handlers = new Map<string, Handler>();
  const counts = new Map<string, number>();
  const seen: SeenRequest[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '/';
    const count = (counts.get(path) ?? 0) + 1;
    counts.set(path, count);
    seen.push({ path, headers: request.headers });
    const handler = handlers.get(path);
    if (handler === undefined) response.writeHead(404).end('no such page');
    else handler(request, response, count);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    seen,
    on: (path, handler) => handlers.set(path, handler),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export const digest = (bytes: Uint8Array | string): Digest => `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest;

export interface Bench {
  readonly root: string;
  readonly events: EventBody[];
  /** Delays that the fetcher asked for, milliseconds. */
  readonly delays: number[];
  open(options?: Partial<FetcherOptions>): MirroredFetcher;
  /** Names of what is in a directory that the fetcher keeps. */
  left(directory: 'partial' | 'answers'): string[];
  /** How often something was tried again. */
  retries(): number;
  close(): Promise<void>;
}

/** Directories, recorded events and a timer that never waits. */
export function makeBench(): Bench {
  const root = mkdtempSync(join(tmpdir(), 'ict-fetch-'));
  const events: EventBody[] = [];
  const delays: number[] = [];
  const fetchers: MirroredFetcher[] = [];
  let time = 0;
  return {
    root,
    events,
    delays,
    open(options = {}) {
      const fetcher = createFetcher({
        directory: join(root, 'cache'),
        temporary: join(root, 'temporary'),
        emit: (event) => events.push(event),
        env: {},
        timer: {
          now: () => (time += 60),
          sleep: (milliseconds) => {
            delays.push(milliseconds);
            return Promise.resolve();
          },
          random: () => 0,
        },
        ...options,
      });
      fetchers.push(fetcher);
      return fetcher;
    },
    left: (directory) => readdirSync(join(root, 'cache', directory)),
    retries: () => events.filter(({ type }) => type === 'fetch.retry').length,
    async close() {
      await Promise.all(fetchers.map((fetcher) => fetcher.close()));
      rmSync(root, { recursive: true });
    },
  };
}

/** A file to send, and a bound that it does not reach, bytes. */
export const big = Buffer.alloc(300_000, 'Debian package ');
export const maxBytes = 1_000_000;

/** What {@link useLoopback} made for the test that runs. */
export let server: Loopback;
export let bench: Bench;

/** Gives each test of a file a server and a bench of its own. */
export function useLoopback(): void {
  beforeEach(async () => {
    server = await startLoopback();
    bench = makeBench();
  });
  afterEach(async () => {
    await bench.close();
    await server.close();
  });
}
