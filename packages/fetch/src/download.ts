import type { Digest, EventBody } from '@ict/plugin-api';
import { hasCode, isIctError } from '@ict/plugin-api';
import type { ContentIdentity } from '@ict/integrity';
import { answerFacts } from './answer-facts.js';
import { fetchError } from './errors.js';
import { exchange, type Answer, type ExchangeOptions } from './exchange.js';
import type { PartialDownload } from './partial.js';
import { redactUrl } from './redact-url.js';
import { delayAfter, isTransient, type RetryPolicy, type Timer } from './retry.js';

export interface DownloadRequest {
  /** The address to ask, mirror and credentials included. */
  readonly url: URL;
  /** The public address: what events and facts of errors name. Their messages name the one that was asked, so that each mirror is told apart. */
  readonly name: string;
  readonly maxBytes: number;
  readonly expect?: { readonly digest?: Digest; readonly sizeBytes?: number };
  /** Validators of an earlier answer; when the server says that it still holds, the outcome is `unchanged`. */
  readonly validators?: { readonly etag?: string; readonly lastModified?: string };
  readonly onProgress: (receivedBytes: number, totalBytes: number | undefined) => void;
}

export type DownloadOutcome =
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'complete'; readonly identity: ContentIdentity; readonly etag?: string; readonly lastModified?: string };

export interface DownloadOptions extends ExchangeOptions {
  readonly retry: RetryPolicy;
  /** When to ask past caches on the way: once wrong content came, from the start (wrong content came before), or not at all. */
  readonly pastCaches: 'when wrong' | 'at once' | 'never';
  readonly timer: Timer;
  readonly emit: (event: EventBody) => void;
}

/** An attempt that brought at least this much does not count as a failed one. */
const progressBytes = 1024 * 1024;

/** What one call of {@link download} remembers between its attempts. */
interface Progress {
  /** Strong validator of the bytes received so far, for If-Range. */
  validator?: string;
  /** Ask caches on the way for a fresh copy. */
  bypassCaches: boolean;
}

/**
 * A validator that proves byte-for-byte identity: a strong ETag, else a Last-Modified that is at least a minute older than the
 * answer. RFC 9110, 8.8.2.2 and 13.1.5.
 */
export function strongValidator(headers: Readonly<Record<string, string>>): string | undefined {
  const { etag, date } = headers;
  if (etag !== undefined && /^"[^"]*"$/.test(etag)) return etag;
  const modified = headers['last-modified'];
  if (modified === undefined || date === undefined) return undefined;
  return Date.parse(date) - Date.parse(modified) >= 60_000 ? modified : undefined;
}

/** First byte and total of `bytes 5-9/10`; total is undefined for `*`. RFC 9110, 14.4. */
export function parseContentRange(
  header: string | undefined,
): { readonly start: number; readonly totalBytes: number | undefined } | undefined {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(header ?? '');
  if (match === null) return undefined;
  return { start: Number(match[1]), totalBytes: match[3] === '*' ? undefined : Number(match[3]) };
}

/** Whether an answer says that it is of another file than the one that a validator is of, though it was asked for a part of that. */
function isOfAnother({ headers }: Answer, validator: string | undefined): boolean {
  if (validator === undefined) return false;
  const said = validator.startsWith('"') ? headers['etag'] : headers['last-modified'];
  return said !== undefined && said !== validator;
}

function mismatch(
  request: DownloadRequest,
  what: 'size' | 'digest',
  expected: string | number | undefined,
  actual: string | number,
): Error {
  return fetchError('ICT_FETCH_MISMATCH', {
    message: `${redactUrl(request.url)} is not what its repository says: expected ${what} ${expected}, got ${actual}`,
    hint: 'The mirror may be mid-sync: try again later or use another mirror.',
    facts: { url: request.name, answeredBy: redactUrl(request.url), expected, actual },
  });
}

function tooLarge(request: DownloadRequest, sizeBytes: number): Error {
  return fetchError('ICT_FETCH_TOO_LARGE', {
    message: `${redactUrl(request.url)} is larger than the ${request.maxBytes} bytes that are allowed`,
    hint: 'The server may answer with another file than the one asked for: open the address by hand.',
    facts: { url: request.name, answeredBy: redactUrl(request.url), maxBytes: request.maxBytes, sizeBytes },
  });
}

function truncated(request: DownloadRequest, receivedBytes: number, totalBytes: number | undefined, cause?: unknown): Error {
  return fetchError('ICT_FETCH_TRUNCATED', {
    message: `${redactUrl(request.url)} ended after ${receivedBytes} bytes${totalBytes === undefined ? '' : ` of ${totalBytes}`}`,
    hint: 'Try again: the download goes on where it stopped.',
    facts: { url: request.name, answeredBy: redactUrl(request.url), receivedBytes, totalBytes },
    cause,
  });
}

function statusError(request: DownloadRequest, answer: Answer): Error {
  const facts = answerFacts(request.name, answer);
  if (answer.status === 404 || answer.status === 410) {
    return fetchError('ICT_FETCH_NOT_FOUND', {
      message: `${redactUrl(request.url)} does not exist`,
      hint: 'Check the address; of a repository also its suite, component and mirror.',
      facts,
    });
  }
  return fetchError('ICT_FETCH_STATUS', {
    message: `${redactUrl(request.url)} was answered with status ${answer.status}`,
    hint:
      answer.status === 401 || answer.status === 403 ? 'Check the credentials and the mirror.' : 'Try again later or use another mirror.',
    facts,
  });
}

function lengthOf(answer: Answer): number | undefined {
  const header = answer.headers['content-length'];
  return header !== undefined && /^\d{1,15}$/.test(header) ? Number(header) : undefined;
}

/** Throws when the announced size cannot be right. */
function checkAnnounced(request: DownloadRequest, totalBytes: number | undefined): void {
  if (totalBytes === undefined) return;
  const { sizeBytes } = request.expect ?? {};
  if (sizeBytes !== undefined && totalBytes !== sizeBytes) throw mismatch(request, 'size', sizeBytes, totalBytes);
  if (totalBytes > request.maxBytes) throw tooLarge(request, totalBytes);
}

async function receive(request: DownloadRequest, answer: Answer, partial: PartialDownload, totalBytes: number | undefined): Promise<void> {
  const { sizeBytes } = request.expect ?? {};
  const take = (piece: Uint8Array): void => {
    const received = partial.hasher.sizeBytes + piece.length;
    if (sizeBytes !== undefined && received > sizeBytes) throw mismatch(request, 'size', sizeBytes, `at least ${received}`);
    if (received > request.maxBytes) throw tooLarge(request, received);
    partial.append(piece);
    request.onProgress(received, totalBytes ?? sizeBytes);
  };
  try {
    await answer.body.receive(take);
  } catch (error) {
    throw hasCode(error, 'ICT_FETCH_CONNECTION') ? truncated(request, partial.hasher.sizeBytes, totalBytes, (error as Error).cause) : error;
  }
  const wanted = totalBytes ?? sizeBytes;
  if (wanted !== undefined && partial.hasher.sizeBytes < wanted) throw truncated(request, partial.hasher.sizeBytes, wanted);
}

function finish(request: DownloadRequest, partial: PartialDownload): ContentIdentity {
  const { digest, sizeBytes } = request.expect ?? {};
  const identity = partial.hasher.finish();
  if (sizeBytes !== undefined && identity.sizeBytes !== sizeBytes) throw mismatch(request, 'size', sizeBytes, identity.sizeBytes);
  if (digest !== undefined && identity.digest !== digest) throw mismatch(request, 'digest', digest, identity.digest);
  return identity;
}

async function attempt(
  request: DownloadRequest,
  partial: PartialDownload,
  progress: Progress,
  options: DownloadOptions,
): Promise<DownloadOutcome> {
  const { digest, sizeBytes } = request.expect ?? {};
  if (digest === undefined && progress.validator === undefined && partial.hasher.sizeBytes > 0) partial.restart();
  if (sizeBytes !== undefined && sizeBytes > 0 && partial.hasher.sizeBytes >= sizeBytes) {
    return { kind: 'complete', identity: finish(request, partial) }; // an earlier process, or mirror, stopped just before its end
  }
  const offset = partial.hasher.sizeBytes;
  const { validators } = request;
  const headers: Record<string, string> = {
    ...(progress.bypassCaches ? { 'cache-control': 'no-cache', pragma: 'no-cache' } : {}),
    ...(offset > 0 ? { range: `bytes=${offset}-` } : {}),
    ...(offset > 0 && progress.validator !== undefined ? { 'if-range': progress.validator } : {}),
    ...(offset === 0 && validators?.etag !== undefined ? { 'if-none-match': validators.etag } : {}),
    ...(offset === 0 && validators?.lastModified !== undefined ? { 'if-modified-since': validators.lastModified } : {}),
  };
  const answer = await exchange(request.url, headers, options);
  try {
    if (answer.status === 304 && validators !== undefined && offset === 0) return { kind: 'unchanged' };
    let totalBytes = lengthOf(answer);
    if (offset > 0 && (answer.status === 206 || answer.status === 416)) {
      const range = parseContentRange(answer.headers['content-range']);
      if (answer.status === 416 || range?.start !== offset || isOfAnother(answer, progress.validator)) {
        partial.restart();
        throw truncated(request, 0, range?.totalBytes); // not what was asked for: the next attempt begins anew
      }
      totalBytes = range.totalBytes ?? (totalBytes === undefined ? undefined : offset + totalBytes);
    } else if (answer.status !== 200) {
      throw statusError(request, answer);
    } else if (offset > 0) {
      partial.restart(); // the server sends all of it
    }
    checkAnnounced(request, totalBytes);
    const validator = strongValidator(answer.headers);
    if (validator === undefined) delete progress.validator;
    else progress.validator = validator;
    await receive(request, answer, partial, totalBytes);
    const { etag } = answer.headers;
    const lastModified = answer.headers['last-modified'];
    return {
      kind: 'complete',
      identity: finish(request, partial),
      ...(etag === undefined ? {} : { etag }),
      ...(lastModified === undefined ? {} : { lastModified }),
    };
  } finally {
    answer.body.discard(); // whatever is left of it
  }
}

/**
 * Gets one file into `partial`: attempts, resumes and checks.
 *
 * A failure that may pass (connection, stall, early end, 408, 425, 429, 5xx) is retried after a growing wait, and the download
 * goes on where it stopped; an attempt that brought a mebibyte does not count. Wrong content is asked for once more from its
 * first byte, past caches, when `pastCaches` says so or its beginning came from elsewhere. Everything else is final at once.
 *
 * @throws `ICT_FETCH_*`, or the signal's reason.
 */
export async function download(request: DownloadRequest, partial: PartialDownload, options: DownloadOptions): Promise<DownloadOutcome> {
  const { retry, pastCaches, timer, emit, signal } = options;
  const progress: Progress = { bypassCaches: pastCaches === 'at once' };
  let failures = 0;
  // Wrong content has one second chance: a cache on the way may be to blame, or the ended process or other mirror that began the file.
  let secondChance = pastCaches === 'when wrong' || partial.hasher.sizeBytes > 0;
  for (let number = 1; ; number += 1) {
    const before = partial.hasher.sizeBytes;
    let failure: unknown;
    try {
      return await attempt(request, partial, progress, options);
    } catch (error) {
      signal.throwIfAborted();
      failure = error;
    }
    if (secondChance && hasCode(failure, 'ICT_FETCH_MISMATCH')) {
      secondChance = false;
      progress.bypassCaches = true;
      delete progress.validator;
      partial.restart();
    } else if (!isTransient(failure)) {
      throw failure;
    } else if (partial.hasher.sizeBytes - before < progressBytes) {
      failures += 1;
      if (failures > retry.retries) throw failure;
    }
    if (!isIctError(failure)) throw failure;
    emit({ type: 'fetch.retry', url: request.name, attempt: number, reason: failure.message });
    await timer.sleep(delayAfter(failure, Math.max(1, failures), retry, timer), signal);
  }
}
