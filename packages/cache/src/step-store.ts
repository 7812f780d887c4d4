import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  cacheKey,
  canonicalJson,
  diffInputs,
  errnoOf,
  integrityOf,
  systemErrorOf,
  type CacheKey,
  type InputDifference,
} from '@ict/integrity';
import type { Json } from '@ict/plugin-api';
import type { ResultBlobs } from './blob-store.js';
import type { StoreContext } from './store-context.js';
import { pathSegment, type Layout } from './layout.js';
import { listRecords, readRecord, removeRecord, writeRecord } from './record-file.js';
import { taggedReferences } from './tagged-references.js';

/** The kept result of a step: `.ict/index/steps/{type}/ab/{key}.json`. */
export interface StepRecord {
  readonly key: CacheKey;
  /** Everything that shaped the result. */
  readonly inputs: Json;
  readonly output: Json;
  /** Seconds since 1970. */
  readonly storedAt: number;
  /** What made it, for people: `ict 0.1.0`. */
  readonly tool: string;
  /** How long making it took; undefined where nobody measured. */
  readonly durationMs?: number;
}

export interface NearestStep {
  readonly record: StepRecord;
  /** From the record's inputs to the ones that were asked for: why there was no hit. */
  readonly differences: readonly InputDifference[];
}

/** Results of steps by key. A key is `cacheKey(type, inputs)`; a record that does not fit its key is a miss. */
export interface StepStore {
  key(type: string, inputs: Json): CacheKey;
  get(type: string, inputs: Json): Promise<StepRecord | undefined>;
  /** @returns undefined where the file system refuses, which is a warning. @throws `ICT_CACHE_DISK_FULL`, `ICT_CACHE_NAME`. */
  put(type: string, inputs: Json, output: Json, tool: string, durationMs?: number): Promise<StepRecord | undefined>;
  /** Forgets a result, for example because a layer that it names is gone. */
  remove(type: string, inputs: Json): Promise<void>;
  /** Of the most recent records of this type, the one whose inputs differ least from `inputs`; the later one when equal. */
  nearest(type: string, inputs: Json): Promise<NearestStep | undefined>;
  records(type: string): AsyncIterable<StepRecord>;
  /** Whether the record in this file of the cache itself would be found by its key. @throws Node's own errors. */
  isSound(type: string, path: string): Promise<boolean>;
}

interface StoredStep extends StepRecord {
  /** Of the canonical JSON of inputs and output. */
  readonly integrity: string;
}

/** Records that {@link StepStore.nearest} compares. */
const compared = 16;

const integrityOfStep = (inputs: Json, output: Json): string => integrityOf(canonicalJson([inputs, output]));

function isStoredStep(value: unknown): value is StoredStep {
  if (typeof value !== 'object' || value === null) return false;
  const { key, inputs, output, storedAt, tool, integrity, durationMs } = value as Record<string, unknown>;
  const texts = [key, tool, integrity].every((field) => typeof field === 'string');
  const timed = durationMs === undefined || typeof durationMs === 'number';
  if (!texts || !timed || typeof storedAt !== 'number' || inputs === undefined || output === undefined) return false;
  return integrityOfStep(inputs as Json, output as Json) === integrity;
}

/** @param blobs are told which of them results name. */
export function createStepStore(
  { layout, clock, journal, readOnly, trouble }: StoreContext,
  blobs: Pick<ResultBlobs, 'noteResult'>,
): StepStore {
  const directoryOf = (type: string): string => `steps/${pathSegment(type, 'a step type')}`;
  const pathOf = (type: string, key: CacheKey, place: Layout = layout): string => place.record(directoryOf(type), key);

  async function readStep(type: string, path: string, place: Layout): Promise<StepRecord | undefined> {
    const stored = await readRecord(path, isStoredStep);
    if (stored === undefined || stored.key !== cacheKey(type, stored.inputs) || path !== pathOf(type, stored.key, place)) return undefined;
    const { key, inputs, output, storedAt, tool, durationMs } = stored;
    return { key, inputs, output, storedAt, tool, ...(durationMs === undefined ? {} : { durationMs }) };
  }

  /** One of many: that it cannot be read is no reason to do without the others. */
  const readAny = (type: string, path: string, place: Layout): Promise<StepRecord | undefined> =>
    readStep(type, path, place).catch((error: unknown) => trouble.unreadable(error, path));

  const paths = (type: string, place: Layout): AsyncGenerator<string, void, undefined> =>
    listRecords(join(place.area('index'), directoryOf(type)));

  /** The most recent records of a place. */
  async function* recent(type: string, place: Layout): AsyncGenerator<StepRecord, void, undefined> {
    const found: { readonly path: string; readonly at: number }[] = [];
    for await (const path of paths(type, place)) {
      const entry = await stat(path).catch((error: unknown) => {
        if (errnoOf(error) === 'ENOENT') return undefined; // removed meanwhile
        return trouble.unreadable(error, path);
      });
      if (entry !== undefined) found.push({ path, at: entry.mtimeMs });
    }
    for (const { path } of found.sort((a, b) => b.at - a.at).slice(0, compared)) {
      const record = await readAny(type, path, place);
      if (record !== undefined) yield record;
    }
  }

  async function* records(type: string, place: Layout): AsyncGenerator<StepRecord, void, undefined> {
    for await (const path of paths(type, place)) {
      const record = await readAny(type, path, place);
      if (record !== undefined) yield record;
    }
  }

  /** What `look` finds in this cache, then in each read-only one. */
  async function* everywhere<T>(look: (place: Layout) => AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
    try {
      yield* look(layout);
    } catch (error) {
      trouble.unreadable(error, layout.area('index'));
    }
    yield* readOnly.all(look);
  }

  return {
    key: cacheKey,
    async get(type, inputs) {
      const key = cacheKey(type, inputs);
      await journal.note('step', key);
      let failure: unknown;
      const own = await readStep(type, pathOf(type, key), layout).catch((error: unknown) => {
        if (systemErrorOf(error) === undefined) throw error;
        failure = error; // other caches may have it
        return undefined;
      });
      const found = own ?? (await readOnly.first((place) => readStep(type, pathOf(type, key, place), place)));
      if (found === undefined && failure !== undefined) throw failure;
      return found;
    },
    async put(type, inputs, output, tool, durationMs) {
      const key = cacheKey(type, inputs);
      const path = pathOf(type, key);
      await journal.note('step', key);
      const timed = durationMs === undefined ? {} : { durationMs };
      const record: StepRecord = { key, inputs, output, storedAt: clock(), tool, ...timed };
      const stored: StoredStep = { ...record, integrity: integrityOfStep(inputs, output) };
      try {
        await writeRecord(layout, path, canonicalJson(stored as unknown as Json));
      } catch (error) {
        trouble.notKept(error, { what: `the result of step ${type}`, directory: layout.area('index') });
        return undefined;
      }
      for (const { kind, digest } of taggedReferences(output)) if (kind === 'blob') await blobs.noteResult(digest);
      return record;
    },
    remove: (type, inputs) => removeRecord(pathOf(type, cacheKey(type, inputs))),
    async nearest(type, inputs) {
      let best: NearestStep | undefined;
      for await (const record of everywhere((place) => recent(type, place))) {
        const differences = diffInputs(record.inputs, inputs);
        const fewer = best === undefined || differences.length < best.differences.length;
        const later = best !== undefined && differences.length === best.differences.length && record.storedAt > best.record.storedAt;
        if (fewer || later) best = { record, differences };
      }
      return best;
    },
    records: (type) => everywhere((place) => records(type, place)),
    isSound: async (type, path) => (await readStep(type, path, layout)) !== undefined,
  };
}
