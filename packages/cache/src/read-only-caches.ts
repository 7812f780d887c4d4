import { stat } from 'node:fs/promises';
import { digestAlgorithm, systemErrorOf } from '@ict/integrity';
import type { Digest, EventBody, Json, Memo } from '@ict/plugin-api';
import type { FileDigester } from './piecewise-check.js';
import type { VerificationMode } from './store-context.js';
import { openLayout, type Layout } from './layout.js';
import type { ProcessOwner } from './process-owner.js';
import { isAging, type ScrubSchedule } from './scrub-schedule.js';
import { isStatSignature, sameSignature, statSignature, type StatSignature } from './stat-signature.js';
import { reasonOf } from './unread.js';

/** What the file system said of a file when it was last hashed, and when that was. */
export interface Verified {
  readonly signature: StatSignature;
  /** Seconds since 1970. */
  readonly verifiedAt: number;
}

/** What a file should hold, and what its cache noted of it. */
export interface ExpectedFile {
  readonly digest: Digest;
  /** When known: a file of another size that no record knows is another file, not a damaged one. */
  readonly sizeBytes?: number;
  readonly recorded?: Verified | undefined;
  /** Hashes the file; default: as the cache hashes files. */
  readonly check?: FileDigester;
}

/**
 * Cache directories that are looked at and never written: no lock, no note of a use, no record. Their entries are used where they lie,
 * verified as those of the cache itself are. What was learned of them is remembered in the cache itself.
 */
export interface ReadOnlyCaches {
  readonly directories: readonly Layout[];
  /**
   * Looks into one directory after the other until `look` finds something. A directory that cannot be read is passed over, with one
   * warning.
   */
  first<T>(look: (layout: Layout) => Promise<T | undefined>): Promise<T | undefined>;
  /** What `look` finds in one directory after the other; one that cannot be read is passed over likewise. */
  all<T>(look: (layout: Layout) => AsyncIterable<T>): AsyncIterable<T>;
  /**
   * How a file was found to have the digest: by what the file system says of it, or by hashing it. Undefined when it is absent or
   * something else; one that is damaged gives a warning.
   */
  prove(file: string, expected: ExpectedFile): Promise<'signature' | 'hash' | undefined>;
  /** What was remembered of a path of a read-only cache. */
  recall(path: string): Promise<Json | undefined>;
  remember(path: string, fact: Json): Promise<void>;
}

/** What read-only caches need of the cache that they stand behind. */
export interface CacheBefore {
  readonly cacheDir: string;
  readonly owner: ProcessOwner;
  readonly memo: Memo;
  readonly clock: () => number;
  readonly emit: (event: EventBody) => void;
  readonly mode: VerificationMode;
  readonly isScrubDue: ScrubSchedule;
  readonly digestFile: FileDigester;
}

const MEMO = 'elsewhere';

/** @param directories absolute paths, in the order in which they are asked; one that cannot be used costs a warning. */
export async function openReadOnlyCaches(directories: readonly string[], cache: CacheBefore): Promise<ReadOnlyCaches> {
  const { memo, clock, emit, mode, isScrubDue, digestFile } = cache;
  const troubled = new Set<string>();
  const layouts: Layout[] = [];

  function passOver(directory: string, reason: string): void {
    if (troubled.has(directory)) return;
    troubled.add(directory);
    emit({
      type: 'warning',
      code: 'ICT_CACHE_UNREADABLE',
      message: `the read-only cache ${directory} cannot be read: ${reason}`,
      hint: 'What it has is fetched or made again. Mount the directory, or take it out of read_only_cache_dirs.',
    });
  }

  function outlive(error: unknown, { cacheDir }: Layout): void {
    const reason = systemErrorOf(error);
    if (reason === undefined) throw error;
    passOver(cacheDir, reason);
  }

  for (const directory of new Set(directories)) {
    if (directory === cache.cacheDir) continue;
    try {
      if (!(await stat(directory)).isDirectory()) passOver(directory, 'it is no directory');
      else layouts.push(await openLayout(directory, cache.owner, { readOnly: true }));
    } catch (error) {
      passOver(directory, reasonOf(error));
    }
  }

  async function recall(path: string): Promise<Json | undefined> {
    return memo.get(MEMO, path);
  }

  /** When a file that looks as it did was last hashed, by its own cache or for this one; undefined when nobody knows. */
  async function lastVerified(
    file: string,
    signature: StatSignature,
    digest: Digest,
    recorded: Verified | undefined,
  ): Promise<number | undefined> {
    const timeOf = (known: Verified | undefined): number | undefined =>
      known !== undefined && sameSignature(known.signature, signature) ? known.verifiedAt : undefined;
    const there = timeOf(recorded);
    if (there !== undefined && !isAging(there, clock())) return there;
    const here = timeOf(asVerified(await recall(file), digest));
    return there === undefined || here === undefined ? (here ?? there) : Math.max(here, there);
  }

  return {
    directories: layouts,
    recall,
    remember: (path, fact) => memo.set(MEMO, path, fact),
    async first(look) {
      for (const layout of layouts) {
        try {
          const found = await look(layout);
          if (found !== undefined) return found;
        } catch (error) {
          outlive(error, layout);
        }
      }
      return undefined;
    },
    async *all(look) {
      for (const layout of layouts) {
        try {
          yield* look(layout);
        } catch (error) {
          outlive(error, layout);
        }
      }
    },
    async prove(file, { digest, sizeBytes, recorded, check = digestFile }) {
      const signature = await statSignature(file);
      if (signature === undefined) return undefined;
      if (recorded === undefined && sizeBytes !== undefined && signature.sizeBytes !== sizeBytes) return undefined;
      if (mode === 'signature') {
        const known = await lastVerified(file, signature, digest, recorded);
        if (known !== undefined && !isScrubDue(known, signature.sizeBytes)) return 'signature';
      }
      const actual = await check(file, digestAlgorithm(digest));
      if (actual.digest === digest) {
        await memo.set(MEMO, file, { digest, signature: { ...signature }, verifiedAt: clock() });
        return 'hash';
      }
      emit({
        type: 'warning',
        code: 'ICT_CACHE_DAMAGED',
        message: `${file} of a read-only cache is damaged and is not used: its content is ${actual.digest}`,
      });
      return undefined;
    },
  };
}

/** No other directories: what a cache that is only looked at has behind it. */
export const noReadOnlyCaches: ReadOnlyCaches = {
  directories: [],
  first: async () => undefined,
  async *all() {},
  prove: async () => undefined,
  recall: async () => undefined,
  remember: async () => undefined,
};

function asVerified(fact: Json | undefined, digest: Digest): Verified | undefined {
  if (typeof fact !== 'object' || fact === null) return undefined;
  const { digest: proven, signature, verifiedAt } = fact as Record<string, unknown>;
  return proven === digest && isStatSignature(signature) && typeof verifiedAt === 'number' ? { signature, verifiedAt } : undefined;
}
