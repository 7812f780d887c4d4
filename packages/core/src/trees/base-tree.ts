import { link, mkdir, mkdtemp, readdir, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { WORKSPACE_LEFTOVER as STAGE } from '@ict/cache';
import { atomicWriteFile, isTemporaryName, syncDirectory, systemErrorOf } from '@ict/integrity';
import { hasCode, type LayerRef } from '@ict/plugin-api';
import { layerRef, type LayerManifest, type LayerSignature } from '@ict/sandbox';
import { currentUser, fileState, liveIn, readJson, recordIn, snapshotIn, snapshotRecordIn, type LiveRecord } from './base-tree-record.js';
import { isTrueListing, noteListing, type ListingNote } from './layer-listing.js';
import type { LayerShelf, PublishedLayer, SignLayer, StagedLayer, StoredLayer } from './layer-shelf.js';
import { unpackLayer } from './layer-unpacking.js';
import type { LazySandbox } from './trees.js';

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
  /** Snapshots elsewhere that turned out to be something else, and those that cannot be read. */
  private readonly distrusted = new Set<string>();
  private readonly shelf: LayerShelf;
  private readonly sandbox: LazySandbox;
  private readonly tellUnread: (directory: string, reason: string) => void;
  private parsed: { readonly state: string | undefined; readonly record: Partial<LiveRecord> | undefined } | undefined;

  /**
   * @param directory `work_dir/{provider-id}`; the caller holds its lock.
   * @param elsewhere directories of other work directories for the same provider id.
   * @param tellUnread is told once of each directory whose snapshot the system does not let be read: then there is none.
   */
  constructor(
    directory: string,
    shelf: LayerShelf,
    sandbox: LazySandbox,
    elsewhere: readonly string[] = [],
    tellUnread: (directory: string, reason: string) => void = () => undefined,
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
    await mkdir(join(this.directory, 'chrootbuild'), { recursive: true });
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
    await this.makeRoom(sign);
    await rename(staged.directory, this.live);
    const note = noteListing(JSON.stringify(manifest));
    const record: LiveRecord = { ...note, manifest, signature: await sign(this.live), user: currentUser() };
    await atomicWriteFile(this.record, JSON.stringify(record));
    await this.remove(staged.root);
    // The next tree that is published here moves this one to the cache, in the same build too.
    return { layer: layerRef(manifest), directory: undefined };
  }

  async resign(layer: LayerRef, signature: LayerSignature): Promise<void> {
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
    await atomicWriteFile(this.snapshotRecord, '{}');
    await rename(archive, this.snapshot);
    await syncDirectory(dirname(this.snapshot));
    await atomicWriteFile(this.snapshotRecord, JSON.stringify({ digest: layer.digest }));
  }

  /** Unpacks the snapshot; it counts only when the content is exactly the layer's. */
  private async restore(layer: Pick<LayerRef, 'digest'>, snapshot: string): Promise<StoredLayer | undefined> {
    const sandbox = await this.sandbox.get();
    const staged = await this.stage();
    const manifest = await unpackLayer(sandbox, snapshot, staged, this);
    if (manifest?.digest === layer.digest) {
      await this.publish(staged, manifest, (directory) => sandbox.statLayer(directory));
      return this.find(layer);
    }
    if (snapshot === this.snapshot) await atomicWriteFile(this.snapshotRecord, '{}');
    else this.distrusted.add(snapshot);
    await this.abandon(staged);
    return undefined;
  }

  /** Moves the live tree to the cache's layers, or removes it when nothing says what it is. */
  private async makeRoom(sign: SignLayer): Promise<void> {
    const record = await this.readLive();
    const known = record?.manifest;
    await atomicWriteFile(this.record, '{}');
    const owner = await ownerOf(this.live);
    if (owner === undefined) return;
    if (known === undefined || record?.user !== currentUser()) {
      return owner === currentUser() ? this.remove(this.live) : this.setAside();
    }
    const staged = await this.shelf.stage();
    try {
      await rename(this.live, staged.directory);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
      // The cache lies on another file system; what is copied is compared with its manifest when it is next mounted.
      await (await this.sandbox.get()).copyLayer(this.live, staged.directory);
      await this.remove(this.live);
    }
    await this.shelf.publish(staged, known, sign);
  }

  /** Moves the live tree of another user out of the way: whoever may remove it does so before the next build. */
  private async setAside(): Promise<void> {
    const aside = await mkdtemp(join(this.directory, STAGE));
    await rename(this.live, aside); // an empty directory is replaced; that both have the same parent lets others rename it
  }

  private async remove(directory: string): Promise<void> {
    const sandbox = await this.sandbox.get();
    await sandbox.removeTree(directory);
  }

  private async liveRecord(layer: Pick<LayerRef, 'digest'>): Promise<LiveRecord | undefined> {
    const record = await this.readLive();
    if (record?.manifest?.digest !== layer.digest || record.signature === undefined) return undefined;
    if (record.user !== currentUser() || (await fileState(this.live)) === undefined) return undefined;
    const { manifest, signature, user, listing } = record;
    return { manifest, signature, user, ...(listing === undefined ? {} : { listing }) };
  }

  /**
   * The record of the live tree, unless its listing was altered. It lists thousands of files and is asked for again and again, so it is
   * parsed once for each state of its file.
   */
  private async readLive(): Promise<Partial<LiveRecord> | undefined> {
    const state = await fileState(this.record);
    if (state === undefined || state !== this.parsed?.state) {
      const record = await readJson<Partial<LiveRecord>>(this.record);
      const manifest = record?.manifest;
      const sound = manifest === undefined || isTrueListing(manifest, JSON.stringify(manifest), record as ListingNote);
      this.parsed = { state, record: sound ? record : undefined };
    }
    return this.parsed.record;
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
        this.tellUnread(dirname(snapshot), reason);
      }
    }
    return undefined;
  }
}

async function namesIn(directory: string): Promise<readonly string[]> {
  return readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
}

/** The user whose a file is; undefined when it is absent. */
async function ownerOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).uid;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
