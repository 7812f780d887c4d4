import { rm } from 'node:fs/promises';
import type { BlobRef, LayerRef } from '@ict/plugin-api';
import type { LayerSignature } from '@ict/sandbox';
import type { RemoteCache } from '@ict/remote-cache';
import type { LayerFinder, LayerShelf, StoredLayer } from '../trees/layer-shelf.js';
import { restoreLayer } from '../trees/layer-unpacking.js';
import type { LazySandbox } from '../trees/trees.js';

/**
 * Layers of this machine and, after them, those of remote caches, of which the record of a step has told where their archives are. An archive is
 * downloaded when the layer is mounted, so that a layer under a result that is found costs nothing.
 */
export class RemoteLayers implements LayerFinder {
  private readonly own: LayerFinder;
  private readonly cache: LayerShelf;
  private readonly remote: Pick<RemoteCache, 'fetch'>;
  private readonly sandbox: LazySandbox;
  /** By the digest of the layer. */
  private readonly archives = new Map<string, BlobRef>();
  /** Digests of archives that could not be had, or turned out to be something else: the build that starts over makes their layers. */
  private readonly distrusted = new Set<string>();

  /**
   * @param own where layers of this machine are looked for.
   * @param cache where those that are downloaded go.
   */
  constructor(own: LayerFinder, cache: LayerShelf, remote: Pick<RemoteCache, 'fetch'>, sandbox: LazySandbox) {
    this.own = own;
    this.cache = cache;
    this.remote = remote;
    this.sandbox = sandbox;
  }

  /**
   * Notes which archive a layer can be made from.
   *
   * @returns whether the layer can be had, from there or here.
   */
  async note(layer: LayerRef, archive: BlobRef | undefined): Promise<boolean> {
    if (archive !== undefined && !this.distrusted.has(archive.digest)) this.archives.set(layer.digest, archive);
    return this.has(layer);
  }

  async has(layer: LayerRef): Promise<boolean> {
    return (await this.own.has(layer)) || this.archives.has(layer.digest);
  }

  async find(layer: Pick<LayerRef, 'digest'>): Promise<StoredLayer | undefined> {
    const stored = await this.own.find(layer);
    const archive = this.archives.get(layer.digest);
    return stored ?? (archive === undefined ? undefined : this.bring(layer, archive));
  }

  resign(layer: LayerRef, signature: LayerSignature): Promise<void> {
    return this.own.resign(layer, signature);
  }

  drop(layer: Pick<LayerRef, 'digest'>): Promise<void> {
    return this.own.drop(layer);
  }

  private async bring(layer: Pick<LayerRef, 'digest'>, archive: BlobRef): Promise<StoredLayer | undefined> {
    const file = await this.remote.fetch(archive);
    if (file !== undefined) {
      const stored = await restoreLayer(layer, file, this.cache, await this.sandbox.get()).finally(() => rm(file));
      if (stored !== undefined) return stored;
    }
    this.archives.delete(layer.digest);
    this.distrusted.add(archive.digest);
    return undefined;
  }
}
