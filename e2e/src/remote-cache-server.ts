import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { serveLoopback, type LoopbackServer } from '@ict/fixtures';

/** One request that came in, refused or not. */
export interface CacheRequest {
  readonly method: string;
  /** As it was sent, without the query. */
  readonly path: string;
  /** User and password of it, `user:password`. */
  readonly credentials?: string;
}

/** A remote cache on the loopback interface: keeps what is put there in a directory, and knows nothing of what that is. */
export class RemoteCacheServer {
  /** Where a path of the server is a path below it, `%` and digits as they were sent: tests read, damage and remove what it has. */
  readonly directory: string;
  /** What was asked, in order. */
  readonly requests: CacheRequest[] = [];
  #server: LoopbackServer | undefined;
  #refusal: { readonly status: number; readonly methods: readonly string[] } | undefined;
  #puts = 0;

  private constructor(directory: string) {
    this.directory = directory;
  }

  /** @param directory which may hold what an earlier server kept. */
  static async start(directory: string): Promise<RemoteCacheServer> {
    await mkdir(directory, { recursive: true });
    const server = new RemoteCacheServer(directory);
    server.#server = await serveLoopback((request, response) => {
      server.#answer(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
    return server;
  }

  /** Its address, without a slash at the end. It stays after {@link stop}, when nobody listens there. */
  get url(): string {
    if (this.#server === undefined) throw new Error('the server was not started');
    return this.#server.url;
  }

  /** Its address with a user and password, both as they are meant. */
  urlFor(user: string, password: string): string {
    return this.url.replace('://', `://${encodeURIComponent(user)}:${encodeURIComponent(password)}@`);
  }

  /** From now on these methods are answered with a status, and do nothing. @param methods all, when none is given. */
  refuse(status: number, ...methods: readonly string[]): void {
    this.#refusal = { status, methods };
  }

  /** Ends what {@link refuse} began. */
  accept(): void {
    this.#refusal = undefined;
  }

  /** How many requests of a method came in for paths that begin so. */
  count(method: string, prefix = '/'): number {
    return this.requests.filter((request) => request.method === method && request.path.startsWith(prefix)).length;
  }

  /** Forgets the requests so far. */
  forget(): void {
    this.requests.length = 0;
  }

  /** Paths of the files that it has, sorted, such as `/v1/blobs/...`. */
  async files(prefix = '/'): Promise<readonly string[]> {
    const entries = await readdir(this.directory, { recursive: true, withFileTypes: true });
    const paths = entries
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name).slice(this.directory.length));
    return paths.filter((path) => path.startsWith(prefix) && !path.endsWith('.part')).sort();
  }

  /** Where the file of a path lies. */
  fileOf(path: string): string {
    return join(this.directory, path);
  }

  /** Ends the server and what it is answering. Files stay. */
  async stop(): Promise<void> {
    await this.#server?.close();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', headers } = request;
    const path = new URL(request.url ?? '/', this.url).pathname;
    const [, basic] = /^Basic (.+)$/.exec(headers.authorization ?? '') ?? [];
    this.requests.push({ method, path, ...(basic === undefined ? {} : { credentials: Buffer.from(basic, 'base64').toString() }) });
    const refusal = this.#refusal;
    if (refusal !== undefined && (refusal.methods.length === 0 || refusal.methods.includes(method))) end(request, response, refusal.status);
    else if (method === 'PUT') await this.#put(request, response, this.fileOf(path));
    else if (method === 'GET' || method === 'HEAD') await send(request, response, this.fileOf(path));
    else end(request, response, 405);
  }

  /** Whole, or not at all. */
  async #put(request: IncomingMessage, response: ServerResponse, file: string): Promise<void> {
    const part = `${file}.${(this.#puts += 1)}.part`;
    await mkdir(dirname(file), { recursive: true });
    await pipeline(request, createWriteStream(part));
    await rename(part, file);
    response.writeHead(201).end();
  }
}

function end(request: IncomingMessage, response: ServerResponse, status: number): void {
  request.resume();
  response.writeHead(status).end();
}

async function send(request: IncomingMessage, response: ServerResponse, file: string): Promise<void> {
  const entry = await stat(file).catch(() => undefined);
  if (entry?.isFile() !== true) return end(request, response, 404);
  response.writeHead(200, { 'content-length': entry.size });
  if (request.method === 'HEAD') response.end();
  else await pipeline(createReadStream(file), response);
}
