import { randomBytes, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureOwnDirectory, type CacheKey } from '@ict/integrity';
import { isIctError, type EventBody, type IctError, type Json } from '@ict/plugin-api';
import { packedBound, remove, unpackBlob, type BlobName } from './blob-file.js';
import { blobPlace, recordPlace } from './places.js';
import { MAX_RECORD_BYTES, readRecord, type RemoteResult } from './record.js';
import type { Store, StoreRequest } from './stores/store.js';

/** Results of others. Never throws for what a server does or sends: that is a warning, and a result that is not had. */
export interface RemoteCache {
  /**
   * What a trusted key says of a result.
   *
   * @param faultIn says what is wrong with an output, for who knows what it should be: a record of such a one is not believed.
   */
  find(type: string, key: CacheKey, faultIn?: (output: Json) => string | undefined): Promise<RemoteResult | undefined>;
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
  /** What is asked, in order, and of each the record of each trusted key in order. */
  readonly stores: readonly Store[];
  readonly trustedKeys: readonly KeyObject[];
  /** Private directory for blobs. */
  readonly temporary: string;
  /** Takes the warnings. */
  readonly emit: (event: EventBody) => void;
  readonly signal: AbortSignal;
}

/** One of the caches, until it fails. */
interface Server {
  readonly store: Store;
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
  const { trustedKeys, temporary, emit, signal } = options;
  const servers = options.stores.map((store): Server => ({ store, damaged: new Set(), reachable: true }));

  function warn(code: string, message: string, hint: string): void {
    emit({ type: 'warning', code, message, hint });
  }

  function giveUp(server: Server, failure: IctError): void {
    if (!server.reachable) return; // another request told
    server.reachable = false;
    warn(
      'ICT_REMOTE_CACHE_UNREACHABLE',
      `The remote cache ${server.store.name} is not asked any more: ${failure.message}`,
      'What it may have is made here instead. Check its address, user and password, and whether it runs.',
    );
  }

  function distrust(server: Server, place: string, code: 'ICT_REMOTE_CACHE_RECORD' | 'ICT_REMOTE_CACHE_BLOB', reason: string): void {
    if (server.damaged.has(place)) return;
    server.damaged.add(place);
    warn(
      code,
      `The remote cache ${server.store.name} has a ${code === 'ICT_REMOTE_CACHE_BLOB' ? 'blob' : 'record'} that is not used: ${reason} (${place})`,
      'What it is of is made here instead. A build that uploads to that cache replaces it.',
    );
  }

  /** The file at a place of a server, which the caller removes; undefined where there is none that will do. */
  async function ask(server: Server, request: StoreRequest, code: Parameters<typeof distrust>[2]): Promise<string | undefined> {
    const { place } = request;
    if (!server.reachable || server.damaged.has(place)) return undefined;
    try {
      const answer = await server.store.get(request);
      if (answer === undefined || 'file' in answer) return answer?.file;
      distrust(server, place, code, answer.fault);
    } catch (error) {
      signal.throwIfAborted();
      if (!isIctError(error) || !isOfServer(error)) throw error;
      giveUp(server, error);
    }
    return undefined;
  }

  return {
    async find(type, key, faultIn = () => undefined) {
      for (const server of servers) {
        for (const signer of trustedKeys) {
          const place = recordPlace({ type, key }, signer);
          const file = await ask(server, { place, maxBytes: MAX_RECORD_BYTES }, 'ICT_REMOTE_CACHE_RECORD');
          if (file === undefined) continue;
          const bytes = await readFile(file).finally(() => remove(file));
          const read = readRecord(bytes, { type, key }, trustedKeys);
          const fault = read.kind === 'believed' ? faultIn(read.result.output) : undefined;
          if (read.kind === 'believed' && fault === undefined) return read.result;
          const reason = read.kind === 'believed' ? `it is signed, but its result is damaged: ${fault}` : read.reason;
          distrust(server, place, 'ICT_REMOTE_CACHE_RECORD', reason);
        }
      }
      return undefined;
    },
    async fetch(blob) {
      const place = blobPlace(blob.digest);
      const request = { place, maxBytes: packedBound(blob.sizeBytes), progress: true };
      for (const server of servers) {
        const file = await ask(server, request, 'ICT_REMOTE_CACHE_BLOB');
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
