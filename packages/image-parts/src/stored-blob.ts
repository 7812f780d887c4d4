import type { BlobRef, Digest, Json, StepRunner } from '@ict/plugin-api';

/** A step's output: {@link BlobRef} as plain data. */
type StoredBlob = { readonly blob: { readonly kind: 'blob'; readonly digest: Digest; readonly sizeBytes: number } };

/** Runs a cached step whose result is a blob. */
export async function storedBlob(
  steps: StepRunner,
  type: string,
  version: number,
  key: Json,
  run: () => Promise<BlobRef>,
): Promise<BlobRef> {
  const unmade = (digest: Digest): StoredBlob => ({ blob: { kind: 'blob', digest, sizeBytes: 0 } });
  const made = async (): Promise<StoredBlob> => ({ blob: { ...(await run()) } });
  const { blob } = await steps.step<StoredBlob>(type, version, key, made, unmade, isStoredBlob);
  return blob;
}

/** Whether an output of a step has a blob. */
export function isStoredBlob(output: Json): boolean {
  const { blob } = (output ?? {}) as { readonly blob?: { readonly kind?: unknown; readonly digest?: unknown } | null };
  return blob?.kind === 'blob' && typeof blob.digest === 'string';
}
