import { digestOf } from '@ict/integrity';
import type { Digest } from '@ict/plugin-api';
import { layerDigest, type LayerManifest } from '@ict/sandbox';

/** What is noted of a listing when it is stored, in another file. */
export interface ListingNote {
  /** Digest of its text; absent in what earlier versions stored. */
  readonly listing?: Digest;
}

/** The note of a listing that was just made. @param text what is stored of it. */
export function noteListing(text: string): Required<ListingNote> {
  return { listing: digestOf(text) };
}

/** Whether a listing, as it was read, has the digest that it gives for that of its entries, which is the name of the layer. */
export function isProvenListing(manifest: LayerManifest | null): boolean {
  try {
    return manifest !== null && layerDigest(manifest.entries) === manifest.digest;
  } catch {
    return false; // entries of another shape, of which there is no digest
  }
}

/**
 * Whether a stored listing is the one whose digest names the layer. Deltas take over what it says of files that they leave alone, and the
 * choice of an initrd goes by it, so that a change in it alone must show. That its text is unchanged takes a fifth of the time that
 * the digest of its entries takes, and is believed as a stat signature is: whoever changes the note too is found where every byte is compared.
 */
export function isTrueListing(manifest: LayerManifest, text: string, { listing }: ListingNote): boolean {
  return (listing !== undefined && digestOf(text) === listing) || isProvenListing(manifest);
}
