import { readAddress } from './address.js';
import { answerFacts } from './answer-facts.js';
import { fetchError } from './errors.js';
import { Connections, DEFAULT_TIMEOUTS, exchange, proxyEnvironment, type Answer, type Timeouts } from './exchange.js';
import { redactUrl } from './redact-url.js';
import { DEFAULT_RETRY, realTimer, retrying, type RetryPolicy, type Timer } from './retry.js';
import { sendable, type SentContent } from './sent-body.js';

/** What goes to a server that keeps files, and comes back in short. */
export interface ClientRequest {
  readonly method: 'DELETE' | 'GET' | 'HEAD' | 'PATCH' | 'POST' | 'PUT';
  /** Of http or https. A user and password in it are sent as Basic authorization, unless `authorization` says otherwise. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Goes to the origin of the address, and to no other that a redirect may name. */
  readonly authorization?: string;
  /** Its length is announced. */
  readonly body?: SentContent;
  /** Statuses that are answers here, beside those of success. A redirect with one of them is not followed. */
  readonly accept?: readonly number[];
  /** Read the body of the answer to other methods than GET and POST, too. */
  readonly reads?: boolean;
  /** Do not try again: what the first attempt did would be done twice. */
  readonly once?: boolean;
  /** How long the body of the answer may take: that of a server that works meanwhile, and sends something now and then. Absent: it has to come quickly. */
  readonly bodyWithinMs?: number;
  /** Ends this request, instead of the client's own signal: what is to be undone once that aborted is told so. */
  readonly signal?: AbortSignal;
}

export interface ClientAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body, of an answer to GET or POST, or of one that is to be read. */
  readonly text: string;
  /** The address that answered, after redirects. */
  readonly url: string;
}

/** Speaks to servers that keep files. What is large is got by a {@link createFetcher | fetcher}. */
export interface HttpClient {
  send(request: ClientRequest): Promise<ClientAnswer>;
  /** Ends every exchange at once. */
  close(): Promise<void>;
}

export interface ClientOptions {
  readonly signal?: AbortSignal;
  /** What is absent: {@link DEFAULT_TIMEOUTS}. `headersMs` is also the longest pause between two pieces that the server takes. */
  readonly timeouts?: Partial<Timeouts>;
  /** What is absent: {@link DEFAULT_RETRY}. */
  readonly retry?: Partial<RetryPolicy>;
  /** Where `http_proxy`, `https_proxy` and `no_proxy` are read; default: the process's environment. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly timer?: Timer;
}

/** Connections to one origin: what is uploaded is large, so that more are no quicker. */
const CONNECTIONS = 4;

/** Longest body of an answer: what is longer is no answer in short. */
const MAX_TEXT_BYTES = 1024 * 1024;

/**
 * Requests with the proxies, timeouts and retries of downloads: failures that may pass are tried again, with the body from its start.
 *
 * Its `send` throws `ICT_FETCH_STATUS` for a refusal, with `status` in its facts, `ICT_FETCH_CONNECTION`, `ICT_FETCH_STALLED`,
 * `ICT_FETCH_REDIRECT`, `ICT_FETCH_ADDRESS`, `ICT_FETCH_TOO_LARGE`, or the signal's reason; also Node's own errors for a file that cannot be read.
 */
export function createClient(options: ClientOptions = {}): HttpClient {
  const timer = options.timer ?? realTimer;
  const retry = { ...DEFAULT_RETRY, ...options.retry };
  const closing = new AbortController();
  const until = (signal: AbortSignal | undefined): AbortSignal =>
    AbortSignal.any([closing.signal, ...(signal === undefined ? [] : [signal])]);
  const common = until(options.signal);
  const connections = new Connections({
    timeouts: { ...DEFAULT_TIMEOUTS, ...options.timeouts },
    connections: CONNECTIONS,
    proxy: proxyEnvironment(options.env ?? process.env),
    timer,
  });

  async function attempt(request: ClientRequest, signal: AbortSignal): Promise<ClientAnswer> {
    const {
      method,
      url,
      headers = {},
      authorization,
      body,
      accept = [],
      reads = method === 'GET' || method === 'POST',
      bodyWithinMs,
    } = request;
    signal.throwIfAborted();
    const sent = body === undefined ? undefined : await sendable(body);
    const answer = await exchange(
      readAddress(url, 'http or https'),
      {
        ...(sent === undefined ? {} : { 'content-type': 'application/octet-stream', 'content-length': String(sent.sizeBytes) }),
        ...headers,
      },
      {
        connections,
        signal,
        allowDowngrade: false,
        method,
        answers: accept,
        ...(authorization === undefined ? {} : { authorization }),
        ...(bodyWithinMs === undefined ? {} : { bodyWithinMs }),
        ...(sent?.openBody === undefined ? {} : { openBody: sent.openBody }),
      },
    );
    try {
      const taken = (answer.status >= 200 && answer.status < 300) || accept.includes(answer.status);
      if (!taken) throw refusal(method, redactUrl(url), answer);
      const text = reads ? await textOf(answer) : '';
      return { status: answer.status, headers: answer.headers, text, url: answer.url.href };
    } finally {
      answer.body.discard(); // whatever is left of it
    }
  }

  return {
    send: (request) => {
      const signal = request.signal === undefined ? common : until(request.signal);
      return retrying(() => attempt(request, signal), { retry: request.once === true ? { ...retry, retries: 0 } : retry, timer, signal });
    },
    async close() {
      closing.abort(fetchError('ICT_FETCH_CLOSED', { message: 'The client was closed', hint: 'This is a defect: please report it.' }));
      await connections.close();
    },
  };
}

async function textOf(answer: Answer): Promise<string> {
  const pieces: Buffer[] = [];
  let sizeBytes = 0;
  await answer.body.receive((piece) => {
    sizeBytes += piece.length;
    if (sizeBytes > MAX_TEXT_BYTES) throw tooLong(redactUrl(answer.url));
    pieces.push(Buffer.from(piece));
  });
  return Buffer.concat(pieces).toString('utf8');
}

function tooLong(url: string): Error {
  return fetchError('ICT_FETCH_TOO_LARGE', {
    message: `${url} is larger than the ${MAX_TEXT_BYTES} bytes that are allowed`,
    hint: 'The server may answer with another file than the one asked for: open the address by hand.',
    facts: { url, maxBytes: MAX_TEXT_BYTES },
  });
}

function refusal(method: ClientRequest['method'], name: string, answer: Answer): Error {
  const denied = answer.status === 401 || answer.status === 403;
  const later = answer.status === 429 || answer.status >= 500;
  return fetchError('ICT_FETCH_STATUS', {
    message: `${name} was answered with status ${answer.status} to ${method}`,
    hint: denied
      ? 'Check the user and password in the address, and what the server lets that user do.'
      : later
        ? 'Try again later.'
        : `Check the address, and whether the server takes ${method} there.`,
    facts: { ...answerFacts(name, answer), method },
  });
}
