import { rm } from 'node:fs/promises';
import type { BlobRef, Context, LayerRef } from '@ict/plugin-api';
import type { RemoteCache } from '@ict/remote-cache';
import type { LayerFinder, LayerShelf, StoredLayer } from '../trees/layer-shelf.js';
import { restoreLayer } from '../trees/layer-unpacking.js';
import type { LazySandbox } from '../trees/trees.js';
import type { KeptSignature } from '../trees/kept-signature.js';

/**
 * Layers of this machine and, after them, those of remote caches, of which the record of a step has told where their archives are. An archive is
 * downloaded when the layer is mounted, so that a layer under a result that is found costs nothing. Once one could not be had (the server went away,
 * or lost it), no other is taken for granted: the build that starts over downloads each before it counts on it, and so starts over once.
 */
export class RemoteLayers implements LayerFinder {
  private readonly own: LayerFinder;
  private readonly cache: LayerShelf;
  private readonly remote: Pick<RemoteCache, 'fetch'>;
  private readonly sandbox: LazySandbox;
  private readonly emit: Context['emit'];
  /** By the digest of the layer. */
  private readonly archives = new Map<string, BlobRef>();
  /** Digests of archives that could not be had, or turned out to be something else: the build that starts over makes their layers. */
  private readonly distrusted = new Set<string>();
  /** Digests of the layers of those. */
  private readonly withheld = new Set<string>();

  /**
   * @param own where layers of this machine are looked for.
   * @param cache where those that are downloaded go.
   * @param emit takes the warning about an archive that is not what was signed; what servers do is told by who asks them.
   */
  constructor(own: LayerFinder, cache: LayerShelf, remote: Pick<RemoteCache, 'fetch'>, sandbox: LazySandbox, emit: Context['emit']) {
    this.own = own;
    this.cache = cache;
    this.remote = remote;
    this.sandbox = sandbox;
    this.emit = emit;
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
    if (await this.own.has(layer)) return true;
    const archive = this.archives.get(layer.digest);
    return archive !== undefined && (this.distrusted.size === 0 || (await this.bring(layer, archive)) !== undefined);
  }

  async find(layer: Pick<LayerRef, 'digest'>): Promise<StoredLayer | undefined> {
    const stored = await this.own.find(layer);
    const archive = this.archives.get(layer.digest);
    return stored ?? (archive === undefined ? undefined : this.bring(layer, archive));
  }

  isWithheld({ digest }: Pick<LayerRef, 'digest'>): boolean {
    return this.withheld.has(digest);
  }

  resign(layer: LayerRef, signature: KeptSignature): Promise<void> {
    return this.own.resign(layer, signature);
  }

  drop(layer: Pick<LayerRef, 'digest'>): Promise<void> {
    return this.own.drop(layer);
  }

  private async bring(layer: Pick<LayerRef, 'digest'>, archive: BlobRef): Promise<StoredLayer | undefined> {
    const file = await this.remote.fetch(archive);
    if (file !== undefined) {
      const stored = await this.restore(layer, file).finally(() => rm(file));
      if (stored !== undefined) return stored;
      this.emit({
        type: 'warning',
        code: 'ICT_REMOTE_CACHE_BLOB',
        message: `A remote cache has an archive that is not used: it does not hold the layer that its record names (${archive.digest})`,
        hint: 'The layer is made here instead. The machine that signed the record had it wrong: make the layer anew there.',
      });
    }
    this.archives.delete(layer.digest);
    this.distrusted.add(archive.digest);
    this.withheld.add(layer.digest);
    return undefined;
  }

  private async restore(layer: Pick<LayerRef, 'digest'>, archive: string): Promise<StoredLayer | undefined> {
    return restoreLayer(layer, archive, this.cache, await this.sandbox.get());
  }
}
