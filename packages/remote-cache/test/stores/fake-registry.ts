import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { digestOf } from '@ict/integrity';

/** How a registry wants to be asked. */
export interface RegistryRules {
  /** Who may ask, `user:password` or an identity token; default: everybody. */
  readonly who?: string;
  /** By which challenge; default: Basic. */
  readonly challenge?: 'basic' | 'bearer';
  /** The challenge itself, where it is not to be one that helps. */
  readonly says?: string;
  /** How many requests a token is good for. */
  readonly tokenUses?: number;
  /** Where uploads go on; absent: where they should. */
  readonly location?: string;
  /** Blobs come from another server, and go there. */
  readonly storage?: boolean;
  /** What that server wants to be told, by its host: it is after passwords. */
  readonly greedy?: (host: string) => string;
  /** Where the service of tokens sends those who ask it. */
  readonly elsewhere?: string;
  /** Who asks for what is not there may not know it: 403. */
  readonly secretive?: boolean;
}

/** An OCI registry in memory: as strict as the specification lets it be. */
export class FakeRegistry {
  readonly blobs = new Map<string, Buffer>();
  /** By `repository:tag`. */
  readonly manifests = new Map<string, Buffer>();
  /** `METHOD /path` of each request, without the query. */
  readonly asked: string[] = [];
  /** Scopes that tokens were given for. */
  readonly scopes: string[] = [];
  /** `authorization` of requests to the other server. */
  readonly strayed: (string | undefined)[] = [];
  /** Answers the next requests that begin so with this status. */
  readonly failing = new Map<string, number>();
  /** Methods of which the next that ends an upload succeeds, and says that it did not. */
  readonly failsAfter = new Set<string>();
  private readonly rules: RegistryRules;
  private readonly tokens = new Map<string, { scope: string; uses: number }>();
  /** What was sent in each upload. */
  private readonly sessions = new Map<string, Buffer>();
  private readonly main: Server = createServer((request, response) => void this.answer(request, response));
  private readonly storage: Server = createServer((request, response) => void this.answerOfStorage(request, response));

  private constructor(rules: RegistryRules) {
    this.rules = rules;
  }

  static async start(rules: RegistryRules = {}): Promise<FakeRegistry> {
    const registry = new FakeRegistry(rules);
    for (const server of [registry.main, registry.storage]) {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    }
    return registry;
  }

  get host(): string {
    return hostOf(this.main);
  }

  async close(): Promise<void> {
    for (const server of [this.main, this.storage]) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request);
    const { method = '' } = request;
    const url = new URL(request.url ?? '/', `http://${this.host}`);
    this.asked.push(`${method} ${url.pathname}`);
    const failing = [...this.failing].find(([beginning]) => `${method} ${url.pathname}`.startsWith(beginning));
    if (failing !== undefined) {
      this.failing.delete(failing[0]);
      return end(response, failing[1]);
    }
    if (url.pathname === '/v2/') {
      if (this.isOpen) return end(response, 200);
      return end(response, 401, { 'www-authenticate': this.says() });
    }
    if (url.pathname === '/token' && this.rules.elsewhere !== undefined) return end(response, 307, { location: this.rules.elsewhere });
    if (url.pathname === '/token') return this.giveToken(request, response, url, body);
    const [, repository = '', kind, name = ''] = /^\/v2\/(.+)\/(manifests|blobs)\/(.+)$/.exec(url.pathname) ?? [];
    if (!this.mayAsk(request, repository, method === 'GET' || method === 'HEAD' ? 'pull' : 'push')) {
      return end(response, 401, { 'www-authenticate': this.says() });
    }
    if (kind === 'manifests') return this.answerManifest(request, response, `${repository}:${name}`, body);
    if (name === 'uploads/' && method === 'POST') return this.startUpload(response, repository);
    if (method === 'PATCH') return this.takePiece(response, url, body);
    if (method === 'PUT') return this.keepBlob(response, url);
    if (this.rules.storage === true && method === 'GET' && this.blobs.has(name)) {
      return end(response, 307, { location: `http://${hostOf(this.storage)}/kept/${name}` });
    }
    give(request, response, this.blobs.get(name));
  }

  private answerManifest(request: IncomingMessage, response: ServerResponse, name: string, body: Buffer): void {
    if (request.method !== 'PUT') {
      if (!String(request.headers.accept).includes('vnd.oci.image.manifest')) return end(response, 406);
      const manifest = this.manifests.get(name);
      if (manifest === undefined && this.rules.secretive === true) return end(response, 403);
      return give(request, response, manifest);
    }
    if (!/^[^:]+:[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/.test(name)) return end(response, 400);
    const { mediaType, config, layers } = JSON.parse(body.toString()) as {
      readonly mediaType: string;
      readonly config: { readonly digest: string };
      readonly layers: readonly { readonly digest: string; readonly size: number }[];
    };
    const complete = [config, ...layers].every(({ digest }) => this.blobs.has(digest));
    if (!complete || mediaType !== request.headers['content-type']) return end(response, 400);
    this.manifests.set(name, body);
    end(response, 201, { 'docker-content-digest': digestOf(body) });
  }

  private startUpload(response: ServerResponse, repository: string): void {
    const session = randomBytes(8).toString('hex');
    this.sessions.set(session, Buffer.alloc(0));
    const path = `/v2/${repository}/blobs/uploads/${session}?_state=a%2Fb`;
    if (this.rules.location !== undefined) return end(response, 202, { location: this.rules.location });
    end(response, 202, { location: this.rules.storage === true ? `http://${hostOf(this.storage)}${path}` : path });
  }

  /** Goes on where the one before ended, as registries do. */
  private takePiece(response: ServerResponse, url: URL, body: Buffer): void {
    const session = sessionOf(url);
    const before = this.sessions.get(session);
    if (before === undefined || url.searchParams.get('_state') !== 'a/b') return end(response, 404);
    this.sessions.set(session, Buffer.concat([before, body]));
    end(response, 202, { location: url.pathname + url.search, range: `0-${before.length + body.length - 1}` });
  }

  private keepBlob(response: ServerResponse, url: URL): void {
    const content = this.sessions.get(sessionOf(url));
    if (content === undefined || url.searchParams.get('_state') !== 'a/b') return end(response, 404);
    this.sessions.delete(sessionOf(url));
    const digest = digestOf(content);
    if (url.searchParams.get('digest') !== digest) return end(response, 400);
    this.blobs.set(digest, content);
    end(response, this.failsAfter.delete('PUT') ? 504 : 201);
  }

  private async answerOfStorage(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request);
    this.strayed.push(request.headers.authorization);
    const url = new URL(request.url ?? '/', 'http://storage');
    if (this.rules.greedy !== undefined && request.headers.authorization === undefined) {
      return end(response, 401, { 'www-authenticate': this.rules.greedy(hostOf(this.storage)) });
    }
    if (request.method === 'PATCH') this.takePiece(response, url, body);
    else if (request.method === 'PUT') this.keepBlob(response, url);
    else give(request, response, this.blobs.get(url.pathname.slice('/kept/'.length)));
  }

  private get isOpen(): boolean {
    return this.rules.who === undefined && this.rules.challenge === undefined && this.rules.says === undefined;
  }

  private says(): string {
    return this.rules.says?.replace('REALM', `http://${this.host}/token`) ?? this.challenge();
  }

  private challenge(): string {
    if (this.rules.challenge !== 'bearer') return 'Basic realm="registry"';
    return `Bearer realm="http://${this.host}/token",service="registry.example",scope="repository:whatever:pull"`;
  }

  private mayAsk({ headers }: IncomingMessage, repository: string, action: string): boolean {
    if (this.isOpen) return true;
    if (this.rules.challenge !== 'bearer') return headers.authorization === basicOf(this.rules.who ?? '');
    const token = this.tokens.get(headers.authorization?.replace(/^Bearer /, '') ?? '');
    if (token === undefined || token.uses === 0) return false;
    token.uses -= 1;
    const [, forRepository, actions = ''] = /^repository:(.+):(.+)$/.exec(token.scope) ?? [];
    return forRepository === repository && actions.split(',').includes(action);
  }

  private giveToken({ method, headers }: IncomingMessage, response: ServerResponse, url: URL, body: Buffer): void {
    const { who } = this.rules;
    const asked = method === 'POST' ? new URLSearchParams(body.toString()) : url.searchParams;
    const known = method === 'POST' ? asked.get('refresh_token') === who : headers.authorization === basicOf(who ?? '');
    if ((who !== undefined && !known) || asked.get('service') !== 'registry.example') return end(response, 401);
    const scope = asked.get('scope') ?? '';
    this.scopes.push(scope);
    const token = randomBytes(8).toString('hex');
    this.tokens.set(token, { scope, uses: this.rules.tokenUses ?? Infinity });
    response.writeHead(200).end(JSON.stringify(method === 'POST' ? { access_token: token } : { token }));
  }
}

function sessionOf(url: URL): string {
  return url.pathname.slice(url.pathname.lastIndexOf('/') + 1);
}

function hostOf(server: Server): string {
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function basicOf(pair: string): string {
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

function give({ method }: IncomingMessage, response: ServerResponse, content: Buffer | undefined): void {
  if (content === undefined) return end(response, 404);
  response.writeHead(200, { 'content-length': content.length }).end(method === 'HEAD' ? undefined : content);
}

function end(response: ServerResponse, status: number, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, { 'content-length': '0', ...headers }).end();
}
