import type { Readable } from 'node:stream';
import type { buildConnector, Dispatcher } from 'undici';
import { BodyHandler, type AnswerBody, type AnswerStart } from './answer-body.js';
import { fetchError } from './errors.js';
import { Paces } from './pace.js';
import { withPatientParser } from './parser-code.js';
import { redactUrl } from './redact-url.js';
import { followRedirect, isRedirect } from './redirect.js';
import type { Timer } from './retry.js';
import type { SentBody } from './sent-body.js';

export interface Timeouts {
  readonly connectMs: number;
  /** Until the answer's headers are there. */
  readonly headersMs: number;
  /** Longest pause between two pieces of the body, and how long it may come more slowly than `leastBytesPerSecond`. */
  readonly bodyMs: number;
  /** What all bodies that are received at once bring at least: a server that sends a byte now and then counts as one that sends none. */
  readonly leastBytesPerSecond: number;
}

/** What is used when nobody says otherwise: the rate is that of dnf, below which another mirror is better in any case. */
export const DEFAULT_TIMEOUTS: Timeouts = { connectMs: 20_000, headersMs: 60_000, bodyMs: 30_000, leastBytesPerSecond: 1000 };

export interface ProxyEnvironment {
  readonly httpProxy?: string;
  readonly httpsProxy?: string;
  readonly noProxy?: string;
}

/** Reads the usual proxy variables; lower case wins, empty means unset, and a proxy without a scheme is one of http, as curl has it. */
export function proxyEnvironment(env: Readonly<Record<string, string | undefined>>): ProxyEnvironment {
  const of = (name: string): string | undefined =>
    [env[name], env[name.toUpperCase()]].find((value) => value !== undefined && value !== '');
  const proxy = (name: string): string | undefined => of(name)?.replace(/^(?!\w+:\/\/)/, 'http://');
  const [httpProxy, httpsProxy, noProxy] = [proxy('http_proxy'), proxy('https_proxy'), of('no_proxy')];
  return {
    ...(httpProxy === undefined ? {} : { httpProxy }),
    ...(httpsProxy === undefined ? {} : { httpsProxy }),
    ...(noProxy === undefined ? {} : { noProxy }),
  };
}

export interface ConnectionOptions {
  readonly timeouts: Timeouts;
  /** Connections to one origin. */
  readonly connections: number;
  readonly proxy: ProxyEnvironment;
  readonly timer: Pick<Timer, 'now'>;
}

export interface RequestOptions {
  readonly signal: AbortSignal;
  /** Default: GET. */
  readonly method?: 'DELETE' | 'GET' | 'HEAD' | 'PATCH' | 'POST' | 'PUT';
  /** How long the body may take, at whatever rate. */
  readonly bodyWithinMs?: number;
}

/**
 * The connection pool: a bounded number of connections to each origin, through a proxy when the environment names one. It is made, and
 * undici loaded, with the first exchange: most runs need no network, and undici takes longer to load than all of our own code for it.
 */
export class Connections {
  private readonly options: ConnectionOptions;
  private readonly paces: Paces;
  private opened: Promise<Transports> | undefined;

  constructor(options: ConnectionOptions) {
    this.options = options;
    const { bodyMs, leastBytesPerSecond } = options.timeouts;
    this.paces = new Paces(() => options.timer.now(), { bytesPerSecond: leastBytesPerSecond, overMs: bodyMs });
  }

  /**
   * One request, without its redirects.
   *
   * @throws `ICT_FETCH_STALLED`, `ICT_FETCH_CONNECTION`, `ICT_FETCH_ADDRESS` for a proxy, or the signal's reason.
   */
  async request(
    url: URL,
    headers: Readonly<Record<string, string>>,
    { signal, method = 'GET', bodyWithinMs, body }: RequestOptions & { readonly body?: Readable },
  ): Promise<AnswerStart> {
    this.opened ??= openTransports(this.options);
    const transports = await this.opened;
    const dispatcher = url.protocol === 'https:' ? transports.https : transports.http;
    signal.throwIfAborted();
    const handler = new BodyHandler(signal, (failure) => transportError(failure, url), {
      now: () => this.options.timer.now(),
      begin: () => this.paces.begin(url, bodyWithinMs),
    });
    const request = { origin: url.origin, path: `${url.pathname}${url.search}`, method, headers: { ...headers } };
    dispatcher.dispatch(body === undefined ? request : { ...request, body }, handler);
    return handler.started;
  }

  /** Ends every exchange at once. */
  async close(): Promise<void> {
    const { http, https } = (await this.opened?.catch(() => undefined)) ?? {};
    await Promise.all([http?.destroy(), https === http ? undefined : https?.destroy()]);
  }
}

/** Of proxies, those that undici speaks to. */
const PROXY_PROTOCOLS: ReadonlySet<string> = new Set(['http:', 'https:', 'socks5:', 'socks:']);

/** @throws `ICT_FETCH_ADDRESS` for a proxy that is no address */
function requireProxy(variable: string, address: string | undefined): void {
  if (address === undefined || (URL.canParse(address) && PROXY_PROTOCOLS.has(new URL(address).protocol))) return;
  throw fetchError('ICT_FETCH_ADDRESS', {
    message: `${redactUrl(address)} of the environment variable ${variable} is not the address of a proxy`,
    hint: 'Write a whole address, such as http://proxy.example:3128, or unset the variable.',
    facts: { variable },
  });
}

/** What asks by each protocol. */
interface Transports {
  readonly http: Dispatcher;
  readonly https: Dispatcher;
}

async function openTransports({ timeouts, connections, proxy }: ConnectionOptions): Promise<Transports> {
  requireProxy('http_proxy', proxy.httpProxy);
  requireProxy('https_proxy', proxy.httpsProxy);
  const { Agent, EnvHttpProxyAgent, Pool, buildConnector } = await import('undici');
  const connecting = { timeout: timeouts.connectMs, allowH2: false };
  const common = {
    connections,
    pipelining: 1,
    allowH2: false,
    connect: buildConnector(connecting),
    headersTimeout: timeouts.headersMs,
    bodyTimeout: timeouts.bodyMs,
  };
  // Of what it connects to proxies by, undici itself says no more than how.
  const pool = (origin: string | URL, options: { readonly connect: buildConnector.connector }): Dispatcher =>
    new Pool(origin, { ...common, ...options, connect: withPatientParser(options.connect) });
  const direct = (): Dispatcher => new Agent({ ...common, factory: pool });
  if (proxy.httpProxy === undefined && proxy.httpsProxy === undefined) {
    const agent = direct();
    return { http: agent, https: agent };
  }
  const proxied = new EnvHttpProxyAgent({
    ...common,
    factory: pool,
    clientFactory: pool,
    proxyTls: connecting,
    requestTls: connecting,
    httpProxy: proxy.httpProxy ?? '',
    httpsProxy: proxy.httpsProxy ?? '',
    noProxy: proxy.noProxy ?? '',
  });
  // It would send https through a proxy of http, as nobody else does.
  return { http: proxied, https: proxy.httpsProxy === undefined ? direct() : proxied };
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AnswerBody;
  /** The address that answered, after redirects. */
  readonly url: URL;
}

export interface ExchangeOptions extends RequestOptions {
  readonly connections: Connections;
  readonly allowDowngrade: boolean;
  /** What goes to the origin of the address instead of the user and password in it. */
  readonly authorization?: string;
  /** Redirects with these statuses are answers: they are not followed. */
  readonly answers?: readonly number[];
  /** Opens what is sent, whose length the headers say: once, and again for each redirect. It is closed with the answer. */
  readonly openBody?: () => Promise<SentBody>;
}

/** Basic authorization of the user and password in an address, if there are any. RFC 7617. */
function basicAuthorization(url: URL): string | undefined {
  if (url.username === '' && url.password === '') return undefined;
  const pair = `${unescaped(url.username)}:${unescaped(url.password)}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

/** A part of an address as it is meant. One whose "%" escapes nothing is meant as it is written. */
function unescaped(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Our error for what undici tells while connecting, waiting or reading. */
function transportError(cause: unknown, url: URL): Error {
  const address = redactUrl(url);
  const reason = (cause as { code?: unknown }).code;
  const message = cause instanceof Error ? cause.message : String(cause);
  const facts = { url: address, reason };
  if (reason === 'UND_ERR_HEADERS_TIMEOUT' || reason === 'UND_ERR_BODY_TIMEOUT') {
    return fetchError('ICT_FETCH_STALLED', {
      message: `${address} stopped sending`,
      hint: 'Try again later or use another mirror.',
      facts,
      cause,
    });
  }
  return fetchError('ICT_FETCH_CONNECTION', {
    message: `${address} cannot be reached: ${message}`,
    hint: 'Check the network, the proxy variables and the mirror, or build with --offline.',
    facts,
    cause,
  });
}

function flat(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) result[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value;
  }
  return result;
}

/**
 * One request, with its redirects. A user name and password in the address go to its origin as Basic authorization, or `authorization` does, and to no
 * other origin that a redirect may name.
 *
 * @returns the first answer that is no redirect, its body not yet read: the caller must receive or discard it.
 * @throws `ICT_FETCH_REDIRECT`, `ICT_FETCH_STALLED`, `ICT_FETCH_CONNECTION`, or the signal's reason; Node's own errors for what is sent and cannot be read.
 */
export async function exchange(address: URL, headers: Readonly<Record<string, string>>, options: ExchangeOptions): Promise<Answer> {
  const { connections, signal, method = 'GET', bodyWithinMs, allowDowngrade, answers = [], openBody } = options;
  const authorization = options.authorization ?? basicAuthorization(address);
  const credentials: Record<string, string> = authorization === undefined ? {} : { authorization };
  const visited = [address];
  for (;;) {
    const url = visited.at(-1) ?? address;
    const bare = new URL(url);
    bare.username = '';
    bare.password = '';
    const body = await openBody?.();
    const answer = await connections
      .request(
        bare,
        { 'user-agent': 'ict', 'accept-encoding': 'identity', ...headers, ...(url.origin === address.origin ? credentials : {}) },
        { signal, method, ...(bodyWithinMs === undefined ? {} : { bodyWithinMs }), ...(body === undefined ? {} : { body: body.stream }) },
      )
      .catch((error: unknown) => Promise.reject(body?.trouble() ?? error))
      .finally(() => body?.stream.destroy()); // whoever answers has it, or wants no more of it
    const received = flat(answer.headers);
    const { statusCode: status, body: content } = answer;
    if (!isRedirect(status, method) || answers.includes(status)) return { status, headers: received, body: content, url: bare };
    content.discard(); // nobody reads the page of a redirect
    visited.push(followRedirect(visited, received['location'], { allowDowngrade }));
  }
}
