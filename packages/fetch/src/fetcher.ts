import { randomBytes } from 'node:crypto';
import { stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureOwnDirectory, isDiskFull, systemErrorOf } from '@ict/integrity';
import { hasCode, isIctError } from '@ict/plugin-api';
import type { EventBody, FetchedFile, Fetcher, FetchRequest } from '@ict/plugin-api';
import { readAddress } from './address.js';
import { createAnswerStore, type StoredAnswer } from './answers.js';
import { download, type DownloadOptions, type DownloadOutcome } from './download.js';
import { fetchError } from './errors.js';
import { failOver } from './fail-over.js';
import { Connections, DEFAULT_TIMEOUTS, proxyEnvironment, type Timeouts } from './exchange.js';
import { copyFileSource } from './file-source.js';
import { createMirrorRoutes, type MirrorRoutes } from './mirror-routes.js';
import type { MirrorCandidate, MirrorMap } from './mirrors.js';
import { createPartialStore, type PartialDownload } from './partial.js';
import { redactUrl } from './redact-url.js';
import { DEFAULT_RETRY, isTransient, realTimer, type RetryPolicy, type Timer } from './retry.js';

export interface FetcherOptions {
  /** Keeps answers to conditional requests and partial downloads between runs. */
  readonly directory: string;
  /** Directories of the same form as `directory`: answers are looked for there, too, and nothing is written. */
  readonly readOnlyDirectories?: readonly string[];
  /** Private directory for finished files; best on the same file system as `directory`. */
  readonly temporary: string;
  readonly signal?: AbortSignal;
  readonly emit?: (event: EventBody) => void;
  readonly mirrors?: MirrorMap;
  /** Answer from what is stored or not at all; `file:` addresses still work. */
  readonly offline?: boolean;
  /** What is absent: {@link DEFAULT_RETRY}. */
  readonly retry?: Partial<RetryPolicy>;
  /** What is absent: {@link DEFAULT_TIMEOUTS}. */
  readonly timeouts?: Partial<Timeouts>;
  /** Connections to one origin; default 8. */
  readonly concurrency?: number;
  /** Follow redirects from https to http; default false. */
  readonly allowDowngrade?: boolean;
  /** Where `http_proxy`, `https_proxy` and `no_proxy` are read; default: the process's environment. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly timer?: Timer;
}

/** A request with what proves who asks, instead of the user and password of its address: it goes to the origin of the address alone. */
export interface AuthorizedRequest extends FetchRequest {
  readonly authorization?: string;
}

/** A {@link Fetcher} that also knows where archives may be got. */
export interface MirroredFetcher extends Fetcher, MirrorRoutes {
  fetch(request: AuthorizedRequest): Promise<FetchedFile>;
  close(): Promise<void>;
}

/** What proves to a server who asks: nothing to a mirror of the one that was meant. */
function proofFor({ url: meant, authorization }: AuthorizedRequest, url: URL): Pick<AuthorizedRequest, 'authorization'> {
  return authorization === undefined || new URL(meant).origin !== url.origin ? {} : { authorization };
}

/** Whether something else came than was asked for: perhaps from a cache on the way. */
function isOther(failure: unknown): boolean {
  return hasCode(failure, 'ICT_FETCH_MISMATCH');
}

/** Between two `fetch.progress` events of one file. */
const progressMs = 100;

/**
 * Gets files over HTTP(S) or from `file:` addresses into `temporary`.
 *
 * Every request is bounded by `maxBytes` while bytes arrive. A file whose digest is known is resumed where an earlier process
 * stopped. A conditional request is answered from the last answer when the server (or `offline`) says so; that body is hashed first.
 *
 * Its `fetch` throws `ICT_FETCH_*` (one page each in docs/errors), or the signal's reason once it aborts.
 */
export function createFetcher(options: FetcherOptions): MirroredFetcher {
  const { directory, temporary, emit = () => undefined, mirrors = new Map(), offline = false, timer = realTimer } = options;
  const timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts };
  const retry = { ...DEFAULT_RETRY, ...options.retry };
  const closing = new AbortController();
  const signal = AbortSignal.any([closing.signal, ...(options.signal === undefined ? [] : [options.signal])]);
  const connections = new Connections({
    timeouts,
    connections: options.concurrency ?? 8,
    proxy: proxyEnvironment(options.env ?? process.env),
    timer,
  });
  const elsewhere = (options.readOnlyDirectories ?? []).map((other) => join(other, 'answers'));
  const answers = createAnswerStore(join(directory, 'answers'), elsewhere);
  let told = false;
  /** What cannot be kept is asked for again next time; a warning says so once. */
  function notKept(error: unknown): void {
    const code = systemErrorOf(error);
    if (code === undefined || isDiskFull(error)) throw error;
    if (!told) emit({ type: 'warning', code: 'ICT_FETCH_NOT_KEPT', message: `what is fetched could not be kept in ${directory}: ${code}` });
    told = true;
  }

  const partials = createPartialStore(join(directory, 'partial'));
  /** Where downloads go that cannot be kept: they end with this process. */
  const passing = createPartialStore(join(temporary, 'partial'));

  async function openPartial({ url, expect, maxBytes }: FetchRequest): Promise<PartialDownload> {
    try {
      return await partials.open(url, expect?.digest, maxBytes);
    } catch (error) {
      notKept(error);
      return passing.open(url, expect?.digest, maxBytes);
    }
  }

  const routes = createMirrorRoutes(mirrors, emit);

  function newFile(): string {
    ensureOwnDirectory(temporary);
    return join(temporary, `fetched-${randomBytes(8).toString('hex')}`);
  }

  function meets(request: FetchRequest, answer: StoredAnswer): boolean {
    const { digest, sizeBytes } = request.expect ?? {};
    if (answer.sizeBytes > request.maxBytes) return false;
    return (digest === undefined || digest === answer.digest) && (sizeBytes === undefined || sizeBytes === answer.sizeBytes);
  }

  async function reuse(request: FetchRequest, answer: StoredAnswer): Promise<FetchedFile | undefined> {
    const file = newFile();
    if (!(await answers.copyBody(request.url, answer, file))) return undefined;
    return { file, digest: answer.digest, sizeBytes: answer.sizeBytes, fromCache: true, url: answer.answeredBy };
  }

  function progressOf(request: FetchRequest): (receivedBytes: number, totalBytes: number | undefined) => void {
    if (request.progress !== true) return () => undefined;
    let last = -Infinity;
    return (receivedBytes, totalBytes) => {
      const now = timer.now();
      if (now - last < progressMs && receivedBytes !== totalBytes) return;
      last = now;
      emit({ type: 'fetch.progress', url: redactUrl(request.url), receivedBytes, ...(totalBytes === undefined ? {} : { totalBytes }) });
    };
  }

  async function fromNetwork(
    request: AuthorizedRequest,
    url: URL,
    {
      partial,
      stored,
      ...care
    }: { partial: PartialDownload; stored: StoredAnswer | undefined } & Pick<DownloadOptions, 'retry' | 'pastCaches'>,
  ): Promise<FetchedFile> {
    // Redirects may lead to signed, short-lived addresses: "the same address" next time is the one that was asked.
    const answeredBy = redactUrl(url);
    const usable = stored?.answeredBy === answeredBy ? stored : undefined;
    let outcome: DownloadOutcome;
    try {
      outcome = await download(
        {
          url,
          name: redactUrl(request.url),
          maxBytes: request.maxBytes,
          ...(request.expect === undefined ? {} : { expect: request.expect }),
          ...(usable === undefined ? {} : { validators: usable }),
          onProgress: progressOf(request),
        },
        partial,
        { connections, signal, allowDowngrade: options.allowDowngrade ?? false, ...proofFor(request, url), ...care, timer, emit },
      );
    } catch (error) {
      if (isIctError(error) && error.kind === 'integrity') partial.restart(); // nothing of it is worth going on with
      throw error;
    }
    if (outcome.kind === 'unchanged') {
      const reused = usable === undefined ? undefined : await reuse(request, usable);
      if (reused === undefined) return fromNetwork(request, url, { partial, stored: undefined, ...care }); // damaged: ask for all of it
      partial.discard();
      return reused;
    }
    if (request.conditional === true) {
      const { etag, lastModified, identity } = outcome;
      const validators = { ...(etag === undefined ? {} : { etag }), ...(lastModified === undefined ? {} : { lastModified }) };
      await answers.store(request.url, { answeredBy, ...validators, ...identity }, partial.path).catch(notKept);
    }
    const file = newFile();
    const state = await partial.moveTo(file);
    return { file, ...outcome.identity, fromCache: false, url: answeredBy, ...(state === undefined ? {} : { state }) };
  }

  /** Keeps what may be continued: only a digest will say whether that was done well. */
  function leave(request: FetchRequest, partial: PartialDownload, error: unknown): void {
    const keep = request.expect?.digest !== undefined && partial.hasher.sizeBytes > 0 && !isDiskFull(error);
    try {
      if (keep) partial.close();
      else partial.discard();
    } catch {
      // The first failure is the one to report; the file is reaped later.
    }
  }

  async function fromFile(request: FetchRequest, url: URL): Promise<FetchedFile> {
    const file = newFile();
    try {
      return { file, ...(await copyFileSource(url, request, file, signal)), fromCache: false, url: url.href };
    } catch (error) {
      if ((await stat(file).catch(() => undefined)) !== undefined) await unlink(file); // absent when nothing was copied
      throw error;
    }
  }

  async function fetchMapped(request: AuthorizedRequest): Promise<FetchedFile> {
    const { candidates, rest, patient, passOver } = routes.route(request.url);
    // Only a digest says that what another mirror sends is the same file.
    const known = request.expect?.digest === undefined ? candidates.slice(0, 1) : candidates;
    const within = offline ? known.filter(({ url }) => url.startsWith('file:')) : known;
    const stored = request.conditional === true ? await answers.find(request.url) : undefined;
    const matching = stored !== undefined && meets(request, stored) ? stored : undefined;
    if (within.length === 0) {
      const reused = matching === undefined ? undefined : await reuse(request, matching);
      if (reused !== undefined) return reused;
      throw fetchError('ICT_FETCH_OFFLINE', {
        message: `${redactUrl(request.url)} is needed and --offline forbids to fetch it`,
        hint: 'Run the same command once without --offline: what it fetches is kept.',
        facts: { url: redactUrl(request.url), ...(request.expect?.sizeBytes === undefined ? {} : { sizeBytes: request.expect.sizeBytes }) },
      });
    }
    let partial: PartialDownload | undefined; // what one mirror began the next goes on with
    const attempt = async ({ url: base }: MirrorCandidate, last: boolean, before?: unknown): Promise<FetchedFile> => {
      const url = readAddress(base + rest, 'http, https or file');
      if (url.protocol === 'file:') {
        const found = await fromFile(request, url);
        partial?.discard(); // what an earlier mirror began
        return found;
      }
      partial ??= await openPartial(request);
      const patience = patient && last ? retry : { ...retry, retries: 0 };
      const pastCaches = isOther(before) ? 'at once' : last ? 'when wrong' : 'never';
      return fromNetwork(request, url, { partial, stored: matching, retry: patience, pastCaches });
    };
    try {
      const { value, failures } = await failOver(within, attempt, signal, (failure) => isTransient(failure) || isOther(failure));
      passOver(failures);
      return value;
    } catch (error) {
      if (partial !== undefined) leave(request, partial, error);
      throw error;
    }
  }

  return {
    ...routes,
    async fetch(request) {
      signal.throwIfAborted();
      // Whoever is not held to the types must not get a file without a bound: nothing is larger than what is no number.
      if (!(request.maxBytes >= 0)) throw new TypeError(`maxBytes is ${String(request.maxBytes)}, not a number of bytes`);
      const started = timer.now();
      try {
        const fetched = await fetchMapped(request);
        if (!fetched.fromCache) {
          emit({
            type: 'fetch.done',
            url: redactUrl(request.url),
            sizeBytes: fetched.sizeBytes,
            durationMs: Math.round(timer.now() - started),
          });
        }
        return fetched;
      } catch (error) {
        if (!isDiskFull(error)) throw error;
        const needed = request.expect?.sizeBytes;
        throw fetchError('ICT_FETCH_DISK_FULL', {
          message: `No space is left for ${redactUrl(request.url)}${needed === undefined ? '' : ` (${needed} bytes)`} in ${directory}`,
          hint: 'Free space there (any directory of the cache may be removed by hand: `ict cache du` shows the large ones), or choose another --cache-dir.',
          facts: { url: redactUrl(request.url), directory, temporary, ...(needed === undefined ? {} : { neededBytes: needed }) },
          cause: error,
        });
      }
    },
    async close() {
      closing.abort(fetchError('ICT_FETCH_CLOSED', { message: 'The fetcher was closed', hint: 'This is a defect: please report it.' }));
      await connections.close();
    },
  };
}
