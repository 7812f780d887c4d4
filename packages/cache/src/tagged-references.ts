import type { BlobRef, Json, LayerRef } from '@ict/plugin-api';

/** Layers and blobs inside the output of a step, which are tagged with their kind. */
export function* taggedReferences(value: Json): Generator<LayerRef | BlobRef> {
  if (typeof value !== 'object' || value === null) return;
  const { kind, digest } = value as { readonly kind?: Json; readonly digest?: Json };
  if ((kind === 'layer' || kind === 'blob') && typeof digest === 'string') yield value as unknown as LayerRef | BlobRef;
  for (const member of Object.values(value)) yield* taggedReferences(member as Json);
}
