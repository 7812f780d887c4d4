import type { FetchedFile, FetchRequest } from '@ict/plugin-api';
import { remoteCacheError } from '../errors.js';
import { printedAddress } from './address.js';
import type { AwsLogin } from './aws-login.js';
import { openFileStore } from './file-store.js';
import { openHttpStore } from './http-store.js';
import { openRegistryStore } from './registry-store.js';
import { openS3Store } from './s3-store.js';

/**
 * Where a remote cache keeps its files, each at a place such as `v1/blobs/sha256/ab/abcd.zst`. It is trusted with nothing.
 *
 * Its methods throw the errors of their transport: those of the kinds network, integrity and offline are the server's fault, others this machine's.
 */
export interface Store {
  /** The address as it may be printed. */
  readonly name: string;
  /** @returns undefined where there is no such file. */
  get(request: StoreRequest): Promise<StoreAnswer | undefined>;
  has(place: string): Promise<boolean>;
  /** Makes a file the content of a place, whole or not at all, whatever was there. */
  put(place: string, file: string): Promise<void>;
}

/** `progress`: emit `fetch.progress`. */
export interface StoreRequest extends Pick<FetchRequest, 'maxBytes' | 'progress'> {
  readonly place: string;
}

/** A private file, which is the caller's; or what is wrong with what the store has. */
export type StoreAnswer = { readonly file: string } | { readonly fault: string };

/** The network, as `createFetcher` and `createClient` of `@ict/fetch` give it. */
export interface Transport {
  readonly fetcher: { fetch(request: FetchRequest & { readonly authorization?: string }): Promise<FetchedFile> };
  readonly client: { send(request: TransportRequest): Promise<TransportAnswer> };
  /** A client without any proxy, for what AWS gives a machine keys at; default: `client`. */
  readonly nearby?: { send(request: TransportRequest): Promise<TransportAnswer> };
  /** What the stores of S3 that are opened with it know together; default: each by itself. */
  readonly aws?: AwsLogin;
  readonly signal?: AbortSignal;
  /** Where programs look for users and passwords; default: the process's environment. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Now, seconds since 1970, for what is signed; default: the clock of this machine. */
  readonly clock?: () => number;
  /** How large the parts are at least that a large file is sent to S3 in; default: 64 MiB. */
  readonly partBytes?: number;
}

/** A request to send something, or to learn something in short. */
export interface TransportRequest {
  readonly method: 'DELETE' | 'GET' | 'HEAD' | 'PATCH' | 'POST' | 'PUT';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly authorization?: string;
  /** A file, or a range of it, or text. */
  readonly body?:
    | { readonly file: string; readonly range?: { readonly offset: number; readonly sizeBytes: number } }
    | { readonly text: string };
  /** Statuses that are no errors, beside those of success. */
  readonly accept?: readonly number[];
  /** Read the body of the answer to other methods than GET and POST, too. */
  readonly reads?: boolean;
  /** Do not try again. */
  readonly once?: boolean;
  /** How long the body of the answer may take, at whatever rate. */
  readonly bodyWithinMs?: number;
  /** Ends this request, instead of what ends all others. */
  readonly signal?: AbortSignal;
}

export interface TransportAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly url: string;
}

/** Whether files are sent to a store, too: it may take other rights. */
export type StoreUse = 'read' | 'write';

/** Stores by the scheme of their addresses. */
const STORES: Readonly<Record<string, (address: URL, transport: Transport, use: StoreUse) => Store>> = {
  'file:': openFileStore,
  'http:': openHttpStore,
  'https:': openHttpStore,
  'oci:': openRegistryStore,
  'oci+http:': openRegistryStore,
  's3:': openS3Store,
};

/**
 * The store at an address. Nobody is asked yet.
 *
 * @throws `ICT_REMOTE_CACHE_ADDRESS`
 */
export function openStore(address: string, transport: Transport, use: StoreUse = 'read'): Store {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const open = url && STORES[url.protocol];
  if (url === undefined || open === undefined) {
    throw remoteCacheError('ICT_REMOTE_CACHE_ADDRESS', {
      message: `${printedAddress(address)} is not the address of a remote cache`,
      hint: `Begin it with ${Object.keys(STORES)
        .map((protocol) => `${protocol}//`)
        .join(', ')}.`,
      facts: { url: printedAddress(address) },
    });
  }
  return open(url, transport, use);
}
