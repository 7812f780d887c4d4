import { join } from 'node:path';
import type { Cache } from '@ict/cache';
import type { BlobRef, Json, LayerRef } from '@ict/plugin-api';
import { layerRef, type LayerManifest } from '@ict/sandbox';
import { blobOutput, outputFault } from '../step-output.js';
import type { LayerShelf, PublishedLayer, SignLayer, StagedLayer, StoredLayer } from './layer-shelf.js';
import { restoreLayer } from './layer-unpacking.js';
import type { LazySandbox } from './trees.js';

/** The step whose result is the archive of a layer. */
const STEP = 'ict.layer-archive';

/** What keeps archives, and finds them. */
export type ArchiveStore = Pick<Cache, 'blobs' | 'steps' | 'cacheDir' | 'treesDir'>;

/**
 * Layers on a disk of this machine and, in a cache whose file system takes no trees, as archives for other machines. An archive is a
 * blob, found by the layer's digest as the result of a step; it is unpacked when the layer is wanted and nowhere else, and counts only
 * when what comes out has that digest. Caches that are only read may have archives, too.
 */
export class ArchivedLayers implements LayerShelf {
  private readonly trees: LayerShelf;
  private readonly store: ArchiveStore;
  private readonly sandbox: LazySandbox;
  private readonly tool: string;
  /** Layers whose archives turned out to be something else. */
  private readonly distrusted = new Set<string>();

  /** @param tool what stored results are said to be made by. */
  constructor(trees: LayerShelf, store: ArchiveStore, sandbox: LazySandbox, tool: string) {
    this.trees = trees;
    this.store = store;
    this.sandbox = sandbox;
    this.tool = tool;
  }

  async has(layer: LayerRef): Promise<boolean> {
    const here = await this.trees.has(layer);
    if (here && !this.archives) return true;
    // Asked for all the same: what is used here has to stay for others.
    return (await this.archiveOf(layer)) !== undefined || here;
  }

  async find(layer: Pick<LayerRef, 'digest'>): Promise<StoredLayer | undefined> {
    const stored = await this.trees.find(layer);
    if (stored !== undefined) return stored;
    const archive = await this.archiveOf(layer);
    return archive === undefined ? undefined : this.unpack(layer, archive);
  }

  stage(): Promise<StagedLayer> {
    return this.trees.stage();
  }

  archivePlace({ root }: StagedLayer): string | undefined {
    return this.archives ? join(root, 'layer.tar.gz') : undefined;
  }

  async publish(staged: StagedLayer, manifest: LayerManifest, sign: SignLayer, archive?: string): Promise<PublishedLayer> {
    if (archive !== undefined) await this.keepArchive(layerRef(manifest), archive);
    return this.trees.publish(staged, manifest, sign);
  }

  async keepArchive({ digest }: LayerRef, archive: string): Promise<void> {
    const blob = await this.store.blobs.putFile(archive);
    await this.store.steps.put(STEP, { layer: digest }, blob as unknown as Json, this.tool);
    this.distrusted.delete(digest);
  }

  resign(...layer: Parameters<LayerShelf['resign']>): Promise<void> {
    return this.trees.resign(...layer);
  }

  drop(layer: Pick<LayerRef, 'digest'>): Promise<void> {
    return this.trees.drop(layer);
  }

  abandon(staged: StagedLayer): Promise<void> {
    return this.trees.abandon(staged);
  }

  /** Whether new layers are archived: their trees lie where only this machine sees them. */
  private get archives(): boolean {
    return this.store.treesDir !== this.store.cacheDir;
  }

  private async archiveOf({ digest }: Pick<LayerRef, 'digest'>): Promise<string | undefined> {
    if (this.distrusted.has(digest)) return undefined;
    const record = await this.store.steps.get(STEP, { layer: digest });
    if (record === undefined || outputFault(record.output, blobOutput) !== undefined) return undefined;
    return this.store.blobs.path((record.output as unknown as BlobRef).digest);
  }

  private async unpack(layer: Pick<LayerRef, 'digest'>, archive: string): Promise<StoredLayer | undefined> {
    const stored = await restoreLayer(layer, archive, this.trees, await this.sandbox.get());
    if (stored !== undefined) return stored;
    this.distrusted.add(layer.digest);
    await this.store.steps.remove(STEP, { layer: layer.digest });
    return undefined;
  }
}
