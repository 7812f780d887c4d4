import type { LayerRef } from '@ict/plugin-api';
import type { LayerManifest } from '@ict/sandbox';
import type { KeptSignature } from './kept-signature.js';

/** An empty place where a tree session writes its layer. */
export interface StagedLayer {
  /** Becomes the overlay's upper directory. */
  readonly directory: string;
  /** The overlay's work directory, on the same file system. */
  readonly work: string;
  /** The directory that holds both. */
  readonly root: string;
}

export interface StoredLayer {
  readonly directory: string;
  readonly manifest: LayerManifest;
  readonly signature: KeptSignature;
}

/** A layer that has its place on a shelf. */
export interface PublishedLayer {
  readonly layer: LayerRef;
  /** Where the staged files lie; undefined when a layer of the same content lay there already and was kept. */
  readonly directory: string | undefined;
  /** What signing them there gave, where they may be moved again; absent where they lie for good. */
  readonly signature?: KeptSignature;
}

/** Computes the stat signature of a staged layer, where its files lie by then. */
export type SignLayer = (directory: string) => Promise<KeptSignature>;

/** Finds layers by digest. */
export interface LayerFinder {
  has(layer: LayerRef): Promise<boolean>;
  find(layer: Pick<LayerRef, 'digest'>): Promise<StoredLayer | undefined>;
  /** Whether a remote cache was to have the layer, and did not give it; absent where no other machine is asked. */
  isWithheld?(layer: Pick<LayerRef, 'digest'>): boolean;
  /** Keeps a new signature of a layer whose every byte was found to be right. */
  resign(layer: LayerRef, signature: KeptSignature): Promise<void>;
  /** Takes a damaged layer away. */
  drop(layer: Pick<LayerRef, 'digest'>): Promise<void>;
}

/** Keeps layers by digest. */
export interface LayerShelf extends LayerFinder {
  stage(): Promise<StagedLayer>;
  /** The file that sealing a staged layer is to write it to as well, as tar.gz, for `publish`; absent where no archives are kept. */
  archivePlace?(staged: StagedLayer): string | undefined;
  /** @param archive what sealing wrote the layer to. */
  publish(staged: StagedLayer, manifest: LayerManifest, sign: SignLayer, archive?: string): Promise<PublishedLayer>;
  /** Takes over the archive of a layer whose tree is kept elsewhere; absent where no archives are kept. */
  keepArchive?(layer: LayerRef, archive: string): Promise<void>;
  /** Takes away what was staged and will not be published. */
  abandon(staged: StagedLayer): Promise<void>;
}
