import { open, stat } from 'node:fs/promises';
import { refuseSpecialFile } from '@ict/integrity';
import { readAddress } from './address.js';
import { answerFacts } from './answer-facts.js';
import { fetchError } from './errors.js';
import { Connections, DEFAULT_TIMEOUTS, exchange, proxyEnvironment, type Answer, type ExchangeOptions, type Timeouts } from './exchange.js';
import { redactUrl } from './redact-url.js';
import { DEFAULT_RETRY, realTimer, retrying, type RetryPolicy, type Timer } from './retry.js';

/** Puts files on servers of HTTP(S). A user and password stand in the address, as for a {@link createFetcher | fetcher}. */
export interface Uploader {
  /** Whether the server has a file at this address: HEAD, of which 404 and 410 say that it has not. */
  has(url: string): Promise<boolean>;
  /** Makes a file the content of this address: PUT, to which any status of success will do. */
  put(url: string, file: string): Promise<void>;
  /** Ends every exchange at once. */
  close(): Promise<void>;
}

export interface UploaderOptions {
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

const READ_BYTES = 256 * 1024;

/**
 * Uploads with the proxies, timeouts and retries of downloads: failures that may pass are tried again, with the file from its start.
 *
 * Its `has` and `put` throw `ICT_FETCH_STATUS` for a refusal, with `status` in its facts, `ICT_FETCH_CONNECTION`, `ICT_FETCH_STALLED`,
 * `ICT_FETCH_REDIRECT`, `ICT_FETCH_ADDRESS`, or the signal's reason; `put` also Node's own errors for a file that cannot be opened.
 */
export function createUploader(options: UploaderOptions = {}): Uploader {
  const timer = options.timer ?? realTimer;
  const retry = { ...DEFAULT_RETRY, ...options.retry };
  const closing = new AbortController();
  const signal = AbortSignal.any([closing.signal, ...(options.signal === undefined ? [] : [options.signal])]);
  const connections = new Connections({
    timeouts: { ...DEFAULT_TIMEOUTS, ...options.timeouts },
    connections: CONNECTIONS,
    proxy: proxyEnvironment(options.env ?? process.env),
  });

  async function ask(
    method: 'HEAD' | 'PUT',
    url: string,
    headers: Readonly<Record<string, string>> = {},
    body: Pick<ExchangeOptions, 'openBody'> = {},
  ): Promise<boolean> {
    signal.throwIfAborted();
    const answer = await exchange(readAddress(url, 'http or https'), headers, {
      connections,
      signal,
      allowDowngrade: false,
      method,
      ...body,
    });
    answer.body.discard();
    if (answer.status >= 200 && answer.status < 300) return true;
    if (method === 'HEAD' && (answer.status === 404 || answer.status === 410)) return false;
    throw refusal(method, redactUrl(url), answer);
  }

  return {
    has: (url) => retrying(() => ask('HEAD', url), { retry, timer, signal }),
    async put(url, file) {
      const send = async (): Promise<boolean> => {
        refuseSpecialFile(file);
        const { size } = await stat(file);
        const headers = { 'content-length': String(size), 'content-type': 'application/octet-stream' };
        // As long as was announced, also when somebody appends to it.
        const openBody = async () => (await open(file)).createReadStream({ end: size - 1, highWaterMark: READ_BYTES });
        return ask('PUT', url, headers, size === 0 ? {} : { openBody });
      };
      await retrying(send, { retry, timer, signal });
    },
    async close() {
      closing.abort(fetchError('ICT_FETCH_CLOSED', { message: 'The uploader was closed', hint: 'This is a defect: please report it.' }));
      await connections.close();
    },
  };
}

function refusal(method: 'HEAD' | 'PUT', name: string, answer: Answer): Error {
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
