import { mkdirSync } from 'node:fs';
import { rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { atomicWriteFile, digestHex, errnoOf, ignoreSystemError, readRegularFile, syncDirectory } from '@ict/integrity';
import type { Digest } from '@ict/plugin-api';
import type { StoreContext } from './store-context.js';
import type { Layout } from './layout.js';
import { againWhenRemoved } from './removed-meanwhile.js';
import { storageFailure } from './storage-failure.js';
import { lookAt, noFile, removeSeen } from './wreck.js';

/** Fresh directories for an overlay: its changes go to `upper`. */
export interface StagedLayer {
  readonly upper: string;
  /** The overlay's work directory, on the same file system. */
  readonly work: string;
  /** The directory that holds both; pass it to `discardStaged` when the layer is not published. */
  readonly root: string;
}

/** A layer in the cache. Its files may belong to subordinate ids; only its two documents are read here. */
export interface StoredLayer {
  readonly directory: string;
  /** The tree: what an overlay mounts. */
  readonly fs: string;
  readonly manifest: string;
  readonly signature: string;
  /** True for one of a read-only cache. */
  readonly lent?: boolean;
}

/** Layers at `.ict/layers/{hex}/{fs/, manifest.json, signature.json}`. What they contain is the business of those who make them. */
export interface LayerStore {
  stage(): Promise<StagedLayer>;
  /**
   * Gives a staged layer its name, in one rename. When the layer exists already it is kept, and the staged one goes to the trash.
   *
   * @param documents texts kept beside the tree: the canonical listing, and what proves that the tree on disk is unchanged.
   * @returns where it lies; where the file system refuses, with a warning, this process uses it where it was staged.
   * @throws `ICT_CACHE_DISK_FULL`.
   */
  publish(
    staged: StagedLayer,
    digest: Digest,
    documents: { readonly manifest: string; readonly signature: string },
  ): Promise<{ readonly layer: StoredLayer; readonly existed: boolean }>;
  /** Replaces the signature of a stored layer, after its tree was hashed again. */
  resign(digest: Digest, signature: string): Promise<void>;
  /** @returns undefined when the layer or one of its parts is absent. */
  get(digest: Digest): Promise<StoredLayer | undefined>;
  /**
   * Takes a layer away at once; its files wait in the trash for `reap`. False when there was none: then it is that of a read-only
   * cache, which this process does not use any more.
   */
  discard(digest: Digest): Promise<boolean>;
  /** Moves a staged layer that will not be published to the trash. */
  discardStaged(staged: StagedLayer): Promise<void>;
}

/**
 * The layer in a directory; undefined when it is absent, or a part of it is.
 *
 * @throws Node's own errors for what is there and cannot be read.
 */
export async function readLayer(directory: string): Promise<StoredLayer | undefined> {
  const fs = join(directory, 'fs');
  try {
    const [manifest, signature, tree] = await Promise.all([
      readRegularFile(join(directory, 'manifest.json')).then(String),
      readRegularFile(join(directory, 'signature.json')).then(String),
      stat(fs),
    ]);
    return tree.isDirectory() ? { directory, fs, manifest, signature } : undefined;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

export function createLayerStore({ layout, journal, readOnly, trouble }: StoreContext): LayerStore {
  const directoryOf = (digest: Digest, place: Layout = layout): string => join(place.area('layers'), digestHex(digest));
  /** Layers of read-only caches that turned out to be damaged. */
  const distrusted = new Set<Digest>();
  /** Layers of this process that could not be given their names. */
  const strays = new Map<Digest, StoredLayer>();

  async function own(digest: Digest): Promise<StoredLayer | undefined> {
    await journal.note('layer', digestHex(digest));
    return readLayer(directoryOf(digest));
  }

  async function elsewhere(digest: Digest, place: Layout): Promise<StoredLayer | undefined> {
    const layer = await readLayer(directoryOf(digest, place));
    if (layer === undefined) return undefined;
    const signature = await readOnly.recall(layer.fs);
    return { ...layer, lent: true, ...(typeof signature === 'string' ? { signature } : {}) };
  }

  async function get(digest: Digest): Promise<StoredLayer | undefined> {
    const kept = await own(digest).catch((error: unknown) => trouble.unreadable(error, directoryOf(digest)));
    const layer = kept ?? strays.get(digest);
    if (layer !== undefined || distrusted.has(digest)) return layer;
    return readOnly.first((place) => elsewhere(digest, place));
  }

  /**
   * A half-removed or hand-made directory of that name, or a link, is no layer; it would only be in the way.
   *
   * @returns whether a layer is there, perhaps behind a link.
   */
  async function clearWreck(digest: Digest): Promise<boolean> {
    const target = directoryOf(digest);
    const seen = lookAt(target);
    if (seen === undefined) return false;
    if ((await own(digest).catch(noFile)) !== undefined) return true;
    await removeSeen(layout, target, seen);
    return false;
  }

  async function discardStaged(staged: StagedLayer): Promise<void> {
    await layout.toTrash(staged.root);
  }

  async function stageOnce(): Promise<StagedLayer> {
    const root = await layout.temporaryDirectory('layer');
    const [upper, work] = [join(root, 'layer', 'fs'), join(root, 'work')];
    mkdirSync(dirname(upper), { mode: 0o700 }); // in the trash, too, nobody else can start what lies in it
    mkdirSync(upper, { mode: 0o755 });
    mkdirSync(work, { mode: 0o755 });
    return { root, upper, work };
  }

  return {
    get,
    discardStaged,
    async stage() {
      try {
        return await againWhenRemoved(stageOnce);
      } catch (error) {
        throw storageFailure(error, { what: 'a layer', directory: layout.area('layers') });
      }
    },
    async publish(staged, digest, { manifest, signature }) {
      const target = directoryOf(digest);
      const source = dirname(staged.upper);
      try {
        const kept = await clearWreck(digest);
        await atomicWriteFile(join(source, 'manifest.json'), manifest);
        await atomicWriteFile(join(source, 'signature.json'), signature);
        let existed = false;
        try {
          await rename(source, target);
          await syncDirectory(dirname(target));
        } catch (error) {
          // No directory takes the place of a link.
          if (!['EEXIST', 'ENOTEMPTY', ...(kept ? ['ENOTDIR'] : [])].includes(errnoOf(error) ?? '')) throw error;
          existed = true;
        }
        await discardStaged(staged);
        const layer = (await own(digest)) ?? { directory: target, fs: join(target, 'fs'), manifest, signature };
        return { layer, existed };
      } catch (error) {
        trouble.notKept(error, { what: 'a layer', directory: layout.area('layers') });
        const renamed = lookAt(source) === undefined;
        const layer = { directory: source, fs: staged.upper, manifest, signature };
        if (renamed) return { layer: { ...layer, directory: target, fs: join(target, 'fs') }, existed: false };
        strays.set(digest, layer);
        return { layer, existed: false };
      }
    },
    async resign(digest, signature) {
      const stray = strays.get(digest);
      if (stray !== undefined) strays.set(digest, { ...stray, signature });
      const layer = stray === undefined ? await get(digest) : undefined;
      if (layer === undefined) return;
      if (layer.directory !== directoryOf(digest)) return readOnly.remember(layer.fs, signature);
      try {
        await atomicWriteFile(join(layer.directory, 'signature.json'), signature, { temporary: await layout.temporaryFile('trees') });
      } catch (error) {
        ignoreSystemError(error); // a verdict that cannot be written down: the next build hashes again
      }
    },
    async discard(digest) {
      strays.delete(digest);
      if (await layout.toTrash(directoryOf(digest))) return true;
      distrusted.add(digest);
      return false;
    },
  };
}
