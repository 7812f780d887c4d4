import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { digestHex, digestOf, ensureDirectory, ignoreSystemError, isSha256Digest, publishByLink, writeNewFile } from '@ict/integrity';
import type { BlobRef, BlobStore, Digest } from '@ict/plugin-api';
import { isBlobRecord, type BlobRecord } from './blob-record.js';
import type { StoreContext } from './store-context.js';
import type { Layout } from './layout.js';
import { readRecord, removeRecord, writeHint } from './record-file.js';
import { adoptFile, stageFile, type Staged } from './staging.js';
import { sameButForNames, sameSignature, statSignature, type StatSignature } from './stat-signature.js';
import { storageFailure } from './storage-failure.js';
import { clearWreck, noFile } from './wreck.js';

/** Blobs of which results are made: their files may get more names. */
export interface ResultBlobs extends BlobStore {
  /**
   * Runs `link`, which gives the file of a blob one more name, that of a file of an image, if it can. That changes what the file system says of it; what is known of its content
   * still holds.
   *
   * @returns what `link` does: whether it did so.
   */
  linking(digest: Digest, link: () => Promise<boolean>): Promise<boolean>;
  /** Notes that a result names a blob. A note that cannot be written costs room: without a result, the blob stays longer. */
  noteResult(digest: Digest): Promise<void>;
}

/**
 * Blobs at `.ict/blobs/sha256/ab/{hex}`, read-only, published by hard link so that a name never shows a part of its content and
 * two writers never disturb each other. Beside each, in the index, lies the stat signature that it had when it was last hashed.
 */
export function createBlobStore(store: StoreContext): ResultBlobs {
  const { layout, clock, emit, mode, digestFile, journal, isScrubDue, readOnly, trouble } = store;
  /** Blobs of this process that could not be given their names. */
  const strays = new Map<Digest, string>();
  const recordOf = (digest: Digest): string => layout.record('blobs', digestHex(digest));

  /** @param signature what the file system said of the file before its content was read: a change after that shows. */
  async function sign(digest: Digest, signature: StatSignature): Promise<void> {
    const before = await readOwn(digest);
    await write({ digest, signature, verifiedAt: clock(), ...(before?.isResult === true ? { isResult: true } : {}) });
  }

  async function write(record: BlobRecord): Promise<void> {
    try {
      await writeHint(layout, recordOf(record.digest), JSON.stringify(record));
    } catch (error) {
      ignoreSystemError(error); // a verdict that cannot be written down: the next build hashes again
    }
  }

  async function readOwn(digest: Digest): Promise<BlobRecord | undefined> {
    const record = await readRecord(recordOf(digest), isBlobRecord).catch(ignoreSystemError);
    return record?.digest === digest ? record : undefined;
  }

  async function noteResult(digest: Digest): Promise<void> {
    const record = isSha256Digest(digest) ? await readOwn(digest) : undefined;
    if (record !== undefined && record.isResult !== true) await write({ ...record, isResult: true });
  }

  /** The record of a blob, if its file is in the state that it speaks of. Without one that can be read the file is hashed. */
  async function recordFor(digest: Digest, signature: StatSignature): Promise<BlobRecord | undefined> {
    const record = await readOwn(digest);
    return record !== undefined && sameSignature(record.signature, signature) ? record : undefined;
  }

  /** The verified file of this cache. */
  async function own(digest: Digest): Promise<string | undefined> {
    const file = layout.blob(digest);
    await journal.note('blob', digestHex(digest));
    const signature = await statSignature(file);
    if (signature === undefined) return undefined;
    const record = mode === 'full' ? undefined : await recordFor(digest, signature);
    if (record !== undefined && !isScrubDue(record.verifiedAt, signature.sizeBytes)) return file;
    const actual = await digestFile(file);
    if (actual.digest === digest) {
      await sign(digest, signature);
      return file;
    }
    await removeRecord(recordOf(digest));
    // Another process may have dropped the damaged file and published a good one meanwhile.
    const now = await statSignature(file);
    if (now !== undefined && now.ino === signature.ino) await layout.toTrash(file);
    emit({
      type: 'warning',
      code: 'ICT_CACHE_DAMAGED',
      message: `${file} was damaged and has been removed from the cache: its content is ${actual.digest}`,
    });
    return undefined;
  }

  async function path(digest: Digest): Promise<string | undefined> {
    const file = await own(digest).catch((error: unknown) => trouble.unreadable(error, layout.blob(digest)));
    return file ?? strays.get(digest) ?? readOnly.first((place) => elsewhere(digest, place));
  }

  async function elsewhere(digest: Digest, place: Layout): Promise<string | undefined> {
    const file = place.blob(digest);
    const recorded = await readRecord(place.record('blobs', digestHex(digest)), isBlobRecord);
    return (await readOnly.prove(file, { digest, recorded })) === undefined ? undefined : file;
  }

  /** Gives a staged blob its name. Where the file system refuses, this process uses it where it is. */
  async function keep({ path: staged, digest, sizeBytes }: Staged): Promise<BlobRef> {
    try {
      await publish(staged, digest);
    } catch (error) {
      try {
        trouble.notKept(error, { what: 'a blob', directory: layout.area('blobs'), neededBytes: sizeBytes });
      } catch (failure) {
        await rm(staged, { force: true });
        throw failure;
      }
      strays.set(digest, staged);
    }
    return { kind: 'blob', digest, sizeBytes };
  }

  async function publish(staged: string, digest: Digest): Promise<void> {
    const file = layout.blob(digest);
    // Drops a damaged one, so that what is there is right.
    const kept = await own(digest).catch(noFile);
    ensureDirectory(dirname(file));
    if (kept === undefined) await clearWreck(layout, file);
    if (!(await publishByLink(staged, file))) return; // what lies there was verified above, or is another process's to sign
    const signature = await statSignature(file);
    if (signature !== undefined) await sign(digest, signature);
  }

  async function linking(digest: Digest, link: () => Promise<boolean>): Promise<boolean> {
    const file = layout.blob(digest);
    const before = await statSignature(file);
    const record = before && (await recordFor(digest, before));
    if (!(await link())) return false;
    const after = await statSignature(file);
    if (record !== undefined && after !== undefined && sameButForNames(record.signature, after))
      await write({ ...record, signature: after, isResult: true });
    return true;
  }

  async function put(what: string, neededBytes: number | undefined, work: () => Promise<BlobRef>): Promise<BlobRef> {
    try {
      return await work();
    } catch (error) {
      throw storageFailure(error, { what, directory: layout.area('blobs'), ...(neededBytes === undefined ? {} : { neededBytes }) });
    }
  }

  return {
    path,
    linking,
    noteResult,
    putFile: (file, known) =>
      put('a blob', known?.sizeBytes, async () => {
        return keep(known === undefined ? await stageFile(store, file, undefined, 'a blob') : await adoptFile(store, file, known));
      }),
    putBytes: (bytes) =>
      put('a blob', bytes.length, async () => {
        const digest = digestOf(bytes);
        if ((await path(digest)) !== undefined) return { kind: 'blob', digest, sizeBytes: bytes.length };
        const staged = await layout.temporaryFile();
        try {
          await writeNewFile(staged, bytes, 0o444);
        } catch (error) {
          await rm(staged, { force: true });
          throw error;
        }
        return keep({ path: staged, digest, sizeBytes: bytes.length });
      }),
  };
}
