import { statSync } from 'node:fs';
import { join } from 'node:path';
import { cacheKey, canonicalJson, errnoOf, integrityOf, ignoreSystemError, readRegularFile, type CacheKey } from '@ict/integrity';
import { toErrorRecord } from '@ict/plugin-api';
import type { Json, Memo } from '@ict/plugin-api';
import type { StoreContext } from './store-context.js';
import { pathSegment } from './layout.js';
import { noReadOnlyCaches, type ReadOnlyCaches } from './read-only-caches.js';
import { removeRecord, writeHint } from './record-file.js';
import { storageFailure } from './storage-failure.js';

/**
 * A memo's file is `{"integrity":"sha256-…","key":"…","value":…}`. The value is canonical, so that its bytes can be hashed before they are
 * parsed; the key is the file's own name, so that another memo in its place is none.
 */
const head = /^\{"integrity":"(sha256-[A-Za-z0-9+/]{43}=)","key":"([0-9a-f]{64})","value":/;
const HEAD_BYTES = 160;
const DAY_SECONDS = 86_400;

function render(name: CacheKey, value: Json): string {
  const text = canonicalJson(value);
  return `{"integrity":"${integrityOf(text)}","key":"${name}","value":${text}}`;
}

/**
 * Some memos have megabytes: they are hashed as they were read, and made a text once.
 *
 * @returns undefined when the file is damaged, or that of another memo.
 */
function parse(name: CacheKey, file: Buffer): { readonly value: Json } | undefined {
  const [whole, integrity, key] = head.exec(file.toString('latin1', 0, HEAD_BYTES)) ?? [];
  if (whole === undefined || key !== name || file.at(-1) !== END) return undefined;
  const value = file.subarray(whole.length, -1);
  return integrityOf(value) === integrity ? { value: JSON.parse(value.toString()) as Json } : undefined;
}

const END = '}'.charCodeAt(0);

/**
 * Remembered computations at `.ict/memo/{kind}/ab/{key}.json`. A damaged one is removed and missed. What cannot be written is
 * not remembered, with a warning: a memo never fails a build.
 */
export function createMemo(
  { layout, clock, emit }: Pick<StoreContext, 'layout' | 'clock' | 'emit'>,
  readOnly: ReadOnlyCaches = noReadOnlyCaches,
): Memo {
  const pathOf = (kind: string, name: CacheKey, place = layout): string =>
    join(place.area('memo'), pathSegment(kind, 'a kind of memo'), name.slice(0, 2), `${name}.json`);

  /** There are too many memos to note each use in the journal. Collections go by the times of their files: one that is used is written again, once a day. */
  async function keepYoung(path: string, file: Buffer): Promise<void> {
    try {
      if (clock() - statSync(path).ctimeMs / 1000 > DAY_SECONDS) await writeHint(layout, path, file);
    } catch (error) {
      ignoreSystemError(error); // another user's, or gone meanwhile
    }
  }

  return {
    async get(kind, key) {
      const name = cacheKey(kind, key);
      const path = pathOf(kind, name);
      const file = await bytesOf(path);
      const parsed = file === undefined ? undefined : parse(name, file);
      if (file !== undefined && parsed !== undefined) {
        await keepYoung(path, file);
        return parsed.value;
      }
      // One that cannot be removed, of another user or on a disk that is only read, is missed all the same.
      if (file !== undefined) await removeRecord(path).catch(ignoreSystemError);
      const other = await readOnly.first(async (place) => {
        const found = await bytesOf(pathOf(kind, name, place));
        return found === undefined ? undefined : parse(name, found);
      });
      return other?.value;
    },
    async set(kind, key, value) {
      const name = cacheKey(kind, key);
      const path = pathOf(kind, name);
      const text = render(name, value);
      try {
        await writeHint(layout, path, text);
      } catch (error) {
        if (errnoOf(error) === undefined) throw error;
        const { code, message, hint } = toErrorRecord(
          storageFailure(error, { what: `a memo of ${kind}`, directory: layout.area('memo'), neededBytes: Buffer.byteLength(text) }),
        );
        emit({ type: 'warning', code, message, ...(hint === undefined ? {} : { hint }) });
      }
    },
  };
}

/** Undefined when it is absent, or a file system is in trouble: then it is computed again. */
async function bytesOf(path: string): Promise<Buffer | undefined> {
  try {
    return await readRegularFile(path);
  } catch (error) {
    return ignoreSystemError(error);
  }
}
