import { mkdtempSync, readFileSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canonicalJson, digestHex, digestOf } from '@ict/integrity';
import { IctError } from '@ict/plugin-api';
import type { BlobRef, Context, Digest, EventBody, FetchRequest, Json, SignatureResult } from '@ict/plugin-api';

const SIGNED = '-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n';

/** A context over an archive that is held in memory. Signatures are not checked: `signature` says what the verifier answers. */
export class FakeContext implements Context {
  readonly signal: Context['signal'] = new AbortController().signal;
  readonly temporary = mkdtempSync(join(tmpdir(), 'ict-deb-'));
  /** What the archive serves, by address. */
  readonly served = new Map<string, Uint8Array>();
  readonly requests: FetchRequest[] = [];
  readonly events: EventBody[] = [];
  readonly stored = new Map<Digest, string>();
  signature: Omit<SignatureResult, 'plaintext'> = { good: true, signers: ['F'.repeat(40)], issuers: ['F'.repeat(16)], failures: [] };
  nowSeconds = Date.parse('2026-11-20T12:00:00Z') / 1000;
  /** Set to true to hand out bytes that are not what was asked for. */
  careless = false;
  #count = 0;

  readonly clock = (): number => this.nowSeconds;
  emit(event: EventBody): void {
    this.events.push(event);
  }

  readonly fetch = {
    fetch: async (request: FetchRequest) => {
      this.requests.push(request);
      const bytes = this.served.get(request.url);
      if (bytes === undefined) throw new IctError('ICT_FETCH_NOT_FOUND', 'network', { message: `${request.url} is not there` });
      const digest = digestOf(bytes);
      if (!this.careless && (request.expect?.digest ?? digest) !== digest) {
        const facts = { expected: request.expect?.digest, actual: digest };
        throw new IctError('ICT_FETCH_MISMATCH', 'integrity', { message: `${request.url} is something else`, facts });
      }
      if (!this.careless && bytes.length > request.maxBytes) {
        throw new IctError('ICT_FETCH_TOO_LARGE', 'integrity', { message: `${request.url} is too large` });
      }
      const file = join(this.temporary, `fetched-${this.#count++}`);
      await writeFile(file, bytes);
      return { file, digest, sizeBytes: bytes.length, fromCache: false, url: request.url };
    },
  };

  readonly blobs = {
    putFile: async (file: string): Promise<BlobRef> => {
      const bytes = readFileSync(file);
      const digest = digestOf(bytes);
      const path = join(this.temporary, digestHex(digest));
      await rename(file, path);
      this.stored.set(digest, path);
      return { kind: 'blob', digest, sizeBytes: bytes.length };
    },
    putBytes: async (bytes: Uint8Array): Promise<BlobRef> => {
      const file = join(this.temporary, `bytes-${this.#count++}`);
      await writeFile(file, bytes);
      return this.blobs.putFile(file);
    },
    path: async (digest: Digest): Promise<string | undefined> => this.stored.get(digest),
  };

  readonly verify = {
    digestFile: async (file: string) => {
      const bytes = readFileSync(file);
      return { digest: digestOf(bytes), sizeBytes: bytes.length };
    },
    checkParts: () => Promise.reject(new Error('deb has no digests of parts of a file')),
    clearsigned: async (message: Uint8Array): Promise<SignatureResult> => {
      const text = Buffer.from(message).toString('utf8');
      const end = text.indexOf('-----BEGIN PGP SIGNATURE-----');
      if (!this.signature.good) return this.signature;
      return { ...this.signature, plaintext: text.slice(SIGNED.length, end) };
    },
    detached: async (): Promise<SignatureResult> => this.signature,
  };

  /** What was remembered, by kind and key. */
  readonly remembered = new Map<string, Json>();
  readonly memo = {
    get: async (kind: string, key: Json): Promise<Json | undefined> => this.remembered.get(`${kind} ${canonicalJson(key)}`),
    set: async (kind: string, key: Json, value: Json): Promise<void> => void this.remembered.set(`${kind} ${canonicalJson(key)}`, value),
  };

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.temporary, { recursive: true, force: true });
  }
}

/** The text as the fake verifier takes a clear-signed message. */
export function clearsign(text: string): Uint8Array {
  return Buffer.from(`${SIGNED}${text}-----BEGIN PGP SIGNATURE-----\n\nnone\n-----END PGP SIGNATURE-----\n`);
}
