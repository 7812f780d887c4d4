import type { LayerStore, StagedLayer as CacheStagedLayer, StoredLayer as CachedLayer } from '@ict/cache';
import type { LayerRef } from '@ict/plugin-api';
import { layerRef, type LayerManifest } from '@ict/sandbox';
import { isTrueListing, noteListing, type ListingNote } from './layer-listing.js';
import type { LayerShelf, PublishedLayer, SignLayer, StagedLayer, StoredLayer } from './layer-shelf.js';
import { isKeptSignature, type KeptSignature } from './kept-signature.js';

/** Layers in the cache directory. */
export class CachedLayers implements LayerShelf {
  private readonly store: LayerStore;

  constructor(store: LayerStore) {
    this.store = store;
  }

  async has(layer: LayerRef): Promise<boolean> {
    return (await this.store.get(layer.digest)) !== undefined;
  }

  async find(layer: Pick<LayerRef, 'digest'>): Promise<StoredLayer | undefined> {
    const stored = await this.store.get(layer.digest);
    if (stored === undefined) return undefined;
    const documents = parseDocuments(stored);
    if (documents?.manifest.digest === layer.digest) return { directory: stored.fs, ...documents };
    await this.drop(layer);
    return undefined;
  }

  async stage(): Promise<StagedLayer> {
    const { upper, work, root } = await this.store.stage();
    return { directory: upper, work, root };
  }

  async publish(staged: StagedLayer, manifest: LayerManifest, sign: SignLayer): Promise<PublishedLayer> {
    const signature = await sign(staged.directory);
    const listing = JSON.stringify(manifest);
    const { layer, existed } = await this.store.publish(inCache(staged), manifest.digest, {
      manifest: listing,
      signature: signatureText(signature, listing),
    });
    return { layer: layerRef(manifest), directory: existed ? undefined : layer.fs };
  }

  async drop(layer: Pick<LayerRef, 'digest'>): Promise<void> {
    await this.store.discard(layer.digest);
  }

  async resign(layer: LayerRef, signature: KeptSignature): Promise<void> {
    const stored = await this.store.get(layer.digest);
    if (stored !== undefined) await this.store.resign(layer.digest, signatureText(signature, stored.manifest));
  }

  async abandon(staged: StagedLayer): Promise<void> {
    await this.store.discardStaged(inCache(staged));
  }
}

function signatureText(signature: KeptSignature, listing: string): string {
  return JSON.stringify({ ...signature, ...noteListing(listing) });
}

/** What lies beside a layer's files; undefined when it was damaged. */
function parseDocuments(stored: CachedLayer): { readonly manifest: LayerManifest; readonly signature: KeptSignature } | undefined {
  try {
    const manifest = JSON.parse(stored.manifest) as LayerManifest | null;
    const signature: unknown = JSON.parse(stored.signature);
    if (manifest === null || !isKeptSignature(signature) || !isTrueListing(manifest, stored.manifest, signature as ListingNote))
      return undefined;
    // When the machine of a lender started says nothing here, and a machine that lives for one build would compare each layer again.
    const { digest, entries } = signature;
    return { manifest, signature: stored.lent === true ? { digest, entries } : signature };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined; // not JSON
  }
}

function inCache({ directory, work, root }: StagedLayer): CacheStagedLayer {
  return { upper: directory, work, root };
}
