import type { Digest } from './digest.js';
import type { EventBody } from './events.js';
import type { Json } from './json.js';
import type { TreeRunner, ToolsRunner } from './tree.js';

/** Where a file comes from and what it must be. */
export interface FetchRequest {
  /** The public address: `{archive}/{path}`; the fetcher maps the archive to a mirror. */
  readonly url: string;
  /** Refused beyond this many bytes. Required: nothing is fetched without a bound. */
  readonly maxBytes: number;
  /** When known, checked while the bytes arrive. */
  readonly expect?: { readonly digest?: Digest; readonly sizeBytes?: number };
  /** Reuse an earlier answer when the server says that it is unchanged (ETag, Last-Modified). */
  readonly conditional?: boolean;
  /** Emit `fetch.progress`. */
  readonly progress?: boolean;
}

/**
 * What the file system says of a file: equal while nothing wrote to it, renamed it or changed its attributes. Numbers are decimal text, because they
 * exceed what JSON numbers carry.
 */
export interface FileState {
  readonly ino: string;
  readonly sizeBytes: number;
  /** Nanoseconds since 1970, as `ctimeNs`. */
  readonly mtimeNs: string;
  readonly ctimeNs: string;
}

export interface FetchedFile {
  /** Absolute path of a private file; the caller may rename it away, or leave it to the cache. */
  readonly file: string;
  /** By the algorithm of the digest that was expected, if one was. */
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** True when no byte of the body crossed the network. */
  readonly fromCache: boolean;
  /** The address that answered, without credentials. */
  readonly url: string;
  /** While the file is in this state, it holds the bytes that were digested, and need not be read again to know that. Absent: nothing says so. */
  readonly state?: FileState;
}

/** Gets files over HTTP(S) or from `file:` addresses: bounded, retried, resumed, mapped to mirrors. */
export interface Fetcher {
  /** @throws `ICT_FETCH_*`; a `404` is `ICT_FETCH_NOT_FOUND`. */
  fetch(request: FetchRequest): Promise<FetchedFile>;
}

/** A named, immutable byte string in the cache. Tagged, so that the engine finds it inside step outputs. */
export interface BlobRef {
  readonly kind: 'blob';
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/**
 * Content-addressed files. Every read is verified: by stat signature, or by hash when that changed.
 *
 * Blobs go by SHA-256. A file that a repository states by another digest is put in without `known`, and {@link Memo} remembers which blob it is.
 *
 * Each throws `ICT_INTEGRITY_DIGEST` for another kind of digest.
 */
export interface BlobStore {
  /** Moves (or copies) a file in. `known`: what the caller found when it made and hashed the file; without it the file is hashed here. */
  putFile(file: string, known?: { readonly digest: Digest; readonly sizeBytes: number }): Promise<BlobRef>;
  putBytes(bytes: Uint8Array): Promise<BlobRef>;
  /** Absolute path of the verified blob, or undefined when it is absent or was damaged (then it is dropped). */
  path(digest: Digest): Promise<string | undefined>;
}

/** What is wrong with a signature: there is none; no keyring holds its key; the key had expired when it signed; anything else. */
export type SignatureFault = 'unsigned' | 'unknown-key' | 'expired-key' | 'other';

/** A signature check's outcome. Fails closed: only `good: true` counts. */
export interface SignatureResult {
  readonly good: boolean;
  /** Upper-case hex fingerprints of primary keys whose signature is good. */
  readonly signers: readonly string[];
  /** Issuer key ids of every signature that the message carries. */
  readonly issuers: readonly string[];
  /** Why the others are not good. */
  readonly failures: readonly string[];
  /** The kinds of these failures, each once; absent when a verifier does not tell them apart, or there are none. */
  readonly faults?: readonly SignatureFault[];
  /** Upper-case hex fingerprints of the primary keys that the keyrings hold, in their order; absent when it is good, or a verifier does not tell. */
  readonly keys?: readonly string[];
  /** Text that the signatures cover: the only text that may be parsed. */
  readonly plaintext?: string;
}

/** Part of a file, so that what is large need not be read into memory. */
export interface FileRange {
  /** Absolute path. */
  readonly file: string;
  /** First byte. */
  readonly offset: number;
  readonly sizeBytes: number;
}

export interface SignatureOptions {
  /** "Now", seconds since 1970; default: the clock. A key is judged at the time that the signature states. */
  readonly atSeconds?: number;
  /** Accept signatures by DSA, short RSA, MD5, SHA-1 and RIPEMD-160. */
  readonly legacyCrypto?: boolean;
}

/** Digests that formats use inside; only SHA-256 and better say that content is what was meant. */
export type DigestAlgorithm = 'md5' | 'sha1' | 'sha224' | 'sha256' | 'sha384' | 'sha512' | 'sha3-256';

/** Digests that say what content is; SHA-256 wherever there is a choice. */
export type ContentAlgorithm = Extract<DigestAlgorithm, 'sha256' | 'sha384' | 'sha512'>;

/** Checks that are made together, so that nobody waits for a worker once for each. */
export interface PartChecks {
  readonly digests: readonly { readonly range: FileRange; readonly algorithm: DigestAlgorithm }[];
  /** As with {@link Verifier.detached}. */
  readonly signature?: {
    readonly covered: FileRange;
    readonly signature: Uint8Array;
    readonly keyrings: readonly Uint8Array[];
    readonly options?: SignatureOptions;
  };
}

/** What {@link PartChecks} found. */
export interface PartVerdicts {
  /** Lower-case hex, in the order of the checks. */
  readonly digests: readonly string[];
  /** Present when a signature was to be checked. */
  readonly signature?: SignatureResult;
}

/** CPU-heavy checks, run in the worker pool. */
export interface Verifier {
  /** Digest of a whole file, SHA-256 by default. */
  digestFile(file: string, algorithm?: ContentAlgorithm): Promise<{ readonly digest: Digest; readonly sizeBytes: number }>;
  /** Digests of parts of files and a detached signature over one, in one turn of a worker. */
  checkParts(checks: PartChecks): Promise<PartVerdicts>;
  /** Verifies a clear-signed message (InRelease). Text outside the armour makes it bad. */
  clearsigned(message: Uint8Array, keyrings: readonly Uint8Array[], options?: SignatureOptions): Promise<SignatureResult>;
  /** Verifies a detached signature over exact bytes, given or in a file. */
  detached(
    content: Uint8Array | FileRange,
    signature: Uint8Array,
    keyrings: readonly Uint8Array[],
    options?: SignatureOptions,
  ): Promise<SignatureResult>;
}

/** Remembers pure computations by key: parsed metadata, resolutions. A miss is never an error. */
export interface Memo {
  get(kind: string, key: Json): Promise<Json | undefined>;
  set(kind: string, key: Json, value: Json): Promise<void>;
}

/** Everything that a provider or format may use. Handed to each call; nothing is global. */
export interface Context {
  readonly signal: AbortSignal;
  /** Now, seconds since 1970; injected so that tests and repeatable builds decide. */
  readonly clock: () => number;
  readonly fetch: Fetcher;
  readonly blobs: BlobStore;
  readonly verify: Verifier;
  readonly memo: Memo;
  /** A private directory for this build, on the cache's file system, removed when the build ends. */
  readonly temporary: string;
  /**
   * Says something of the work of a plugin: `warning`, `fetch.*`, `install.progress`, `command.*` or `image.progress`.
   *
   * @throws `ICT_PLUGIN_FAILED` for another event of a plugin, or one of another shape: the other types tell of the engine's own work.
   */
  emit(event: EventBody): void;
}

/** A context that may also change trees and run tools; only steps after the lock get it. */
export interface BuildContext extends Context {
  readonly trees: TreeRunner;
  readonly tools: ToolsRunner;
  /**
   * Seconds since 1970: for who changes a tree the time of what is made in it, which programs are told as `SOURCE_DATE_EPOCH`; for who makes files of a
   * finished tree the latest time that a file of the image may carry.
   */
  readonly epochSeconds: number;
}
