import { createHash } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canonicalJson, hashFile } from '@ict/integrity';
import type { BuildContext, EventBody, Json, SignatureResult, ToolsRunner, TreeRunner, Verifier } from '@ict/plugin-api';
import { fakeFetcher, type Archive, type FakeFetcher } from './fake-fetcher.js';
import { fakeTools } from './fake-tools.js';
import { memoryBlobs, type MemoryBlobs } from './memory-blobs.js';

export interface FakeContextOptions {
  /** What can be fetched; asked in order. Default: nothing. */
  readonly archives?: readonly Archive[];
  /** Signature checks. Default: every signature is bad, so that a test which needs one says which. */
  readonly verify?: Pick<Verifier, 'clearsigned' | 'detached'>;
  /** Seconds since 1970. Default: 2026-01-01T00:00:00Z. */
  readonly nowSeconds?: number;
  /** Latest time of a file, seconds since 1970. Default: `nowSeconds`. */
  readonly epochSeconds?: number;
  readonly signal?: AbortSignal;
  readonly trees?: TreeRunner;
  readonly tools?: ToolsRunner;
}

/** A context of its own private directory, which goes when it is disposed of. */
export interface FakeContext extends BuildContext, AsyncDisposable {
  readonly fetch: FakeFetcher;
  readonly blobs: MemoryBlobs;
  /** Events so far, in order. */
  readonly events: readonly EventBody[];
}

/** A {@link BuildContext} without an engine: archives, blobs and memo are in memory or in a private directory, time stands still. */
export function fakeContext(options: FakeContextOptions = {}): FakeContext {
  const { archives = [], nowSeconds = Date.parse('2026-01-01T00:00:00Z') / 1000, signal = new AbortController().signal } = options;
  const temporary = mkdtempSync(join(tmpdir(), 'ict-testkit-'));
  const events: EventBody[] = [];
  const memo = new Map<string, Json>();
  const detached = options.verify?.detached ?? (async () => NOT_GOOD);
  const memoKey = (kind: string, key: Json): string => canonicalJson([kind, key]);
  return {
    signal,
    clock: () => nowSeconds,
    epochSeconds: options.epochSeconds ?? nowSeconds,
    temporary,
    events,
    emit: (event) => events.push(event),
    fetch: fakeFetcher(archives, temporary, signal),
    blobs: memoryBlobs(temporary),
    verify: {
      digestFile: (file, algorithm) => hashFile(file, algorithm === undefined ? {} : { algorithm }),
      checkParts: async ({ digests, signature: check }) => {
        const found = digests.map(async ({ range: { file, offset, sizeBytes }, algorithm }) =>
          createHash(algorithm)
            .update((await readFile(file)).subarray(offset, offset + sizeBytes))
            .digest('hex'),
        );
        const signature = check && (await detached(check.covered, check.signature, check.keyrings, check.options));
        return { digests: await Promise.all(found), ...(signature === undefined ? {} : { signature }) };
      },
      clearsigned: options.verify?.clearsigned ?? (async () => NOT_GOOD),
      detached,
    },
    memo: {
      get: async (kind, key) => memo.get(memoKey(kind, key)),
      set: async (kind, key, value) => void memo.set(memoKey(kind, key), value),
    },
    trees: options.trees ?? NO_TREES,
    tools: options.tools ?? fakeTools(),
    [Symbol.asyncDispose]: () => rm(temporary, { recursive: true, force: true }),
  };
}

const NOT_GOOD: SignatureResult = { good: false, signers: [], issuers: [], failures: ['the fake context has no verifier'] };

const noTrees = () => Promise.reject(new Error('give fakeContext "trees" to open trees'));

const NO_TREES: TreeRunner = { change: noTrees, inspect: noTrees, records: noTrees, pack: noTrees, place: noTrees };
