import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join, normalize } from 'node:path';
import { digestAlgorithm, digestOf } from '@ict/integrity';
import { IctError } from '@ict/plugin-api';
import type { Fetcher, FetchRequest } from '@ict/plugin-api';

/** What an archive has at an address, or undefined. */
export type Archive = (url: string) => Promise<Uint8Array | undefined>;

/** An archive held in memory, by full address. */
export function memoryArchive(files: Readonly<Record<string, Uint8Array | string>>): Archive {
  return async (url) => {
    const content = Object.hasOwn(files, url) ? files[url] : undefined;
    return typeof content === 'string' ? new TextEncoder().encode(content) : content;
  };
}

/** An archive whose files lie below `directory`; `archive` is its address, without a slash at the end. */
export function directoryArchive(archive: string, directory: string): Archive {
  return async (url) => {
    if (!url.startsWith(`${archive}/`)) return undefined;
    const path = normalize(decodeURIComponent(url.slice(archive.length)));
    try {
      return await readFile(join(directory, path));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  };
}

export interface FakeFetcher extends Fetcher {
  /** Requests so far, in order. */
  readonly requests: readonly FetchRequest[];
}

/** A fetcher over archives, asked in order. It keeps the contract of the real one: bounds, expected digests and sizes, and its error codes. */
export function fakeFetcher(archives: readonly Archive[], directory: string, signal: AbortSignal): FakeFetcher {
  const requests: FetchRequest[] = [];
  return {
    requests,
    fetch: async (request) => {
      signal.throwIfAborted();
      requests.push(request);
      const { url, maxBytes, expect } = request;
      const bytes = await firstOf(archives, url);
      if (bytes === undefined) throw failure('ICT_FETCH_NOT_FOUND', 'network', `${url} does not exist`);
      if (bytes.length > maxBytes) throw failure('ICT_FETCH_TOO_LARGE', 'integrity', `${url} has more than ${maxBytes} bytes`);
      const digest = digestOf(bytes, expect?.digest && digestAlgorithm(expect.digest));
      if ((expect?.digest ?? digest) !== digest || (expect?.sizeBytes ?? bytes.length) !== bytes.length) {
        throw failure('ICT_FETCH_MISMATCH', 'integrity', `${url} is not what was expected`);
      }
      const file = join(directory, `fetched-${randomUUID()}`);
      await writeFile(file, bytes);
      return { file, digest, sizeBytes: bytes.length, fromCache: false, url };
    },
  };
}

async function firstOf(archives: readonly Archive[], url: string): Promise<Uint8Array | undefined> {
  for (const archive of archives) {
    const bytes = await archive(url);
    if (bytes !== undefined) return bytes;
  }
  return undefined;
}

function failure(code: string, kind: 'network' | 'integrity', message: string): IctError {
  return new IctError(code, kind, { message });
}
