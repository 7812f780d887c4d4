import { randomBytes, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureOwnDirectory, type CacheKey } from '@ict/integrity';
import { hasCode, isIctError, type EventBody, type Fetcher, type IctError } from '@ict/plugin-api';
import { packedBound, remove, unpackBlob, type BlobName } from './blob-file.js';
import { addressOf, blobPlace, printedAddress, recordPlace } from './places.js';
import { MAX_RECORD_BYTES, readRecord, type RemoteResult } from './record.js';

/** Results of others. Never throws for what a server does or sends: that is a warning, and a result that is not had. */
export interface RemoteCache {
  /** What a trusted key says of a result. */
  find(type: string, key: CacheKey): Promise<RemoteResult | undefined>;
  /**
   * The content of a blob as a new file in `temporary`, which is the caller's: its digest checked, sparse where it is zeros.
   *
   * @returns undefined where no server has it as it should be.
   */
  fetch(blob: BlobName): Promise<string | undefined>;
  /** Whether what a server has at this place below its address (`v1/blobs/...`) was found to be wrong: an upload replaces it then. */
  isDamaged(place: string): boolean;
}

export interface RemoteCacheOptions {
  /** Addresses of caches, asked in order, and of each the record of each trusted key in order. A path, user and password may be in them. */
  readonly urls: readonly string[];
  readonly trustedKeys: readonly KeyObject[];
  readonly fetcher: Pick<Fetcher, 'fetch'>;
  /** Private directory for blobs. */
  readonly temporary: string;
  /** Takes the warnings. */
  readonly emit: (event: EventBody) => void;
  readonly signal: AbortSignal;
}

/** One of the caches, until it fails. */
interface Server {
  readonly base: string;
  readonly damaged: Set<string>;
  reachable: boolean;
}

/**
 * Reads remote caches. A server that fails is asked nothing more, and one warning says so; so does one for each record or blob that is
 * wrong, of which that server is not asked again.
 *
 * Its methods throw what is wrong on this machine (a full disk, a proxy that is no address), and the signal's reason.
 */
export function openRemoteCache(options: RemoteCacheOptions): RemoteCache {
  const { trustedKeys, fetcher, temporary, emit, signal } = options;
  const servers = options.urls.map((base): Server => ({ base, damaged: new Set(), reachable: true }));

  function warn(code: string, message: string, hint: string): void {
    emit({ type: 'warning', code, message, hint });
  }

  function giveUp(server: Server, failure: IctError): void {
    if (!server.reachable) return; // another request told
    server.reachable = false;
    warn(
      'ICT_REMOTE_CACHE_UNREACHABLE',
      `The remote cache ${printedAddress(server.base)} is not asked any more: ${failure.message}`,
      'What it may have is made here instead. Check its address, user and password, and whether it runs.',
    );
  }

  function distrust(server: Server, place: string, code: 'ICT_REMOTE_CACHE_RECORD' | 'ICT_REMOTE_CACHE_BLOB', reason: string): void {
    if (server.damaged.has(place)) return;
    server.damaged.add(place);
    warn(
      code,
      `The remote cache ${printedAddress(server.base)} has a ${code === 'ICT_REMOTE_CACHE_BLOB' ? 'blob' : 'record'} that is not used: ${reason} (${place})`,
      'What it is of is made here instead. A build that uploads to that cache replaces it.',
    );
  }

  /** The file at a place of a server, which the caller removes; undefined where there is none. */
  async function ask(server: Server, place: string, maxBytes: number, code: Parameters<typeof distrust>[2]): Promise<string | undefined> {
    if (!server.reachable || server.damaged.has(place)) return undefined;
    try {
      return (await fetcher.fetch({ url: addressOf(server.base, place), maxBytes })).file;
    } catch (error) {
      signal.throwIfAborted();
      if (hasCode(error, 'ICT_FETCH_NOT_FOUND')) return undefined;
      if (hasCode(error, 'ICT_FETCH_TOO_LARGE')) distrust(server, place, code, `it is larger than ${maxBytes} bytes`);
      else if (isIctError(error) && isOfServer(error)) giveUp(server, error);
      else throw error;
      return undefined;
    }
  }

  return {
    async find(type, key) {
      for (const server of servers) {
        for (const signer of trustedKeys) {
          const place = recordPlace({ type, key }, signer);
          const file = await ask(server, place, MAX_RECORD_BYTES, 'ICT_REMOTE_CACHE_RECORD');
          if (file === undefined) continue;
          const bytes = await readFile(file).finally(() => remove(file));
          const read = readRecord(bytes, { type, key }, trustedKeys);
          if (read.kind === 'believed') return read.result;
          distrust(server, place, 'ICT_REMOTE_CACHE_RECORD', read.reason);
        }
      }
      return undefined;
    },
    async fetch(blob) {
      const place = blobPlace(blob.digest);
      for (const server of servers) {
        const file = await ask(server, place, packedBound(blob.sizeBytes), 'ICT_REMOTE_CACHE_BLOB');
        if (file === undefined) continue;
        const target = join(temporary, `remote-${randomBytes(8).toString('hex')}`);
        let fault: string | undefined;
        try {
          ensureOwnDirectory(temporary);
          fault = await unpackBlob(file, blob, target, signal);
        } finally {
          await remove(file);
        }
        if (fault === undefined) return target;
        distrust(server, place, 'ICT_REMOTE_CACHE_BLOB', fault);
      }
      return undefined;
    },
    isDamaged: (place) => servers.some(({ damaged }) => damaged.has(place)),
  };
}

/** Whether a server, or the way to it, is at fault, rather than this machine. */
function isOfServer({ kind }: IctError): boolean {
  return kind === 'network' || kind === 'integrity' || kind === 'offline';
}
