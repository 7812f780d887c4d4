import type { BlobRef, Json, LayerRef } from '@ict/plugin-api';

/** Layers and blobs inside the output of a step, which are tagged with their kind. */
export function* taggedReferences(value: Json): Generator<LayerRef | BlobRef> {
  // Not by recursion: a record of anybody's may be nested too deep for that.
  const left: Json[] = [value];
  for (let one = left.pop(); one !== undefined; one = left.pop()) {
    if (typeof one !== 'object' || one === null) continue;
    const { kind, digest } = one as { readonly kind?: Json; readonly digest?: Json };
    if ((kind === 'layer' || kind === 'blob') && typeof digest === 'string') yield one as unknown as LayerRef | BlobRef;
    for (const member of Object.values(one).reverse()) left.push(member as Json);
  }
}
