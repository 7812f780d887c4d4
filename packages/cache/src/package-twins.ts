import { chmodSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { digestFromIntegrity, ensureDirectory, flushFile, integrityFromDigest, systemErrorOf, type ContentIdentity } from '@ict/integrity';
import { toErrorRecord } from '@ict/plugin-api';
import type { StoreContext } from './store-context.js';
import { listEntries } from './inventory.js';
import { pathSegment, type Layout } from './layout.js';
import type { CachedPackage } from './package-cache.js';
import { readRecord, removeRecord, writeHint } from './record-file.js';
import { renamed } from './staging.js';
import { sameSignature, statSignature, type StatSignature } from './stat-signature.js';
import { isTwinEntry, twinId, twinRecord, type TwinEntry } from './twin-entry.js';
import { noUses } from './uses.js';
import { clearWreck, noFile } from './wreck.js';

/** Who writes twins, and how much room they may take. */
export interface TwinMaker {
  /** Ecosystem of the packages, and the version of its twins. */
  readonly by: string;
  readonly version: number;
  /** What packages and twins together may take; beyond it none is made. */
  readonly limitBytes: number;
  /** Once it aborts, trouble is no trouble any more: the signal's reason is thrown. */
  readonly signal: AbortSignal;
  /** Writes the twin of a package file as the new file `out`. */
  write(file: string, out: string): Promise<void>;
}

/** Twins of packages of one provider: `.ict/twins/{provider-id}/`, under the packages' own names. */
export interface PackageTwins {
  /**
   * The twin of a verified package, verified as packages are; made when there is none yet.
   *
   * @param pkg with `file`, the package's own.
   * @returns undefined when there is no room for it, or it cannot be made or kept: that costs one warning, and the package serves.
   * @throws the signal's reason.
   */
  obtain(pkg: TwinnedPackage): Promise<string | undefined>;
}

export type TwinnedPackage = Pick<CachedPackage, 'digest' | 'fileName'> & { readonly file: string };

/** @throws `ICT_CACHE_NAME` for a provider id that is no plain name. */
export function createPackageTwins(store: StoreContext, providerId: string, maker: TwinMaker): PackageTwins {
  const { layout, clock, emit, mode, digestFile, journal, isScrubDue, readOnly } = store;
  const { by, version } = maker;
  const provider = pathSegment(providerId, 'a provider');
  const directoryOf = (place: Layout): string => join(place.area('twins'), provider);
  const fileOf = (place: Layout, fileName: string): string => join(directoryOf(place), pathSegment(fileName, 'a package'));
  const recordOf = ({ fileName }: TwinnedPackage, place = layout): string => twinRecord(place, providerId, fileName);
  let roomBytes: number | undefined;

  /** The record, when it is of this very package and of twins as they are made now. */
  async function readEntry(pkg: TwinnedPackage, place: Layout): Promise<TwinEntry | undefined> {
    const entry = await readRecord(recordOf(pkg, place), isTwinEntry);
    return entry?.of === integrityFromDigest(pkg.digest) && entry.by === by && entry.version === version ? entry : undefined;
  }

  async function write(entry: TwinEntry, pkg: TwinnedPackage): Promise<void> {
    await writeHint(layout, recordOf(pkg), JSON.stringify(entry));
  }

  async function find(pkg: TwinnedPackage): Promise<string | undefined> {
    const file = fileOf(layout, pkg.fileName);
    const entry = await readEntry(pkg, layout).catch(noFile);
    const signature = entry && (await statSignature(file).catch(noFile));
    if (entry === undefined || signature === undefined) return undefined;
    const unchanged = mode === 'signature' && sameSignature(entry.statSignature, signature);
    if (unchanged && !isScrubDue(entry.verifiedAt, entry.sizeBytes)) return file;
    const { digest } = await digestFile(file);
    if (integrityFromDigest(digest) === entry.integrity) {
      await write({ ...entry, statSignature: signature, verifiedAt: clock() }, pkg);
      return file;
    }
    const now = await statSignature(file).catch(noFile);
    if (now === undefined || !sameSignature(now, signature)) return undefined; // another process made it again meanwhile
    await removeRecord(recordOf(pkg));
    await layout.toTrash(file);
    emit({
      type: 'warning',
      code: 'ICT_CACHE_DAMAGED',
      message: `the uncompressed twin ${file} is damaged and is made again: its content is ${digest}`,
    });
    return undefined;
  }

  async function elsewhere(pkg: TwinnedPackage, place: Layout): Promise<string | undefined> {
    const entry = await readEntry(pkg, place);
    if (entry === undefined) return undefined;
    const { integrity, sizeBytes, statSignature: signature, verifiedAt } = entry;
    const file = fileOf(place, pkg.fileName);
    const expected = { digest: digestFromIntegrity(integrity), sizeBytes, recorded: { signature, verifiedAt } };
    return (await readOnly.prove(file, expected)) === undefined ? undefined : file;
  }

  /** What may still be added. Counted once: what else a build adds is brought below the limit at its end. */
  function room(): number {
    // What cannot be looked at counts for no collection either.
    roomBytes ??= listEntries(layout, noUses, ['package', 'twin'], () => undefined).reduce(
      (left, { allocatedBytes }) => left - allocatedBytes,
      maker.limitBytes,
    );
    return roomBytes;
  }

  async function make(pkg: TwinnedPackage): Promise<string | undefined> {
    if (room() <= 0) return undefined;
    const staged = await layout.temporaryFile();
    try {
      await maker.write(pkg.file, staged);
      chmodSync(staged, 0o444);
      const { digest, sizeBytes } = await digestFile(staged);
      ensureDirectory(directoryOf(layout));
      await flushFile(staged);
      const file = fileOf(layout, pkg.fileName);
      await clearWreck(layout, file);
      const signature = await renamed(staged, file);
      if (signature === undefined) return undefined; // the place is another process's, of a package of the same name perhaps
      await keep(pkg, signature, { digest, sizeBytes });
      roomBytes = room() - sizeBytes;
      return file;
    } catch (error) {
      await rm(staged, { force: true });
      if (systemErrorOf(error) !== undefined) roomBytes = 0; // the disk's trouble, which others would meet, too
      throw error;
    }
  }

  async function keep(pkg: TwinnedPackage, signature: StatSignature, { digest, sizeBytes }: ContentIdentity): Promise<void> {
    const now = clock();
    const of = integrityFromDigest(pkg.digest);
    const { fileName } = pkg;
    const made = { of, fileName, by, version, integrity: integrityFromDigest(digest), sizeBytes, statSignature: signature };
    await write({ ...made, storedAt: now, verifiedAt: now }, pkg);
  }

  return {
    async obtain(pkg) {
      try {
        await journal.note('twin', twinId(providerId, pkg.fileName));
        return (await find(pkg)) ?? (await readOnly.first((place) => elsewhere(pkg, place))) ?? (await make(pkg));
      } catch (error) {
        maker.signal.throwIfAborted();
        emit({
          type: 'warning',
          code: 'ICT_CACHE_NOT_KEPT',
          message: `the uncompressed twin of ${pkg.fileName} could not be kept: ${systemErrorOf(error) ?? toErrorRecord(error).message}`,
          hint: 'This build unpacks the package itself. Check the cache directory and its disk.',
        });
        return undefined;
      }
    },
  };
}
