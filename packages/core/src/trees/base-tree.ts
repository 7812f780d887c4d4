import type { Stats } from 'node:fs';
import { link, lstat, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { WORKSPACE_LEFTOVER as STAGE } from '@ict/cache';
import { atomicWriteFile, ensureDirectory, isNoFile, isTemporaryName, syncDirectory, systemErrorOf } from '@ict/integrity';
import { hasCode, type LayerRef } from '@ict/plugin-api';
import { layerRef, type LayerManifest } from '@ict/sandbox';
import { currentUser, fileState, liveIn, readJson, recordIn, snapshotIn, snapshotRecordIn, type LiveRecord } from './base-tree-record.js';
import { isProvenListing } from './layer-listing.js';
import type { LayerShelf, PublishedLayer, SignLayer, StagedLayer, StoredLayer } from './layer-shelf.js';
import { restoreLayer } from './layer-unpacking.js';
import { moveTree } from './move-tree.js';
import type { LazySandbox } from './trees.js';
import { isKeptSignature, signedElsewhere, type KeptSignature } from './kept-signature.js';

/** @param directory where `what` lies. */
type TellUnread = (what: string, directory: string, reason: string) => void;

/**
 * The base tree's home in the work directory: the live tree `chrootenv/`, and its snapshot `chrootbuild/chrootenv.tar.gz`.
 * All other layers are the cache's.
 *
 * A base tree is found by the digest of its content, never because the directory exists: first the live tree, then the layers of
 * the cache, then the snapshot, then snapshots of other work directories, which are only read. When another base tree takes its place, the one that lay here moves to the cache.
 * A live tree that another user made, root for one, has other owners than it seems to have here: it is none, and makes way.
 */
export class BaseTree implements LayerShelf {
  readonly snapshot: string;
  private readonly directory: string;
  private readonly live: string;
  private readonly record: string;
  private readonly snapshotRecord: string;
  private readonly elsewhere: readonly string[];
  /** Snapshots elsewhere that turned out to be something else, and what cannot be read. */
  private readonly distrusted = new Set<string>();
  private readonly shelf: LayerShelf;
  private readonly sandbox: LazySandbox;
  private readonly tellUnread: TellUnread;
  private parsed: { readonly state: string | undefined; readonly record: Partial<LiveRecord> | undefined } | undefined;

  /**
   * @param directory `work_dir/{provider-id}`; the caller holds its lock.
   * @param elsewhere directories of other work directories for the same provider id.
   * @param tellUnread is told once of what the system does not let be read: then there is none.
   */
  constructor(
    directory: string,
    shelf: LayerShelf,
    sandbox: LazySandbox,
    elsewhere: readonly string[] = [],
    tellUnread: TellUnread = () => undefined,
  ) {
    this.directory = directory;
    this.live = liveIn(directory);
    this.record = recordIn(directory);
    this.snapshot = snapshotIn(directory);
    this.snapshotRecord = snapshotRecordIn(directory);
    this.elsewhere = elsewhere;
    this.shelf = shelf;
    this.sandbox = sandbox;
    this.tellUnread = tellUnread;
  }

  /** Takes away what a killed build staged in a work directory. */
  static async removeLeftovers(directory: string, remove: (path: string) => Promise<unknown>): Promise<void> {
    const staged = (name: string): boolean => name.startsWith(STAGE) || isTemporaryName(name);
    for (const place of [directory, join(directory, 'chrootbuild')]) {
      for (const name of await namesIn(place)) if (staged(name)) await remove(join(place, name));
    }
  }

  async has(layer: LayerRef): Promise<boolean> {
    return (await this.liveRecord(layer)) !== undefined || (await this.shelf.has(layer)) || (await this.snapshotOf(layer)) !== undefined;
  }

  async find(layer: Pick<LayerRef, 'digest'>): Promise<StoredLayer | undefined> {
    const record = await this.liveRecord(layer);
    if (record !== undefined) return { directory: this.live, ...record };
    const stored = await this.shelf.find(layer);
    if (stored !== undefined) return stored;
    const snapshot = await this.snapshotOf(layer);
    return snapshot === undefined ? undefined : this.restore(layer, snapshot);
  }

  async stage(): Promise<StagedLayer> {
    await this.makeDirectory(dirname(this.snapshot));
    const root = await mkdtemp(join(this.directory, STAGE));
    const staged = { directory: join(root, 'upper'), work: join(root, 'work'), root };
    await mkdir(staged.directory, { mode: 0o755 });
    await mkdir(staged.work);
    return staged;
  }

  archivePlace({ root }: StagedLayer): string {
    return join(root, 'chrootenv.tar.gz');
  }

  /** @param archive absent for a tree that came out of a snapshot: what lies here as one, and what its record says, stay as they are. */
  async publish(staged: StagedLayer, manifest: LayerManifest, sign: SignLayer, archive?: string): Promise<PublishedLayer> {
    if (archive !== undefined) await this.keepSnapshot(staged, layerRef(manifest), archive);
    await this.makeRoom();
    await moveTree(staged.directory, this.live);
    const signature = await sign(this.live);
    const record: LiveRecord = { manifest, signature, user: currentUser() };
    await atomicWriteFile(this.record, JSON.stringify(record));
    await this.remove(staged.root);
    // The next tree that is published here moves this one to the cache, in the same build too.
    return { layer: layerRef(manifest), directory: this.live, signature };
  }

  async resign(layer: LayerRef, signature: KeptSignature): Promise<void> {
    const record = await this.liveRecord(layer);
    if (record === undefined) return this.shelf.resign(layer, signature);
    await atomicWriteFile(this.record, JSON.stringify({ ...record, signature }));
  }

  async drop(layer: Pick<LayerRef, 'digest'>): Promise<void> {
    if ((await this.liveRecord(layer)) === undefined) return this.shelf.drop(layer);
    await atomicWriteFile(this.record, '{}');
    await this.remove(this.live);
  }

  async abandon(staged: StagedLayer): Promise<void> {
    try {
      await this.remove(staged.root);
    } catch (error) {
      // Without a sandbox it stays until the next build of this directory.
      if (!hasCode(error, 'ICT_SANDBOX_DIED')) throw error;
    }
  }

  /**
   * Puts what sealing wrote in the place of the snapshot. Until it lies there nothing says what does: a build that is killed leaves no record of
   * another tree than that of the snapshot, which `ict cache verify` would take for damage.
   */
  private async keepSnapshot(staged: StagedLayer, layer: LayerRef, archive: string): Promise<void> {
    if (this.shelf.archivePlace?.(staged) !== undefined) {
      const shared = join(staged.root, 'shared.tar.gz');
      await link(archive, shared); // the snapshot itself stays here
      await this.shelf.keepArchive?.(layer, shared);
    }
    await this.clearForFile(this.snapshotRecord);
    await atomicWriteFile(this.snapshotRecord, '{}');
    await this.clearForFile(this.snapshot);
    await rename(archive, this.snapshot);
    await syncDirectory(dirname(this.snapshot));
    await atomicWriteFile(this.snapshotRecord, JSON.stringify({ digest: layer.digest }));
  }

  /** Unpacks the snapshot; it counts only when the content is exactly the layer's. */
  private async restore(layer: Pick<LayerRef, 'digest'>, snapshot: string): Promise<StoredLayer | undefined> {
    const stored = await restoreLayer(layer, snapshot, this, await this.sandbox.get());
    if (stored !== undefined) return stored;
    if (snapshot === this.snapshot) await atomicWriteFile(this.snapshotRecord, '{}');
    else this.distrusted.add(snapshot);
    return undefined;
  }

  /** Moves the live tree to the cache's layers, or removes it when nothing says what it is. */
  private async makeRoom(): Promise<void> {
    const { manifest, signature, user } = (await this.readLive()) ?? {};
    await this.clearForFile(this.record);
    await atomicWriteFile(this.record, '{}');
    const lying = await entryAt(this.live);
    if (lying === undefined) return;
    if (!lying.isDirectory()) return rm(this.live);
    if (manifest === undefined || !isKeptSignature(signature) || user !== currentUser()) {
      return lying.uid === currentUser() ? this.remove(this.live) : this.setAside();
    }
    const sandbox = await this.sandbox.get();
    let untouched = (await sandbox.statLayer(this.live)).digest === signature.digest;
    const staged = await this.shelf.stage();
    try {
      await moveTree(this.live, staged.directory);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
      // The cache lies on another file system.
      await sandbox.copyLayer(this.live, staged.directory);
      await this.remove(this.live);
      untouched = false;
    }
    // Moving changes the signature. What may not be what was sealed gets no new one: it is compared with its manifest when it is next mounted.
    const signMoved = async (moved: string) => (untouched ? signedElsewhere(signature, await sandbox.statLayer(moved)) : signature);
    await this.shelf.publish(staged, manifest, signMoved);
  }

  /** Moves the live tree of another user out of the way: whoever may remove it does so before the next build. */
  private async setAside(): Promise<void> {
    const aside = await mkdtemp(join(this.directory, STAGE));
    await rename(this.live, aside); // an empty directory is replaced; that both have the same parent lets others rename it
  }

  /** Makes a directory of the work directory, in place of a file or of a link that leads to none. */
  private async makeDirectory(directory: string): Promise<void> {
    try {
      ensureDirectory(directory);
    } catch (error) {
      const inTheWay = ['EEXIST', 'ENOTDIR', 'ENOENT', 'ELOOP'].includes((error as NodeJS.ErrnoException).code ?? '');
      if (!inTheWay || (await entryAt(directory))?.isDirectory() !== false) throw error;
      await rm(directory);
      ensureDirectory(directory);
    }
  }

  /** Takes a directory away that lies where a file is to be put, which would not replace it. */
  private async clearForFile(path: string): Promise<void> {
    if ((await entryAt(path))?.isDirectory() === true) await this.remove(path);
  }

  private async remove(directory: string): Promise<void> {
    const sandbox = await this.sandbox.get();
    await sandbox.removeTree(directory);
  }

  private async liveRecord(layer: Pick<LayerRef, 'digest'>): Promise<LiveRecord | undefined> {
    const record = await this.readLive();
    if (record?.manifest?.digest !== layer.digest || !isKeptSignature(record.signature)) return undefined;
    if (record.user !== currentUser() || (await entryAt(this.live))?.isDirectory() !== true) return undefined;
    const { manifest, signature, user } = record;
    return { manifest, signature, user };
  }

  /**
   * The record of the live tree, unless its listing was altered. It lists thousands of files and is asked for again and again, so it is
   * parsed once for each state of its file. Where something else than a file lies, or one that cannot be read, there is none.
   */
  private async readLive(): Promise<Partial<LiveRecord> | undefined> {
    try {
      const state = await fileState(this.record);
      if (state === undefined || state !== this.parsed?.state) {
        const record = await readJson<Partial<LiveRecord> | null>(this.record);
        const sound = record?.manifest === undefined || isProvenListing(record.manifest);
        this.parsed = { state, record: sound && record !== null ? record : undefined };
      }
      return this.parsed.record;
    } catch (error) {
      const reason = systemErrorOf(error);
      if (reason === undefined) throw error;
      if (!isNoFile(error) && !this.distrusted.has(this.record)) this.tellUnread('the record of the base tree', this.directory, reason);
      this.distrusted.add(this.record);
      return undefined;
    }
  }

  /** The first snapshot that is said to be of this layer. */
  private async snapshotOf(layer: Pick<LayerRef, 'digest'>): Promise<string | undefined> {
    for (const directory of [this.directory, ...this.elsewhere]) {
      const snapshot = snapshotIn(directory);
      if (this.distrusted.has(snapshot)) continue;
      try {
        const record = await readJson<{ digest?: string }>(snapshotRecordIn(directory));
        if (record?.digest === layer.digest && (await fileState(snapshot)) !== undefined) return snapshot;
      } catch (error) {
        const reason = systemErrorOf(error);
        if (reason === undefined) throw error;
        this.distrusted.add(snapshot);
        this.tellUnread('the snapshot', dirname(snapshot), reason);
      }
    }
    return undefined;
  }
}

async function namesIn(directory: string): Promise<readonly string[]> {
  return readdir(directory).catch((error: unknown) => {
    if (isNoFile(error)) return [];
    throw error;
  });
}

/** What lies at a path, which a link is not followed for; undefined when nothing does. */
async function entryAt(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (isNoFile(error)) return undefined;
    throw error;
  }
}
