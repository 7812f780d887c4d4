import { chmod, link, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  atomicWriteFile,
  cacheKey,
  copySparse,
  diffInputs,
  digestOf,
  ensureDirectory,
  errnoOf,
  flushFile,
  ignoreSystemError,
  isNoFile,
  syncDirectory,
  systemErrorOf,
  writeNewFile,
  type CacheKey,
  type InputDifference,
} from '@ict/integrity';
import type { Json } from '@ict/plugin-api';
import type { ResultBlobs } from './blob-store.js';
import type { ContentCheck } from './piecewise-check.js';
import type { StoreContext } from './store-context.js';
import { pathSegment, type Layout } from './layout.js';
import { readRecord } from './record-file.js';
import { isStoredRecord, seal, type ImageFile, type ImageRecord, type StoredRecord } from './image-record.js';
import { sameSignature, statSignature, type StatSignature } from './stat-signature.js';
import { mismatch } from './staging.js';
import { storageFailure } from './storage-failure.js';
import { lookAt, noFile, removeSeen } from './wreck.js';

export interface StoredImage extends ImageRecord {
  readonly directory: string;
}

export type ImageLookup =
  | { readonly image: StoredImage }
  /** `differences` are those to the kept image that is most alike. */
  | { readonly image?: undefined; readonly reason: string; readonly differences: readonly InputDifference[] };

/** What an image consists of when it is made: blobs, and small texts about them. */
export interface NewImage {
  readonly artifacts: readonly (ImageFile & { readonly source: string })[];
  readonly documents: ReadonlyMap<string, Uint8Array>;
}

/** Finished images at `imageCache/{key}/`: their files under their own names, and `meta.json`. */
export interface ImageStore {
  key(inputs: Json): CacheKey;
  /** Finds a built image and verifies each of its files. A damaged image is taken away. */
  find(inputs: Json): Promise<ImageLookup>;
  /** As `find`, for who only asks: nothing is taken away, and no use noted. */
  peek(inputs: Json): Promise<ImageLookup>;
  /**
   * Keeps an image. Blobs are hard-linked where the file system allows it, else copied.
   *
   * @returns the image as it is kept; undefined where another process kept one of these inputs at the same time.
   * @throws `ICT_CACHE_DISK_FULL`, `ICT_CACHE_UNWRITABLE`, `ICT_CACHE_NAME`; `ICT_CACHE_MISMATCH` when a file changed since it was hashed.
   */
  put(inputs: Json, image: NewImage, tool: string): Promise<StoredImage | undefined>;
  /**
   * Keeps a copy of a finished image that was made elsewhere, marked as imported: it can be exported, but is no hit of any build.
   *
   * @returns its key.
   * @throws as `put`.
   */
  importFile(file: string, name: string, type: string, tool: string): Promise<CacheKey>;
  /** Takes the image of these inputs away, when there is one; that of a cache that is only read is not used from here any more. */
  drop(inputs: Json): Promise<void>;
  /** Notes that the image at this key is used now: call it before it is read. */
  noteUse(key: string): Promise<void>;
  /** The record of the image at this key, unverified. */
  record(key: string): Promise<ImageRecord | undefined>;
  /** Hashes every file of the image at this key. @returns what is wrong with it. */
  check(key: string): Promise<readonly string[]>;
}

const META = 'meta.json';

/** What is remembered of an image of a read-only cache that is not to be used; one that is made there later is another. */
const dropped = ({ storedAt }: Pick<ImageRecord, 'storedAt'>): string => `dropped ${storedAt}`;

const NEVER_BUILT = 'never built here';
const DAMAGED = 'the stored image was damaged';

/** @param checkContent reads all of a file of a kept image. */
export function createImageStore(store: StoreContext, blobs: Pick<ResultBlobs, 'linking'>, checkContent: ContentCheck): ImageStore {
  const { layout, clock, emit, mode, digestFile, signal, journal, isScrubDue, readOnly } = store;
  const rootOf = (place: Layout): string => join(place.cacheDir, 'imageCache');
  const root = rootOf(layout);
  const directoryOf = (key: string, place = layout): string => join(rootOf(place), pathSegment(key, 'an image'));

  async function read(key: string, place = layout): Promise<StoredRecord | undefined> {
    const record = await readRecord(join(directoryOf(key, place), META), isStoredRecord).catch(noFile);
    return record?.key === key ? record : undefined;
  }

  /** What is wrong with a file; undefined when it is what the record says. */
  async function fault(directory: string, file: ImageFile, check: ContentCheck): Promise<string | undefined> {
    const path = join(directory, pathSegment(file.name, 'a file of an image'));
    try {
      if ((await statSignature(path)) === undefined) return `${file.name} is missing`;
      const actual = await check(path, file.sizeBytes, file.digest);
      return actual.digest === file.digest ? undefined : `${file.name} has the digest ${actual.digest}, not ${file.digest}`;
    } catch (error) {
      if (!isNoFile(error)) throw error;
      return `${file.name} is no file that can be read: ${systemErrorOf(error)}`;
    }
  }

  /** @param asks writes nothing down. */
  async function verify(record: StoredRecord, directory: string, asks: boolean): Promise<string | undefined> {
    const due = record.files.some((file) => isScrubDue(record.verifiedAt, file.sizeBytes));
    const signatures = await signaturesOf(record, directory);
    const faults = await Promise.all(
      record.files.map(async (file) => {
        const now = signatures[file.name];
        const known = record.signatures[file.name];
        if (!due && mode === 'signature' && now !== undefined && known !== undefined && sameSignature(now, known)) return 'unread';
        return { wrong: await fault(directory, file, checkContent) };
      }),
    );
    const hashed = faults.filter((one) => one !== 'unread');
    const wrong = hashed.find((one) => one.wrong !== undefined)?.wrong;
    // A verdict holds even where it cannot be written down: the next build hashes again.
    if (wrong === undefined && hashed.length > 0 && !asks) await sign(record, directory, signatures).catch(ignoreSystemError);
    return wrong;
  }

  /** @param signatures what the file system said of the files before they were read: a change after that shows. */
  async function sign(record: ImageRecord, directory: string, signatures: StoredRecord['signatures']): Promise<void> {
    const { key, inputs, files, origin, storedAt, tool } = record;
    const plain: ImageRecord = { key, inputs, files, origin, storedAt, tool };
    const text = JSON.stringify({ ...plain, integrity: seal(plain), signatures, verifiedAt: clock() });
    await atomicWriteFile(join(directory, META), text, { temporary: layout.hidden(root) });
  }

  /** The image of this cache, or why there is none. @param asks changes nothing. */
  async function own(key: CacheKey, asks: boolean): Promise<StoredImage | string> {
    const directory = directoryOf(key);
    if (!asks) await journal.note('image', key);
    const seen = asks ? undefined : lookAt(directory);
    const clear = async (): Promise<void> => seen && removeSeen(layout, directory, seen);
    const record = await read(key);
    if (record === undefined) {
      // Whatever lies there without a record that can be trusted is in the way of the next one.
      await clear();
      return NEVER_BUILT;
    }
    if (record.origin !== 'built') return 'the image was imported, and nothing shows that it is this one';
    const wrong = await verify(record, directory, asks);
    if (wrong === undefined) return { ...record, directory };
    if (asks) return DAMAGED;
    await clear();
    emit({
      type: 'warning',
      code: 'ICT_CACHE_DAMAGED',
      message: `the image in ${directory} was damaged and has been removed from the cache: ${wrong}`,
    });
    return DAMAGED;
  }

  /** The image of a read-only cache, when each of its files is what its record says. */
  async function elsewhere(key: CacheKey, place: Layout): Promise<StoredImage | undefined> {
    const record = await read(key, place);
    const directory = directoryOf(key, place);
    if (record?.origin !== 'built' || (await readOnly.recall(directory)) === dropped(record)) return undefined;
    for (const { name, digest, sizeBytes } of record.files) {
      const signature = record.signatures[name];
      const recorded = signature && { signature, verifiedAt: record.verifiedAt };
      const file = join(directory, pathSegment(name, 'a file of an image'));
      const check = (path: string) => checkContent(path, sizeBytes, digest);
      if ((await readOnly.prove(file, { digest, recorded, check })) === undefined) return undefined;
    }
    return { ...record, directory };
  }

  async function* records(place: Layout): AsyncGenerator<StoredRecord, void, undefined> {
    for (const key of (await readdir(rootOf(place)).catch(absent)) ?? []) {
      const record = key.startsWith('.') ? undefined : await read(key, place);
      if (record !== undefined) yield record;
    }
  }

  /** The fewest differences that the inputs of a kept image have. */
  async function nearest(inputs: Json): Promise<readonly InputDifference[]> {
    let best: readonly InputDifference[] | undefined;
    for await (const record of everywhere()) {
      const differences = diffInputs(record.inputs, inputs);
      if (best === undefined || differences.length < best.length) best = differences;
    }
    return best ?? [];
  }

  async function* everywhere(): AsyncGenerator<StoredRecord, void, undefined> {
    yield* records(layout);
    yield* readOnly.all(records);
  }

  /** @throws `ICT_CACHE_MISMATCH` when the copy is not what the source was when it was hashed. */
  async function copyTo(target: string, { name, source, digest, sizeBytes }: NewImage['artifacts'][number]): Promise<void> {
    await copySparse(source, target, signal);
    await chmod(target, (await stat(source)).mode & 0o777);
    const copy = await digestFile(target);
    if (copy.digest !== digest) throw mismatch(name, { digest, sizeBytes }, copy);
  }

  async function keep(
    inputs: Json,
    { artifacts, documents }: NewImage,
    origin: ImageRecord['origin'],
    tool: string,
  ): Promise<StoredImage | undefined> {
    const key = cacheKey('image', inputs);
    const record: ImageRecord = {
      key,
      inputs,
      files: [
        ...artifacts.map(({ name, type, digest, sizeBytes }) => ({ name, ...(type === undefined ? {} : { type }), digest, sizeBytes })),
        ...[...documents].map(([name, bytes]) => ({ name, digest: digestOf(bytes), sizeBytes: bytes.length })),
      ],
      origin,
      storedAt: Math.floor(clock()),
      tool,
    };
    const staged = layout.hidden(root);
    try {
      await journal.note('image', key);
      ensureDirectory(root);
      await rm(staged, { recursive: true, force: true });
      ensureDirectory(staged);
      const placeOf = (name: string): string => join(staged, pathSegment(name, 'a file of an image'));
      for (const artifact of artifacts) {
        const { name, source, digest } = artifact;
        const target = placeOf(name);
        // A link to a file elsewhere would change what the file system says of that one.
        const linked = origin === 'built' && source === layout.blob(digest) && (await blobs.linking(digest, () => linkTo(source, target)));
        if (!linked) await copyTo(target, artifact);
      }
      for (const [name, bytes] of documents) await writeNewFile(placeOf(name), bytes, 0o444);
      // The record vouches for them by what the file system says, which it may say of files that are not written yet.
      for (const { name } of record.files) await flushFile(placeOf(name));
      await sign(record, staged, await signaturesOf(record, staged));
      await layout.toTrash(directoryOf(key));
      await rename(staged, directoryOf(key));
      await syncDirectory(root);
      return { ...record, directory: directoryOf(key) };
    } catch (error) {
      await rm(staged, { recursive: true, force: true }).catch(() => undefined); // the cause says more; what stays is reaped
      if (errnoOf(error) === 'ENOTEMPTY' || errnoOf(error) === 'EEXIST') return undefined; // another process kept the same image
      throw storageFailure(error, { what: 'a finished image', directory: root });
    }
  }

  async function lookUp(inputs: Json, asks: boolean): Promise<ImageLookup> {
    const key = cacheKey('image', inputs);
    const found = await own(key, asks).catch(unreadable);
    if (typeof found !== 'string') return { image: found };
    const image = await readOnly.first((place) => elsewhere(key, place));
    if (image !== undefined) return { image };
    return { reason: found, differences: found === NEVER_BUILT ? ((await nearest(inputs).catch(ignoreSystemError)) ?? []) : [] };
  }

  return {
    key: (inputs) => cacheKey('image', inputs),
    noteUse: (key) => journal.note('image', key),
    record: (key) => read(key),
    find: (inputs) => lookUp(inputs, false),
    peek: (inputs) => lookUp(inputs, true),
    put: (inputs, image, tool) => keep(inputs, image, 'built', tool),
    async importFile(file, name, type, tool) {
      const { digest, sizeBytes } = await digestFile(file);
      const inputs: Json = { imported: digest, name };
      await keep(inputs, { artifacts: [{ name, type, digest, sizeBytes, source: file }], documents: new Map() }, 'imported', tool);
      return cacheKey('image', inputs);
    },
    async drop(inputs) {
      const key = cacheKey('image', inputs);
      await layout.toTrash(directoryOf(key));
      for (const place of readOnly.directories) {
        const record = await read(key, place).catch(ignoreSystemError);
        if (record !== undefined) await readOnly.remember(directoryOf(key, place), dropped(record));
      }
    },
    async check(key) {
      const record = await read(key);
      if (record === undefined) return ['its record is missing or damaged'];
      const faults = await Promise.all(record.files.map((file) => fault(directoryOf(key), file, (path) => digestFile(path))));
      return faults.filter((one) => one !== undefined);
    },
  };
}

/** What the file system says of the files of an image, by their names: nothing of those that are none. */
async function signaturesOf({ files }: Pick<ImageRecord, 'files'>, directory: string): Promise<StoredRecord['signatures']> {
  const signatures: Record<string, StatSignature> = {};
  for (const { name } of files) {
    const signature = await statSignature(join(directory, name)).catch(noFile);
    if (signature !== undefined) signatures[name] = signature;
  }
  return signatures;
}

/** @returns false where the file system has no such link, or cannot have one more. */
async function linkTo(source: string, target: string): Promise<boolean> {
  try {
    await link(source, target);
    return true;
  } catch (error) {
    if (!['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP'].includes(errnoOf(error) ?? '')) throw error;
    return false;
  }
}

/** Why there is no image, when the system refused to read. */
function unreadable(error: unknown): string {
  if (systemErrorOf(error) === undefined) throw error;
  return `the image cache cannot be read: ${systemErrorOf(error)}`;
}

function absent(error: unknown): undefined {
  if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
  throw error;
}
