import type { KeyObject } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient, createFetcher } from '@ict/fetch';
import { cacheKey, digestOf, type CacheKey } from '@ict/integrity';
import type { BlobRef, EventBody } from '@ict/plugin-api';
import { afterEach, beforeEach } from 'vitest';
import { generateKeys, keyId, readPublicKey, readSigningKey } from '../src/keys.js';
import { openRemoteCache, type RemoteCache, type RemoteCacheOptions } from '../src/remote-cache.js';
import { openRemoteUpload, type RemoteUpload, type RemoteUploadOptions } from '../src/remote-upload.js';
import { openStore, type Store, type Transport } from '../src/stores/store.js';

/** An HTTP server that keeps what is put there in memory. */
export interface Server {
  readonly url: string;
  /** What it has, by path. */
  readonly files: Map<string, Buffer>;
  /** `METHOD /path` of each request. */
  readonly asked: string[];
  /** `authorization` of each request. */
  readonly credentials: (string | undefined)[];
  /** Answers everything with this status. */
  refuse(status: number | undefined): void;
  close(): Promise<void>;
}

export async function startServer(): Promise<Server> {
  const files = new Map<string, Buffer>();
  const asked: string[] = [];
  const credentials: (string | undefined)[] = [];
  let refusal: number | undefined;
  const server = createServer(async (request, response) => {
    const path = request.url ?? '/';
    asked.push(`${request.method} ${path}`);
    credentials.push(request.headers.authorization);
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const file = files.get(path);
    if (refusal !== undefined) response.writeHead(refusal).end();
    else if (request.method === 'PUT') {
      files.set(path, Buffer.concat(pieces));
      response.writeHead(201).end();
    } else if (file === undefined) response.writeHead(404).end('no such file');
    else response.writeHead(200, { 'content-length': file.length }).end(request.method === 'HEAD' ? undefined : file);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    files,
    asked,
    credentials,
    refuse: (status) => (refusal = status),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A key, and what others know of it. */
export interface Signer {
  readonly id: string;
  readonly signing: KeyObject;
  readonly trusted: KeyObject;
}

export function newSigner(): Signer {
  const { publicPem, privatePem } = generateKeys();
  const trusted = readPublicKey(publicPem, 'public.pem');
  return { id: keyId(trusted), signing: readSigningKey(privatePem, 'private.pem'), trusted };
}

export const TYPE = 'ict.base';
export const KEY: CacheKey = cacheKey(TYPE, { packages: ['bash'] });
export const OTHER_KEY: CacheKey = cacheKey(TYPE, { packages: ['dash'] });
export const NOW = 1_700_000_000;

/** What each test of a file has of its own. */
export interface World {
  readonly root: string;
  readonly server: Server;
  /** Main's. */
  readonly signer: Signer;
  readonly events: EventBody[];
  readonly transport: Transport;
  /** The store of the server, or of another address. */
  storeAt(address?: string): Store;
  readonly signal: AbortSignal;
  abort(reason: Error): void;
  /** Reads the server, and trusts the signer. */
  cache(options?: Partial<RemoteCacheOptions>): RemoteCache;
  /** Writes to the server as the signer. */
  upload(options?: Partial<RemoteUploadOptions>): RemoteUpload;
  /** Codes of the warnings. */
  warnings(): string[];
  /** Writes a file, and says what blob it is. */
  blob(content: Buffer): { readonly ref: BlobRef; readonly file: string };
  /** Names of files that reading and writing left. */
  left(): string[];
}

export let world: World;

export function useWorld(): void {
  let close: () => Promise<void>;
  beforeEach(async () => {
    const root = mkdtempSync(join(tmpdir(), 'ict-remote-cache-'));
    const server = await startServer();
    const aborting = new AbortController();
    const { signal } = aborting;
    const events: EventBody[] = [];
    const [temporary, downloads] = [join(root, 'temporary'), join(root, 'downloads')];
    const timer = { now: () => 0, sleep: () => Promise.resolve(), random: () => 0 };
    const common = { env: {}, timer, retry: { retries: 1 }, signal };
    const fetcher = createFetcher({ directory: join(root, 'fetch'), temporary: downloads, ...common });
    const client = createClient(common);
    const transport: Transport = { fetcher, client, env: { HOME: root } };
    const storeAt = (address = server.url): Store => openStore(address, transport);
    const signer = newSigner();
    let blobs = 0;
    for (const directory of [temporary, downloads]) mkdirSync(directory);
    world = {
      root,
      server,
      signer,
      events,
      transport,
      storeAt,
      signal,
      abort: (reason) => aborting.abort(reason),
      cache: (options = {}) =>
        openRemoteCache({
          stores: [storeAt()],
          trustedKeys: [signer.trusted],
          temporary,
          emit: (event) => events.push(event),
          signal,
          ...options,
        }),
      upload: (options = {}) =>
        openRemoteUpload({
          store: storeAt(),
          signingKey: signer.signing,
          temporary,
          clock: () => NOW,
          signal,
          ...options,
        }),
      warnings: () => events.map((event) => (event.type === 'warning' ? event.code : event.type)),
      blob(content) {
        const file = join(root, `blob-${(blobs += 1)}`);
        writeFileSync(file, content);
        return { ref: { kind: 'blob', digest: digestOf(content), sizeBytes: content.length }, file };
      },
      left: () => [...readdirSync(temporary), ...readdirSync(downloads)],
    };
    close = async () => {
      await Promise.all([fetcher.close(), client.close(), server.close()]);
      rmSync(root, { recursive: true });
    };
  });
  afterEach(() => close());
}

export function recordPath(signer: Signer, key: CacheKey = KEY, type = TYPE): string {
  return `/v1/records/${signer.id}/${type}/${key}.json`;
}

export function blobPath({ digest }: BlobRef): string {
  const hex = digest.slice('sha256:'.length);
  return `/v1/blobs/sha256/${hex.slice(0, 2)}/${hex}.zst`;
}

/** An address where nobody listens. */
export async function deserted(): Promise<string> {
  const closed = await startServer();
  await closed.close();
  return closed.url;
}
